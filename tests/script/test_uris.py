import pytest

from opensips_py.script import uris


@pytest.mark.parametrize("uri", [
    "sip:a@b", "sip:a:b@c:5060;x=y?z=1", "sips:[::1]:5061", "sip:host", "tel:+123;ext=4", "sip:a@[2001:db8::1];lr",
    "sip:a;b=c@host?d"])
def test_pieces_put_together_are_the_uri(uri):
    assert str(uris.cut(uri)) == uri


def test_pieces():
    assert uris.cut("sip:a:p@[::1]:5;x?y") == ("sip:", "a", "p", "[::1]", "5", ";x?y")
    assert uris.cut("sip:host;maddr=1.2.3.4:5") == ("sip:", "", "", "host", "", ";maddr=1.2.3.4:5")


def test_changes():
    uri = "sip:a:p@h:5060;x=1?y=2"
    assert uris.with_user(uri, "b") == "sip:b:p@h:5060;x=1?y=2"
    assert uris.with_user(uri, None) == "sip:h:5060;x=1?y=2"
    assert uris.with_userinfo(uri, "b:c") == "sip:b:c@h:5060;x=1?y=2"
    assert uris.with_hostport(uri, "i:7") == "sip:a:p@i:7;x=1?y=2"
    assert uris.prefixed("sip:h", "00") == "sip:00@h"
    assert uris.with_transport(uri, "TCP") == "sip:a:p@h:5060;x=1;transport=tcp?y=2"
    assert uris.with_transport("sip:h;transport=tcp;lr", "udp") == "sip:h;lr"


@pytest.mark.parametrize(("q", "text"), [(-1, None), (0, "0"), (1000, "1"), (500, "0.5"), (123, "0.123"), (70, "0.07")])
def test_q_values(q, text):
    assert uris.q_text(q) == text
    assert text is None or uris.q_number(text) == q


def test_wrong_q_values():
    for text in ("2", "-1", "x", ""):
        with pytest.raises(ValueError):
            uris.q_number(text)
