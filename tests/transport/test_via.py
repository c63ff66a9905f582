from opensips_py.transport.listener import Listener
from opensips_py.transport.via import ADVERTISED_HOST, ADVERTISED_PORT, LOCAL_RPORT, sent_by, via_line

PLAIN = Listener("udp", "127.0.0.1", 5060)
NAMED = Listener("tcp", "::1", 5062, advertised_host="sip.example.org", advertised_port=5099)


def test_without_wishes_of_the_script_the_listener_speaks_for_itself():
    for context in (None, {}):
        assert via_line(PLAIN, "z9", context) == b"Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9\r\n"
        assert via_line(NAMED, "z9", context) == b"Via: SIP/2.0/TCP sip.example.org:5099;branch=z9\r\n"
    assert sent_by(NAMED, {"other": 1}) == "sip.example.org:5099"


def test_what_the_script_wants_comes_first():
    assert sent_by(PLAIN, {ADVERTISED_HOST: "2001:db8::1"}) == "[2001:db8::1]:5060"
    assert sent_by(NAMED, {ADVERTISED_PORT: 1}) == "sip.example.org:1"
    assert sent_by(NAMED, {ADVERTISED_HOST: "h", ADVERTISED_PORT: 2}) == "h:2"
    assert via_line(PLAIN, "z9", {LOCAL_RPORT: True}) == b"Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9;rport\r\n"
