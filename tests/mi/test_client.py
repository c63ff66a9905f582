import os

import gevent
import pytest

from opensips_py.errors import MIError
from opensips_py.mi import client
from opensips_py.modules.mi_fifo import MiFifo, Pipe


class Commands:
    def call(self, name, params):
        if name == "none":
            raise MIError(-32602, "missing parameter x")
        return {"given": params, "long": "x" * 300_000}


@pytest.fixture
def fifo(tmp_path):
    module = MiFifo("4.0")
    module.services = type("Services", (), {"mi": Commands()})
    module.pipe, module.fifo_name, module.reply_dir = Pipe(), str(tmp_path / "fifo"), str(tmp_path)
    module.start()
    yield module
    module.stop()


def ask(fifo, *arguments):
    return gevent.get_hub().threadpool.apply(client.ask, (fifo.fifo_name, *arguments, fifo.reply_dir))


def test_long_answers_come_whole(fifo):
    answer = ask(fifo, "echo", ["a"])
    assert (answer["given"], len(answer["long"])) == (["a"], 300_000)


def test_errors_are_those_of_the_server(fifo):
    with pytest.raises(MIError) as error:
        ask(fifo, "none", None)
    assert (error.value.code, error.value.message) == (-32602, "missing parameter x")


def test_a_server_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MIError, match="no server answers at"):
        client.ask(str(tmp_path / "nothing"), "ps", None, str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_dies_with_the_request_is_not_waited_for(tmp_path, monkeypatch):
    """Whoever takes its place makes a pipe of its own and knows of no request."""
    monkeypatch.setattr(client, "LAST_WORDS", 0.05)
    os.mkfifo(tmp_path / "fifo")
    reading = os.open(tmp_path / "fifo", os.O_RDWR | os.O_NONBLOCK)
    asked = gevent.get_hub().threadpool.spawn(client.ask, str(tmp_path / "fifo"), "ps", None, str(tmp_path))
    with gevent.Timeout(5):
        while True:
            try:
                assert b'"ps"' in os.read(reading, 1000)
                break
            except BlockingIOError:
                gevent.sleep(0.001)
    os.close(reading)
    with pytest.raises(MIError, match="went away before it answered"):
        asked.get(timeout=5)


def test_an_answer_that_comes_after_the_pipe_has_moved_still_counts(tmp_path):
    """As that of the reload which moves it."""
    reply, answering = os.pipe()
    fifo, server = os.pipe()
    os.close(fifo)
    waiting = gevent.get_hub().threadpool.spawn(client.receive, reply, 30.0, server)
    gevent.sleep(0.02)
    os.write(answering, b"moved")
    os.close(answering)
    assert waiting.get(timeout=5) == b"moved"
    os.close(server)
    os.close(reply)
