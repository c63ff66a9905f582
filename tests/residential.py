"""A server on cfg/residential.cfg, the one of `make run`, with ports and files of its own."""
from tests.live import ROOT, Server


def residential() -> Server:
    """Not started yet."""
    text = (ROOT / "cfg" / "residential.cfg").read_text()
    for old, new in (("127.0.0.1:5060", "127.0.0.1:@PORT@"), ("/tmp/opensips_py_fifo", "@RUN@/fifo")):
        assert old in text
        text = text.replace(old, new)
    return Server(text)
