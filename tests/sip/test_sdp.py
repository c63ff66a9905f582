"""Session descriptions."""
import pytest

from opensips_py.errors import MalformedMessage
from opensips_py.sip.sdp import SessionDescription

BODY = (b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=\xff x\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=sendrecv\r\n"
        b"m=audio 49170/2 RTP/AVP 0 97\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:97 iLBC/8000\r\na=recvonly\r\n"
        b"m=video 0 RTP/AVP 31\r\nc=IN IP6 2001:db8::1\r\n")


def test_untouched_descriptions_are_written_as_they_came():
    assert bytes(SessionDescription.parse(BODY)) == BODY


def test_media():
    audio, video = SessionDescription.parse(BODY).media
    assert (audio.kind, audio.port, audio.protocol, audio.formats, audio.direction) == (
        "audio", 49170, "RTP/AVP", ["0", "97"], "recvonly")
    assert (audio.codec("97"), audio.codec("8"), video.direction, video.port) == ("iLBC/8000", "", "", 0)


def test_each_media_line_has_its_own_family():
    session = SessionDescription.parse(BODY)
    assert [session.address_of(media) for media in session.media] == ["192.0.2.1", "2001:db8::1"]


def test_changes():
    session = SessionDescription.parse(BODY)
    audio = session.media[0]
    audio.port, audio.formats = 5000, ["97"]
    assert audio.remove_attributes("rtpmap") == 2
    audio.set_address("2001:db8::2")
    session.set_address("10.0.0.1")
    session.media.pop()
    assert bytes(session) == (
        b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=\xff x\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\na=sendrecv\r\n"
        b"m=audio 5000/2 RTP/AVP 97\r\na=recvonly\r\nc=IN IP6 2001:db8::2\r\n")


def test_attributes():
    session = SessionDescription.parse(b"v=0\na=ice-lite\na=group:BUNDLE 1 2\n")
    assert [session.attribute(name) for name in ("ice-lite", "group", "x")] == ["", "BUNDLE 1 2", None]
    assert session.address is None


@pytest.mark.parametrize("body", [b"", b"x", b"v=0\r\nrubbish\r\n", b"o=- 1 1 IN IP4 h\r\n", b"v=0\r\nm=audio\r\n",
                                  b"v=0\r\nm=audio x RTP/AVP 0\r\n", b"\x00\x01=2"])
def test_malformed_descriptions(body):
    with pytest.raises(MalformedMessage):
        SessionDescription.parse(body)
