"""What rtpproxy asks relays, and what becomes of session descriptions."""
from __future__ import annotations

import socket
import time

import pytest

from opensips_py.errors import ConfigError
from opensips_py.modules.rtpproxy.flags import FlagsKind, read
from opensips_py.testing import Phone, request
from tests.modules.rtpproxy.conftest import usual

DIALECTS = pytest.mark.parametrize("dialect", ["2.1", "4.0"])
OFFER = ("v=0\r\no=- 9 9 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n"
         "a=rtpmap:0 PCMU/8000\r\n")
MARK = "a=nortpproxy:yes\r\n"
RELAYED = OFFER.replace("c=IN IP4 10.0.0.5", "c=IN IP4 198.51.100.1").replace("4000", "30002") + MARK
RELAY = 't_on_reply("r"); t_relay();'
ROUTE = "onreply_route[r] { %s; xlog(\"L_WARN\", \"rc=$rc\\n\"); }"


def invite(server, body: str = OFFER, method: str = "INVITE", host: str = "203.0.113.7", **how):
    """Send a request; what leaves the server because of it."""
    server.take()
    given = {"call_id": "call", **how}
    return server.receive(request(method, given.pop("uri", "sip:bob@192.0.2.2"), body=body, from_tag="f", **given),
                          host, 40001)


def relayed(server, body: str = OFFER, **how) -> str:
    """The body that leaves."""
    sent, = [each for each in invite(server, body, **how) if not each.status]
    return sent.message.body.decode()


@DIALECTS
def test_offer_and_answer(start, fake, dialect):
    relay = fake()
    server = start("rtpproxy_offer(); $var(rc) = $rc; " + RELAY, relay, routes=ROUTE % "rtpproxy_answer()",
                   dialect=dialect)
    alice, bob = Phone(server, "alice", "203.0.113.7"), Phone(server, "bob", "192.0.2.2")
    call = alice.call("sip:bob@192.0.2.2", body=OFFER)
    offered = bob.last("INVITE")
    assert offered.message.body.decode() == RELAYED and server.variables["rc"] == 1
    bob.answer(offered, 200, body=OFFER.replace("4000", "5000"))
    assert call.final().message.body.decode() == RELAYED
    assert relay.asked == [f"Uc0,101 {call.call_id} 203.0.113.7 4000 a;1",
                           f"Lc0,101 {call.call_id} 192.0.2.2 5000 a;1 tag-bob;1"]
    assert len(set(relay.cookies)) == 2


def test_late_offer(start, fake):
    relay = fake()
    server = start('if ($rm == "ACK") { rtpproxy_answer(); t_relay(); exit; } ' + RELAY, relay,
                   routes=ROUTE % "rtpproxy_offer()")
    alice, bob = Phone(server, "alice", "203.0.113.7"), Phone(server, "bob", "192.0.2.2")
    call = alice.call("sip:bob@192.0.2.2", body="")
    bob.answer(bob.last("INVITE"), 200, body=OFFER)
    call.within("ACK", cseq=1, body=OFFER)
    assert [each.split(" ", 2)[0] + each[each.rindex(" 4000"):] for each in relay.asked] == [
        "Uc0,101 4000 tag-bob;1 a;1", "Lc0,101 4000 tag-bob;1 a;1"]
    assert bob.last("ACK").message.body.decode() == RELAYED


@DIALECTS
@pytest.mark.parametrize(("flags", "command"), [
    ("", "Uc0,101 call 203.0.113.7"), ("r", "Uc0,101 call 10.0.0.5"), ("a", "UAc0,101 call 10.0.0.5"),
    ("s", "USc0,101 call 203.0.113.7"), ("w", "USc0,101 call"), ("ei", "UEIc0,101 call"), ("ie", "UIEc0,101 call"),
    ("z20", "UZ20c0,101 call"), ("t30T40", "Uc0,101t30T40 call"), ("sr", "USc0,101 call 10.0.0.5")])
def test_what_flags_tell_relays(start, fake, flags, command, dialect):
    relay = fake()
    server = start(f'$var(f) = "{flags}"; rtpproxy_offer("$var(f)"); {RELAY}', relay, dialect=dialect)
    invite(server)
    assert relay.asked[0].startswith(command)


@pytest.mark.parametrize(("text", "wrong"), [("x", "x"), ("rq", "q"), ("n<", "<")])
def test_flags_that_mean_nothing(text, wrong):
    with pytest.raises(ValueError, match=f'"{wrong}" is no flag'):
        read(text)
    assert FlagsKind().convert(None).modifiers == "" and "r" in FlagsKind().complete()


def test_look_up_alone(start, fake):
    relay = fake()
    server = start('rtpproxy_offer("l"); ' + RELAY, relay)
    invite(server)
    invite(server, to_tag="t")
    assert relay.asked == ["Lc0,101 call 203.0.113.7 4000 dummy;1 f;1", "Lc0,101 call 203.0.113.7 4000 t;1 f;1"]


@pytest.mark.parametrize(("flags", "body"), [
    ("o", RELAYED.replace("9 9 IN IP4 10.0.0.5", "9 9 IN IP4 198.51.100.1")), ("k", OFFER), ("", RELAYED)])
def test_what_flags_change(start, fake, flags, body):
    server = start(f'rtpproxy_offer("{flags}"); $var(rc) = $rc; {RELAY}', fake())
    assert relayed(server) == body and server.variables["rc"] == 1


@DIALECTS
def test_connection_of_the_session(start, fake, dialect):
    body = OFFER.replace("101\r\n", "101\r\nc=IN IP4 10.0.0.6\r\n")
    new = RELAYED.replace("101\r\n", "101\r\nc=IN IP4 198.51.100.1\r\n")
    server = start('rtpproxy_offer("c"); ' + RELAY, fake(), dialect=dialect)
    assert relayed(server, body) == new
    server = start("rtpproxy_offer(); " + RELAY, fake(), dialect=dialect)
    assert relayed(server, body) == new.replace("c=IN IP4 198.51.100.1", "c=IN IP4 10.0.0.5", 1)


@DIALECTS
def test_marks(start, fake, dialect):
    relay = fake()
    server = start("rtpproxy_offer(); $var(rc) = $rc; " + RELAY, relay, dialect=dialect)
    assert relayed(server, OFFER + MARK) == OFFER + MARK and server.variables["rc"] == -1 and not relay.asked
    server = start('rtpproxy_offer("f"); ' + RELAY, relay, dialect=dialect)
    assert relayed(server, OFFER + MARK) == RELAYED
    server = start("rtpproxy_offer(); " + RELAY, relay, dialect=dialect,
                   settings='modparam("rtpproxy", "nortpproxy_str", "a=mangled:yes")')
    assert relayed(server, OFFER + MARK) == RELAYED + "a=mangled:yes\r\n"
    server = start("rtpproxy_offer(); rtpproxy_offer(); " + RELAY, relay, dialect=dialect,
                   settings='modparam("rtpproxy", "nortpproxy_str", "")')
    assert relayed(server) == RELAYED.replace(MARK, "") and len(relay.asked) == 4


@DIALECTS
def test_address_of_the_script(start, fake, dialect):
    server = start('rtpproxy_offer("", "192.0.2.77"); ' + RELAY, fake(), dialect=dialect)
    assert relayed(server) == RELAYED.replace("198.51.100.1", "192.0.2.77")


def test_advertised_address(start, fake):
    server = start("rtpproxy_offer(); " + RELAY, f"{fake().url}|192.0.2.88=2")
    assert relayed(server) == RELAYED.replace("198.51.100.1", "192.0.2.88")


def test_a_relay_without_an_address_is_where_we_are(start, fake):
    server = start("rtpproxy_offer(); " + RELAY, fake(lambda command: usual(command).partition(" ")[0]))
    assert relayed(server) == RELAYED.replace("198.51.100.1", "192.0.2.9")


def test_other_family(start, fake):
    relay = fake(lambda command: usual(command).replace("198.51.100.1", "2001:db8::9 6"))
    server = start('rtpproxy_offer("or"); ' + RELAY, relay)
    assert relayed(server) == RELAYED.replace("IP4 198.51.100.1", "IP6 2001:db8::9").replace(
        "IP4 10.0.0.5", "IP6 2001:db8::9")
    relayed(server, OFFER.replace("IP4 10.0.0.5", "IP6 fd00::5"))
    assert relay.asked[-1].startswith("U6c0,101 call fd00::5")


def test_several_streams(start, fake):
    relay = fake()
    server = start('rtpproxy_offer("r"); ' + RELAY, relay)
    body = OFFER + ("a=rtcp:4001 IN IP4 10.0.0.5\r\nm=video 4002/2 RTP/AVP 34\r\nc=IN IP4 10.0.0.6/127\r\n"
                    "m=image 0 udptl t38\r\nm=application 4004 TCP/MSRP *\r\n")
    assert relayed(server, body) == body.replace("c=IN IP4 10.0.0.5", "c=IN IP4 198.51.100.1").replace(
        "4000", "30002").replace("a=rtcp:4001 IN IP4 10.0.0.5", "a=rtcp:30003 IN IP4 198.51.100.1").replace(
        "4002/2", "30004/2").replace("c=IN IP4 10.0.0.6/127", "c=IN IP4 198.51.100.1").replace("4004", "30008") + MARK
    assert relay.asked == ["Uc0,101 call 10.0.0.5 4000 f;1", "Uc34 call 10.0.0.6 4002 f;2", "U call 10.0.0.5 4004 f;4"]


def test_hold_stays_hold(start, fake):
    server = start("rtpproxy_offer(); " + RELAY, fake())
    body = OFFER.replace("c=IN IP4 10.0.0.5", "c=IN IP4 0.0.0.0")
    assert relayed(server, body) == body.replace("4000", "30002") + MARK


@pytest.mark.parametrize("body", [
    "", OFFER.replace("4000", "0"), OFFER.replace("4000", "x"), OFFER.replace("c=IN IP4 10.0.0.5\r\n", ""),
    OFFER.replace("c=IN IP4 10.0.0.5", "c=IN IP4 home.example.com"), "v=0\r\n", "garbage"])
def test_descriptions_that_no_relay_can_take(start, fake, body):
    relay = fake()
    server = start("rtpproxy_offer(); $var(rc) = $rc; " + RELAY, relay)
    assert relayed(server, body) == body
    assert server.variables["rc"] == -1 and not relay.asked


def test_part_of_a_body_and_other_changes(start, fake):
    server = start('fix_nated_sdp("8", "192.0.2.9"); rtpproxy_offer("r"); codec_delete("PCMU"); ' + RELAY, fake(),
                   settings='modparam("nathelper", "oldip_skip", "oc")')
    body = ("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: application/sdp\r\n\r\n"
            f"{OFFER}\r\n--b--\r\n")
    new = RELAYED.replace("9 9 IN IP4 10.0.0.5", "9 9 IN IP4 192.0.2.9").replace("AVP 0 101", "AVP 101").replace(
        "a=rtpmap:0 PCMU/8000\r\n", "")
    assert relayed(server, body, content_type="multipart/mixed;boundary=b") == body.replace(OFFER, new)


@DIALECTS
@pytest.mark.parametrize("function", ["offer", "answer"])
def test_relay_that_was_chosen(start, fake, function, dialect):
    relay = fake()
    sock = '"$var(sock)"' if dialect == "2.1" else "$var(sock)"
    server = start(f"rtpproxy_{function}(,,,{sock}); {RELAY}", relay, dialect=dialect)
    invite(server, to_tag="t")
    assert server.variables["sock"] == relay.url


@pytest.mark.parametrize("function", ["offer", "answer"])
def test_place_and_body_and_own_address(start, fake, function):
    relay = fake()
    server = start(f'$var(body) = $rb; rtpproxy_{function}("",,,, $var(at), $var(body), "[1:2:3]"); {RELAY}', relay)
    assert relayed(server, to_tag="t") == OFFER
    assert (server.variables["at"], server.variables["body"]) == ("198.51.100.1:30002", RELAYED)
    assert "l[1:2:3]c0,101 call" in relay.asked[0]


def test_body_that_is_empty(start, fake):
    server = start('rtpproxy_offer("",,,,, $var(body)); $var(rc) = $rc;', fake())
    invite(server)
    assert server.variables["rc"] == -1


@DIALECTS
@pytest.mark.parametrize("name", ["rtpproxy_unforce", "unforce_rtp_proxy"])
def test_sessions_end(start, fake, name, dialect):
    if dialect == "4.0" and name == "unforce_rtp_proxy":
        return
    relay = fake()
    sock = '"$var(sock)"' if dialect == "2.1" else "$var(sock)"
    server = start(f"{name}(,{sock}); $var(rc) = $rc;", relay, dialect=dialect)
    invite(server, "")
    invite(server, "", to_tag="t")
    assert relay.asked == ["D call f", "D call f t"]
    assert (server.variables["rc"], server.variables["sock"]) == (1, relay.url)


def test_sessions_that_are_not_there(start, fake):
    relay = fake(lambda command: usual(command) if command == "V" else "E50")
    server = start("rtpproxy_unforce(); $var(rc) = $rc;", relay)
    invite(server, "")
    assert server.variables["rc"] == -1
    assert server.mi("rtpproxy:show")[0]["Nodes"][0]["disabled"] == 0


@pytest.mark.parametrize(("uri", "far"), [("sip:bob@192.0.2.2", "R192.0.2.2"), ("sip:bob@home.example.com", "")])
def test_networks_are_bridged(start, fake, uri, far):
    relay = fake()
    server = start("rtpproxy_offer(); exit;", relay, settings='modparam("rtpproxy", "rtpproxy_autobridge", 1)')
    invite(server, uri=uri)
    assert relay.asked[0].startswith(f"U{far}c0,101 call")


def test_answers_are_bridged_to_the_caller(start, fake):
    relay = fake()
    server = start("rtpproxy_offer(); " + RELAY, relay, routes=ROUTE % "rtpproxy_answer()",
                   settings='modparam("rtpproxy", "rtpproxy_autobridge", 1)')
    alice, bob = Phone(server, "alice", "203.0.113.7"), Phone(server, "bob", "192.0.2.2")
    alice.call("sip:bob@192.0.2.2", body=OFFER)
    bob.answer(bob.last("INVITE"), 200, body=OFFER)
    assert relay.asked[1].startswith("LR203.0.113.7c0,101 ")


# Relays that do not do as they should


@pytest.mark.parametrize("answer", ["E1", "0", "x 198.51.100.1", "70000", "-1 1.2.3.4", " "])
def test_answers_that_are_none(start, fake, answer):
    server = start("rtpproxy_offer(); $var(rc) = $rc; " + RELAY,
                   fake(lambda command: usual(command) if command == "V" else answer))
    assert relayed(server) == OFFER and server.variables["rc"] == -1
    assert server.mi("rtpproxy:show")[0]["Nodes"][0]["disabled"] == 0


@pytest.mark.parametrize("answer", [None, b"garbage", b"", "E7", "E10"])
def test_another_relay_serves(start, fake, answer):
    one = fake(lambda command: usual(command) if command == "V" else answer)
    two = fake(one.answering)
    three = fake()
    server = start("rtpproxy_offer(); $var(rc) = $rc; " + RELAY, f"{one.url} {two.url} {three.url}=0")
    assert relayed(server) == RELAYED and server.variables["rc"] == 1
    assert (len(one.asked), len(two.asked), len(three.asked)) == (1, 1, 1)
    assert [each["disabled"] for each in server.mi("rtpproxy:show")[0]["Nodes"]] == [1, 1, 0]
    assert "Traceback" not in "".join(server.log)


def test_relay_gone(start, fake):
    relay = fake()
    server = start("rtpproxy_offer(); $var(rc) = $rc; " + RELAY, relay)
    relay.close()
    began = time.perf_counter()
    assert relayed(server) == OFFER and server.variables["rc"] == -1
    assert time.perf_counter() - began < 0.3


def test_streams_of_a_call_are_at_one_relay(start, fake):
    def answering(command):
        return None if ";2" in command else usual(command)
    one, two = fake(answering), fake(answering)
    three = fake()
    server = start("rtpproxy_offer(); " + RELAY, f"{one.url} {two.url} {three.url}=0")
    body = OFFER + "m=video 4002 RTP/AVP 34\r\n"
    assert relayed(server, body) == RELAYED.replace(MARK, "m=video 30004 RTP/AVP 34\r\n" + MARK)
    assert [each.split(" ")[-1] for each in three.asked] == ["f;1", "f;2"]


@pytest.mark.parametrize(("settings", "seconds"), [
    ('modparam("rtpproxy", "rtpproxy_timeout", "0.1")\nmodparam("rtpproxy", "rtpproxy_retr", 4)', 0.4),
    ('modparam("rtpproxy", "rtpproxy_timeout", "")\nmodparam("rtpproxy", "rtpproxy_tout", 2)', 2)])
def test_time_that_a_relay_gets(start, fake, settings, seconds):
    relay = fake(lambda command: usual(command) if command == "V" else None)
    server = start("rtpproxy_offer();", relay, settings=settings, dialect="2.1")
    began = time.perf_counter()
    invite(server)
    assert seconds <= time.perf_counter() - began < seconds + 0.4
    assert len(relay.asked) == (4 if seconds < 1 else 1) and len(set(relay.cookies)) == 1


@pytest.mark.parametrize("version", ["20010101", "E1", "nonsense"])
def test_relays_of_another_time_are_left_alone(start, fake, version):
    server = start("exit;", fake(lambda command: version))
    assert server.mi("rtpproxy:show")[0]["Nodes"][0]["disabled"] == 1


def test_ipv6_socket(start, fake):
    relay = fake(family=socket.AF_INET6, place=("::1", 0))
    server = start("rtpproxy_offer(); " + RELAY, f"udp6:[::1]:{relay.socket.getsockname()[1]}")
    assert relayed(server) == RELAYED


@pytest.mark.parametrize(("setting", "why"), [
    ('"rtpproxy_sock", "x == udp:h:1"', "a set is a number"), ('"rtpproxy_timeout", "soon"', "number of seconds"),
    ('"rtpproxy_timeout", "-1"', "number of seconds"), ('"rtpp_notify_socket", "tcp:192.0.2.1:x"', "cannot be used"),
    ('"db_url", "mysql://x/y"', "needs its driver"),
    ('"generated_sdp_port_min", 1', "waits for module rtp_relay")])
def test_parameters_are_checked(start, setting, why):
    relays = () if "db_url" in setting else ("udp:127.0.0.1:1",)
    with pytest.raises(ConfigError, match=why):
        start("exit;", *relays, settings=f'modparam("rtpproxy", {setting})')
    with pytest.raises(ConfigError, match="no relay is named"):
        start("exit;")
