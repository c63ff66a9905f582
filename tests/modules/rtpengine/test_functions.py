"""What the functions of rtpengine ask engines, and what they make of the answers."""
from __future__ import annotations

import socket
import time

import pytest

from opensips_py.errors import ConfigError
from opensips_py.sip import address_key
from opensips_py.testing import Phone, request
from tests.modules.rtpengine.engines import OK, PONG, SDP

DIALECTS = pytest.mark.parametrize("dialect", ["2.1", "4.0"])
OFFER = "v=0\r\no=- 9 9 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
RELAY = 't_on_reply("r"); t_relay();'
ROUTE = "onreply_route[r] { $var(rc) = 0; %s; xlog(\"L_WARN\", \"rc=$rc\\n\"); }"


def invite(server, body: str = OFFER, method: str = "INVITE", **how):
    """Send a request; what leaves the server because of it."""
    server.take()
    return server.receive(request(method, "sip:bob@192.0.2.2", body=body, call_id="call", from_tag="f", **how),
                          "203.0.113.7", 40001)


def relayed(server, body: str = OFFER, **how):
    """The request as it was relayed."""
    sent, = [each for each in invite(server, body, **how) if not each.status]
    return sent.message


@DIALECTS
def test_offer_and_answer(start, fake, dialect):
    engine = fake()
    server = start("rtpengine_offer(); $var(rc) = $rc; " + RELAY, engine, routes=ROUTE % "rtpengine_answer()",
                   dialect=dialect)
    alice, bob = Phone(server, "alice", "203.0.113.7"), Phone(server, "bob", "192.0.2.2")
    call = alice.call("sip:bob@192.0.2.2", body=OFFER)
    offered = bob.last("INVITE")
    assert offered.message.body.decode() == SDP and server.variables["rc"] == 1
    bob.answer(offered, 200, body=OFFER.replace("4000", "5000"))
    assert call.final().message.body.decode() == SDP
    ping, offer, answer = engine.asked
    assert ping["command"] == "ping"
    assert offer == {"command": "offer", "call-id": call.call_id, "from-tag": "a", "sdp": OFFER,
                     "received-from": ["IP4", "203.0.113.7"], "cookie": offer["cookie"]}
    assert answer == {"command": "answer", "call-id": call.call_id, "from-tag": "a", "to-tag": "tag-bob",
                      "sdp": OFFER.replace("4000", "5000"), "received-from": ["IP4", "192.0.2.2"],
                      "cookie": answer["cookie"]}
    assert len({each["cookie"] for each in engine.asked}) == 3


def test_late_offer(start, fake):
    engine = fake()
    server = start('if ($rm == "ACK") { rtpengine_answer(); t_relay(); exit; } ' + RELAY, engine,
                   routes=ROUTE % "rtpengine_offer()")
    alice, bob = Phone(server, "alice", "203.0.113.7"), Phone(server, "bob", "192.0.2.2")
    call = alice.call("sip:bob@192.0.2.2", body="")
    bob.answer(bob.last("INVITE"), 200, body=OFFER)
    call.within("ACK", cseq=1, body=OFFER)
    offer, answer = [each for each in engine.asked if each["command"] != "ping"]
    assert (offer["command"], offer["from-tag"], offer["to-tag"]) == ("offer", "tag-bob", "a")
    assert (answer["command"], answer["from-tag"], answer["to-tag"]) == ("answer", "tag-bob", "a")
    assert bob.last("ACK").message.body.decode() == SDP


@DIALECTS
@pytest.mark.parametrize(("flags", "entries"), [
    ("trust-address replace-origin", {"flags": ["trust-address"], "replace": ["origin"]}),
    ("call-id=x from-tag=y to-tag=z", {"call-id": "x", "from-tag": "y", "to-tag": "z"}),
    ("via-branch=1", {"via-branch": "z9hG4bK-1"}), ("via-branch=auto", {"via-branch": "z9hG4bK-1"}),
    ("via-branch=extra", {"via-branch": "more"}), ("via-branch-param=own", {"via-branch": "own"}),
    ("force-answer", {"command": "answer"}), ("received-from=192.0.2.77", {"received-from": ["IP4", "192.0.2.77"]})])
def test_flags(start, fake, flags, entries, dialect):
    engine = fake()
    server = start(f'$avp(extra) = "more"; $var(flags) = "{flags}"; rtpengine_offer("$var(flags)"); {RELAY}', engine,
                   settings='modparam("rtpengine", "extra_id_pv", "$avp(extra)")', dialect=dialect)
    invite(server, branch="z9hG4bK-1", to_tag="t" if "force" in flags else "")
    assert {key: engine.asked[-1].get(key) for key in entries} == entries


def test_what_a_call_lacks_is_told_to_the_script(start, fake):
    server = start('rtpengine_offer("force-answer"); $var(one) = $avp(why); rtpengine_offer("via-branch=2");'
                   ' $var(two) = $avp(why);', fake(), settings='modparam("rtpengine", "error_pv", "$avp(why)")')
    invite(server)
    assert [server.variables[name] for name in ("one", "two")] == ["No to-tag present", "can't get Via branch/extra ID"]


@pytest.mark.parametrize("flags", ["via-branch=2", "via-branch=extra"])
def test_branches_that_are_not_there(start, fake, flags):
    engine = fake()
    server = start(f'rtpengine_offer("{flags}"); $var(rc) = $rc; {RELAY}', engine)
    assert relayed(server).body.decode() == OFFER
    assert (engine.commands(), server.variables["rc"]) == ([], -1)


def test_flags_are_checked_when_the_script_is_read(start, fake):
    with pytest.raises(ConfigError, match="bracket"):
        start('rtpengine_offer("codec=[strip");', fake())


def test_second_via_in_responses(start, fake):
    engine = fake()
    server = start("rtpengine_offer(); " + RELAY, engine, routes=ROUTE % 'rtpengine_answer("via-branch=auto")')
    alice, bob = Phone(server, "alice", "203.0.113.7"), Phone(server, "bob", "192.0.2.2")
    call = alice.call("sip:bob@192.0.2.2", body=OFFER)
    bob.answer(bob.last("INVITE"), 200, body=OFFER)
    assert engine.asked[-1]["via-branch"] == call.request.via_branch


def test_body_and_variables(start, fake):
    engine = fake()
    server = start('$var(in) = "v=0"; rtpengine_offer("trust-address", $var(sock), $var(out), $var(in)); ' + RELAY,
                   engine)
    assert relayed(server).body.decode() == OFFER
    assert engine.asked[-1]["sdp"] == "v=0"
    assert (server.variables["out"], server.variables["sock"]) == (SDP, engine.url)


def test_body_without_a_variable_replaces_what_leaves(start, fake):
    server = start('rtpengine_offer(,,,"v=0"); ' + RELAY, fake())
    assert relayed(server).body.decode() == SDP
    assert relayed(server, body="").body.decode() == SDP


def test_other_changes_stand_beside(start, fake):
    engine = fake(lambda question: PONG if question["command"] == "ping" else
                  {"result": "ok", "sdp": question["sdp"].replace("4000", "30000")})
    server = start('fix_nated_sdp("2"); codec_delete("PCMA"); rtpengine_offer(); fix_nated_sdp("8","192.0.2.9"); '
                   + RELAY, engine, settings='modparam("nathelper", "oldip_skip", "oc")')
    body = OFFER.replace("AVP 0", "AVP 0 8") + "a=ptime:20\r\n"
    assert relayed(server, body).body.decode() == OFFER.replace("9 9 IN IP4 10.0.0.5", "9 9 IN IP4 192.0.2.9").replace(
        "10.0.0.5", "203.0.113.7").replace("4000", "30000") + "a=ptime:20\r\n"
    assert "c=IN IP4 203.0.113.7" in engine.asked[-1]["sdp"] and "AVP 0\r" in engine.asked[-1]["sdp"]


def test_part_of_a_body(start, fake):
    server = start("rtpengine_offer(); " + RELAY, fake())
    body = ("--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: application/sdp\r\n\r\n"
            f"{OFFER}\r\n--b--\r\n")
    assert relayed(server, body, content_type="multipart/mixed;boundary=b").body.decode() == body.replace(OFFER, SDP)


@DIALECTS
@pytest.mark.parametrize(("method", "kind", "body", "command"), [
    ("INVITE", "request", OFFER, "offer"), ("INVITE", "request", "", ""), ("UPDATE", "request", OFFER, "offer"),
    ("ACK", "request", OFFER, "answer"), ("ACK", "request", "", ""), ("PRACK", "request", OFFER, "answer"),
    ("BYE", "request", "", "delete"),
    ("CANCEL", "request", "", "delete"), ("OPTIONS", "request", OFFER, ""), ("MESSAGE", "request", "", "")])
def test_manage_does_what_the_request_is_for(start, fake, method, kind, body, command, dialect):
    engine = fake()
    server = start('$var(m) = "r"; rtpengine_manage("trust-address"); $var(rc) = $rc;', engine, dialect=dialect)
    invite(server, body, method, to_tag="t")
    assert engine.commands() == ([command] if command else [])
    assert server.variables["rc"] == (1 if command else -1)
    if command:
        assert engine.asked[-1]["flags"] == ["trust-address"]


@pytest.mark.parametrize(("offered", "status", "body", "command"), [
    (OFFER, 200, OFFER, "answer"), (OFFER, 183, OFFER, "answer"), ("", 200, OFFER, "offer"), (OFFER, 180, "", ""),
    (OFFER, 404, "", "delete"), (OFFER, 302, "", "delete")])
def test_manage_does_what_the_response_is_for(start, fake, offered, status, body, command):
    engine = fake()
    server = start(RELAY, engine, routes=ROUTE % "rtpengine_manage()")
    alice, bob = Phone(server, "alice", "203.0.113.7"), Phone(server, "bob", "192.0.2.2")
    alice.call("sip:bob@192.0.2.2", body=offered)
    bob.answer(bob.last("INVITE"), status, body=body)
    assert engine.commands() == ([command] if command else [])
    assert bool(server.log.matching("rc=1")) is bool(command)


def test_manage_in_a_failure_route_deletes(start, fake):
    engine = fake()
    server = start('t_on_failure("f"); t_relay();', engine, routes="failure_route[f] { rtpengine_manage(); }")
    alice, bob = Phone(server, "alice", "203.0.113.7"), Phone(server, "bob", "192.0.2.2")
    alice.call("sip:bob@192.0.2.2", body=OFFER)
    bob.answer(bob.last("INVITE"), 486, body="")
    assert engine.commands() == ["delete"]


@DIALECTS
@pytest.mark.parametrize(("call", "entries"), [
    ('rtpengine_delete()', {"command": "delete", "to-tag": None, "received-from": ["IP4", "203.0.113.7"]}),
    ('rtpengine_delete("to-tag via-branch=1")', {"to-tag": "t", "via-branch": "z9hG4bK-1"}),
    ("rtpengine_start_recording()",
     {"command": "start recording", "call-id": "call", "from-tag": "f", "to-tag": "t"})])
def test_commands_of_both_dialects(start, fake, call, entries, dialect):
    assert asked_by(start, fake, call, dialect) == (entries, 1)


@pytest.mark.parametrize(("call", "entries"), [
    ('rtpengine_start_recording("call-id=other")', {"command": "start recording", "call-id": "other"}),
    ("rtpengine_stop_recording()", {"command": "stop recording", "from-tag": "f", "to-tag": "t"}),
    ("rtpengine_pause_recording()", {"command": "pause recording"}),
    ('rtpengine_delete("from-tag=x")', {"command": "delete", "from-tag": None}),
    ('rtpengine_block_media("from-tag=$tt")', {"command": "block media", "from-tag": "t", "to-tag": None}),
    ("rtpengine_unblock_media()", {"command": "unblock media", "from-tag": None, "to-tag": None}),
    ('rtpengine_block_dtmf("directional")', {"command": "block DTMF", "from-tag": "f", "flags": ["directional"]}),
    ('rtpengine_unblock_dtmf("all")', {"command": "unblock DTMF", "from-tag": None, "flags": ["all"]}),
    ("rtpengine_start_forwarding()", {"command": "start forwarding", "from-tag": None}),
    ('rtpengine_stop_forwarding("from-tag=f")', {"command": "stop forwarding", "from-tag": "f"}),
    ('rtpengine_play_media("file=/a.wav")', {"command": "play media", "file": "/a.wav", "from-tag": None}),
    ('rtpengine_stop_media("replace-origin rtcp-mux-offer in-iface=a out-iface=b")',
     {"command": "stop media", "replace": None, "rtcp-mux": None, "direction": None}),
    ("rtpengine_play_dtmf(\"5\")", {"command": "play DTMF", "code": "5", "from-tag": "f", "to-tag": None}),
    ('rtpengine_play_dtmf("#", "from-tag=t")', {"command": "play DTMF", "code": "#", "from-tag": "t"})])
def test_commands(start, fake, call, entries):
    assert asked_by(start, fake, call) == (entries, 1)


@pytest.mark.parametrize("call", [
    "delete(%s)", "start_recording(%s)", "stop_recording(%s)", "pause_recording(%s)", "block_media(%s)",
    "unblock_media(%s)", "block_dtmf(%s)", "unblock_dtmf(%s)", "start_forwarding(%s)", "stop_forwarding(%s)",
    'play_media("file=x",%s)', "stop_media(%s)", 'play_dtmf("1",%s)', "manage(%s)", "answer(%s)", "offer(%s)"])
def test_the_engine_that_was_asked_is_told_and_can_be_named(start, fake, call):
    one, two = fake(), fake()
    server = start(f'if ($hdr(X) != NULL) $var(sock) = $hdr(X); rtpengine_{call % ",$var(sock)"}; $var(rc) = $rc;',
                   one, two)
    method = "ACK" if call[:3] == "ans" else "INVITE"
    for each in (one, two):
        invite(server, method=method, headers={"X": each.url}, to_tag="t")
        assert len(each.commands()) == 1 and (server.variables["sock"], server.variables["rc"]) == (each.url, 1)
    invite(server, method=method, to_tag="t")
    assert server.variables["sock"] in (one.url, two.url)
    invite(server, method=method, headers={"X": "udp:127.0.0.1:1"}, to_tag="t")
    offers = call[:3] in ("off", "man")  # which any other engine may take
    assert server.variables["rc"] == (1 if offers else -1)
    assert len(one.commands() + two.commands()) == 3 + offers


def test_answers_are_in_certain_requests_alone(start, fake):
    engine = fake()
    server = start("rtpengine_answer(); $var(rc) = $rc;", engine)
    for method, code in (("INVITE", -1), ("ACK", 1), ("PRACK", 1), ("UPDATE", -1)):
        invite(server, method=method, to_tag="t")
        assert server.variables["rc"] == code
    assert [(each["from-tag"], each["to-tag"]) for each in engine.asked if each["command"] == "answer"] == [
        ("t", "f")] * 2


def asked_by(start, fake, call: str, dialect: str = "4.0") -> tuple[dict, int]:
    """What a call asks an engine, of what may be of interest, and what it answers."""
    engine = fake(lambda question: PONG if question["command"] == "ping" else {"result": "ok"})
    server = start(f"$var(rc) = 0; {call}; $var(rc) = $rc;", engine, dialect=dialect)
    invite(server, "", "INFO", to_tag="t", branch="z9hG4bK-1")
    found, = [each for each in engine.asked if each["command"] != "ping"]
    keys = {"command", "call-id", "from-tag", "to-tag", "via-branch", "file", "code", "flags", "replace",
            "rtcp-mux", "direction", "received-from"}
    return Interesting({key: found.get(key) for key in keys}), server.variables["rc"]


class Interesting(dict):
    """Equal to any dictionary with some of its entries."""

    def __eq__(self, other):
        return all(self[key] == value for key, value in other.items())

    __hash__ = None


@pytest.mark.parametrize(("answer", "duration", "frame"), [
    ({"result": "ok", "duration": 1500, "last-frame-pos": 7}, 1500, 7), ({"result": "ok"}, -1, -1)])
def test_what_engines_tell_of_media(start, fake, answer, duration, frame):
    engine = fake(lambda question: PONG if question["command"] == "ping" else answer)
    server = start('rtpengine_play_media("file=x", $var(d)); rtpengine_stop_media("file=x",, $var(f));', engine)
    invite(server)
    assert (server.variables["d"], server.variables["f"]) == (duration, frame)


@pytest.mark.parametrize("code", ["", "12", "E", " "])
def test_what_is_no_dtmf(start, fake, code):
    engine = fake()
    server = start(f'$var(c) = "{code}"; rtpengine_play_dtmf("$var(c)"); $var(rc) = $rc;', engine)
    invite(server)
    assert (engine.commands(), server.variables["rc"]) == ([], -1)


def test_routes_without_a_message(start, fake):
    engine = fake()
    server = start("exit;", engine, routes='timer_route[t, 1] { rtpengine_delete("call-id=abc"); '
                   'rtpengine_offer("call-id=x from-tag=y",,$var(sdp),"v=0"); rtpengine_manage(); rtpengine_delete(); '
                   'rtpengine_offer(,,,"v=0"); rtpengine_answer(); }')
    server.advance(1)
    assert [(each["command"], each.get("call-id")) for each in engine.asked if each["command"] != "ping"] == [
        ("delete", "abc"), ("offer", "x")]


def test_async(start, fake):
    engine = fake()
    server = start('async(rtpengine_offer(), resume);', engine,
                   routes='route[resume] { $var(rc) = $rc; t_relay(); }')
    assert relayed(server).body.decode() == SDP


@pytest.mark.parametrize(("answer", "why"), [
    ({"result": "error", "error-reason": "Unknown call-id"}, "Unknown call-id"),
    ({"result": "ok"}, "without a session"),
    ({"result": "strange"}, "strange"), ({}, "without a result")])
def test_errors_are_told(start, fake, answer, why):
    engine = fake(lambda question: PONG if question["command"] == "ping" else answer)
    server = start("rtpengine_offer(); $var(rc) = $rc; $var(why) = $var(e); " + RELAY, engine,
                   settings='modparam("rtpengine", "error_pv", "$var(e)")')
    assert relayed(server).body.decode() == OFFER
    assert server.variables["rc"] == -1 and why in server.variables["why"]


def test_engine_gone(start, fake):
    engine = fake()
    server = start("rtpengine_offer(); $var(rc) = $rc; " + RELAY, engine)
    engine.close()
    began = time.perf_counter()
    assert relayed(server).body.decode() == OFFER and server.variables["rc"] == -1
    invite(server)
    assert server.variables["rc"] == -1 and engine.commands() == []
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("answer", [b"garbage", b"", b"d", None, b"@d1:a", b"@le", b"@" + b"l" * 3000])
def test_engine_that_answers_garbage_or_nothing(start, fake, answer):
    asked = []

    def answering(question):
        if question["command"] == "ping":
            return PONG
        asked.append(question)
        return answer if answer is None or answer[:1] != b"@" else \
            engine.asked[-1]["cookie"] + b" " + answer[1:]
    engine = fake(answering)
    server = start("rtpengine_offer(); $var(rc) = $rc; " + RELAY, engine)
    assert relayed(server).body.decode() == OFFER and server.variables["rc"] == -1
    assert server.mi("rtpengine:show")[0]["Nodes"][0]["disabled"] == 1
    assert "Traceback" not in "".join(server.log)


def test_lost_requests_are_sent_again(start, fake):
    seen = []

    def answering(question):
        seen.append(question)
        if question["command"] == "ping":
            return PONG
        return None if len(seen) < 3 else OK
    engine = fake(answering)
    server = start("rtpengine_offer(); " + RELAY, engine, settings='modparam("rtpengine", "rtpengine_retr", 3)')
    assert relayed(server).body.decode() == SDP
    first, again = [each["cookie"] for each in engine.asked if each["command"] == "offer"]
    assert first == again


@pytest.mark.parametrize(("tout", "retr"), [(1, 2), (2, 1)])
def test_time_that_an_engine_gets(start, fake, tout, retr):
    engine = fake(lambda question: PONG if question["command"] == "ping" else None)
    server = start("rtpengine_offer(); " + RELAY, engine,
                   settings=f'modparam("rtpengine", "rtpengine_tout", {tout})\n'
                            f'modparam("rtpengine", "rtpengine_retr", {retr})')
    began = time.perf_counter()
    invite(server)
    assert 2 <= time.perf_counter() - began < 3.5 and len(engine.commands()) == retr


def test_who_waits_keeps_nobody_else_waiting(start, fake):
    engine = fake(lambda question: PONG if question["command"] == "ping" else time.sleep(0.3) or OK)
    server = start('if ($rm == "OPTIONS") { sl_send_reply(200, "OK"); exit; } rtpengine_offer(); ' + RELAY, engine)
    order = []
    server.watchers.append(lambda sent: order.append(sent.status or sent.method))
    server._in_hub(server.engine.reception.datagrams, server.listener("udp"), [
        (request("INVITE", "sip:bob@192.0.2.2", body=OFFER), address_key("203.0.113.7", 5060))])
    server.receive(request("OPTIONS", "sip:192.0.2.9"), "203.0.113.7")
    assert order.index(200) < order.index("INVITE")


def test_unix_and_ipv6_sockets(start, fake, tmp_path):
    path = str(tmp_path / "engine")
    six = fake(family=socket.AF_INET6, place=("::1", 0))
    unix = fake(family=socket.AF_UNIX, place=path)
    for engine, url in ((six, f"udp6:[::1]:{six.socket.getsockname()[1]}"), (unix, path), (unix, f"unix:{path}")):
        server = start("rtpengine_offer(); " + RELAY, url)
        assert relayed(server).body.decode() == SDP
        assert engine.commands()[-1] == "offer"
        server.close()
