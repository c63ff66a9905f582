"""Changes that take an earlier one's place."""
from opensips_py.modules.sipmsgops.splices import replace_again
from opensips_py.sip import parse
from tests.modules.bench import options


def test_last_text_counts_and_other_edits_stay():
    message = parse(options().encode())
    start, end = message.headers("To")[0].start, message.headers("To")[0].end
    message.append_header("X: 1\r\n")
    replace_again(message, start, end, "To: <sip:one@example.com>\r\n")
    message.append_header("Y: 2\r\n")
    replace_again(message, start, end, "To: <sip:two@example.com>\r\n")
    text = message.edited()
    assert b"two@" in text and b"one@" not in text and b"bob@example" not in text and b"X: 1\r\nY: 2\r\n" in text
