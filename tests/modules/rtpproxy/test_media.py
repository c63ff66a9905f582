"""Prompts, recordings, figures, sets, notifications and management of rtpproxy."""
from __future__ import annotations

import socket
import time
from collections import Counter

import pytest

from opensips_py.testing import Phone
from opensips_py.testing.engine import real_sleep
from tests.live import HOST, free_ports
from tests.modules.rtpproxy.conftest import usual
from tests.modules.rtpproxy.test_sessions import DIALECTS, OFFER, RELAY, invite, request


def asked_by(start, fake, call: str, dialect: str = "4.0", answer: str = "0", **how) -> tuple[list[str], int]:
    """What a call asks a relay, and what it answers."""
    relay = fake(lambda command: usual(command) if command == "V" else answer)
    server = start(f"{call}; $var(rc) = $rc;", relay, dialect=dialect)
    given = {"body": "", "to_tag": "t", **how}
    invite(server, **given)
    return relay.asked, server.variables["rc"]


@DIALECTS
@pytest.mark.parametrize(("call", "command"), [
    ("rtpproxy_stream2uac(@/p@, @-1@)", "P-1 call /p session f;1 t;1"),
    ("rtpproxy_stream2uas(@/p@, @3@)", "P3 call /p session t;1 f;1"),
    ("rtpproxy_stop_stream2uac()", "S call f;1 t;1"), ("rtpproxy_stop_stream2uas()", "S call t;1 f;1"),
    ("rtpproxy_start_recording()", "R call f t")])
def test_commands(start, fake, call, command, dialect):
    text = call.replace("@-1@", '"-1"' if dialect == "2.1" else "-1").replace("@3@", '"3"' if dialect == "2.1" else "3")
    text = text.replace("@", '"')
    assert asked_by(start, fake, text, dialect) == ([command], 1)
    assert asked_by(start, fake, text, dialect, answer="E50") == ([command], -1)


def test_old_name_of_recording(start, fake):
    assert asked_by(start, fake, "start_recording()", "2.1") == (["R call f t"], 1)


@pytest.mark.parametrize(("call", "command"), [
    ('rtpproxy_stream2uac("/p", 1)', ["P1 call /p session f;1"]), ('rtpproxy_stream2uas("/p", 1)', []),
    ("rtpproxy_stop_stream2uas()", []), ("rtpproxy_start_recording()", ["R call f"])])
def test_commands_before_anybody_answers(start, fake, call, command):
    assert asked_by(start, fake, call, to_tag="")[0] == command


@pytest.mark.parametrize(("arguments", "commands"), [
    (',,"s"', ["Rs call f t"]), (',,,"udp:127.0.0.1:60000"', ["C call udp:127.0.0.1:60000 f;1 t;1"]),
    (',,"s","name"', ["Cs call name f;1 t;1"]), (',,,"name",2', ["C call name f;2 t;2"]), (',,"x"', [])])
def test_recordings(start, fake, arguments, commands):
    assert asked_by(start, fake, f"rtpproxy_start_recording({arguments})") == (commands, 1 if commands else -1)


def test_all_streams_are_copied(start, fake):
    body = OFFER + "m=video 0 RTP/AVP 34\r\nm=video 4004 RTP/AVP 34\r\n"
    assert asked_by(start, fake, 'rtpproxy_start_recording(,,,"name")', body=body)[0] == [
        "C call name f;1 t;1", "C call name f;3 t;3"]
    assert asked_by(start, fake, 'rtpproxy_start_recording(,,,"name")', answer="E50")[1] == -1
    assert asked_by(start, fake, 'rtpproxy_start_recording(,,,"name")', body="m=x\r\n")[0] == ["C call name f;1 t;1"]


@pytest.mark.parametrize(("answer", "values"), [("60 10 9 17 2", [10, 9, 17, 2]), ("60 1", None), ("E50", None),
                                                ("60 a b c d", None)])
def test_figures(start, fake, answer, values):
    relay = fake(lambda command: usual(command) if command == "V" else answer)
    server = start("rtpproxy_stats($var(a), $var(b), $var(c), $var(d)); $var(rc) = $rc;", relay)
    invite(server, "", to_tag="t")
    found = [server.variables.get(name) for name in "abcd"]
    assert relay.asked == ["Q call f;1 t;1"]
    assert (found, server.variables["rc"]) == ((values, 1) if values else ([None] * 4, -1))


@pytest.mark.parametrize(("one", "two", "values"), [
    ("59 8 7 15 1", "22 6 2 16 3", [59, 8, 7, 15, 1, 22, 6, 2, 16, 3]), ("1", "22 6 2 16 3", None),
    ("E50", "E50", None)])
def test_all_figures(start, fake, one, two, values):
    relay = fake(lambda command: usual(command) if command == "V" else one if "ttl" in command else two)
    server = start("rtpproxy_all_stats($avp(s)); $var(rc) = $rc; $var(lost) = $(avp(s)[8]);", relay)
    invite(server, "", to_tag="t")
    assert relay.asked == ["Q call f;1 t;1 ttl npkts_ina npkts_ino nrelayed ndropped",
                           "Q call f;1 t;1 rtpa_nsent rtpa_nrcvd rtpa_ndups rtpa_nlost rtpa_perrs"]
    assert (server.runs[-1].avps.get("s"), server.variables["rc"]) == ((values, 1) if values else (None, -1))
    assert server.variables.get("lost") == (16 if values else None)


@pytest.mark.parametrize("call", [
    'rtpproxy_stream2uac("p",1,@)', 'rtpproxy_stream2uas("p",1,@)', "rtpproxy_stop_stream2uac(@)",
    "rtpproxy_stop_stream2uas(@)", "rtpproxy_unforce(@)", "rtpproxy_start_recording(@)", 'rtpproxy_offer("","",@)',
    'rtpproxy_answer("","",@)', "rtpproxy_stats($var(a),$var(b),$var(c),$var(d),@)", "rtpproxy_all_stats($avp(a),@)"])
def test_sets(start, fake, call):
    one, two = fake(), fake()
    settings = "".join(f'modparam("rtpproxy", "rtpproxy_sock", "{each}")\n' for each in (one.url, f"2=={two.url}"))
    server = start(call.replace("@", "2, $var(sock)") + ";", settings=settings)
    invite(server, to_tag="t")
    assert not one.asked and len(two.asked) == 1 + ("all_stats" in call) and server.variables["sock"] == two.url
    server = start(call.replace("@", "7") + "; $var(rc) = $rc;", settings=settings)
    invite(server, to_tag="t")
    assert not one.asked and server.variables["rc"] == -1


def test_default_set(start, fake):
    one, two = fake(), fake()
    server = start("rtpproxy_offer();", settings=f'modparam("rtpproxy", "rtpproxy_sock", "0 == {one.url}")\n'
                   f'modparam("rtpproxy", "rtpproxy_sock", "{two.url}")\nmodparam("rtpproxy", "default_set", 4)')
    invite(server)
    assert (len(one.asked), len(two.asked)) == (0, 1)
    assert [each["Set"] for each in server.mi("rtpproxy:show")] == [0, 4]


def calls(server, count: int, first: int = 0) -> None:
    """That many calls, each with a Call-ID of its own."""
    for number in range(first, first + count):
        server.receive(request("INVITE", "sip:bob@192.0.2.2", body=OFFER, call_id=f"call-{number}"), "203.0.113.7")


def test_calls_are_shared_out_by_weight_and_stay(start, fake):
    one, two = fake(), fake()
    server = start("rtpproxy_offer(); rtpproxy_start_recording(); " + RELAY, f"{one.url} {two.url}=3")
    calls(server, 60)
    assert 5 <= len(one.asked) // 2 <= 27
    for relay in (one, two):
        assert set(Counter(each.split(" ")[1] for each in relay.asked).values()) == {2}


@DIALECTS
def test_a_relay_is_left_alone_for_a_while(start, fake, dialect):
    works = [True]
    relay = fake(lambda command: usual(command) if works[0] else None)
    server = start("rtpproxy_offer(); $var(rc) = $rc;", relay, dialect=dialect,
                   settings='modparam("rtpproxy", "rtpproxy_disable_tout", 20)')
    works[0] = False
    calls(server, 3)
    assert len(relay.asked) == 1
    works[0] = True
    server.advance(18)
    calls(server, 1)
    assert len(relay.asked) == 1
    server.advance(8)
    calls(server, 1)
    assert len(relay.asked) == 2 and server.variables["rc"] == 1
    assert [told for name, told in server.events if name == "E_RTPPROXY_STATUS"] == [
        {"socket": relay.url, "status": "inactive"}, {"socket": relay.url, "status": "active"}]


@pytest.mark.parametrize(("dialect", "show", "enable"), [
    ("2.1", "rtpproxy_show", "rtpproxy_enable"), ("4.0", "rtpproxy:show", "rtpproxy:enable")])
def test_relays_are_listed_and_turned_off(start, fake, dialect, show, enable):
    one, two = fake(), fake()
    server = start("rtpproxy_offer(); $var(rc) = $rc;", f"{one.url} {two.url}=4", dialect=dialect,
                   settings=f'modparam("rtpproxy", "rtpproxy_sock", "5 == {one.url}")')

    def row(relay, index, disabled=0, weight=1):
        return {"url": relay.url, "index": index, "disabled": disabled, "weight": weight, "recheck_ticks": 0}
    assert server.mi(show) == [{"Set": 0, "Nodes": [row(one, 0), row(two, 1, weight=4)]},
                               {"Set": 5, "Nodes": [row(one, 2)]}]
    assert server.mi(enable, one.url, 0) == "OK"
    assert [each["disabled"] for found in server.mi(show) for each in found["Nodes"]] == [1, 0, 1]
    calls(server, 10)
    assert len(two.asked) == 10
    server.mi(enable, one.url, *((5, 1) if dialect == "2.1" else (1, 5)))
    assert [each["disabled"] for found in server.mi(show) for each in found["Nodes"]] == [1, 0, 0]
    server.mi(enable, one.url, 2)
    server.advance(6)
    assert [each["disabled"] for found in server.mi(show) for each in found["Nodes"]] == [0, 0, 0]
    with pytest.raises(Exception, match="no relay"):
        server.mi(enable, "udp:nowhere:1", 0)


# Notifications


def told(server, *lines: bytes, place) -> None:
    """Let a relay tell *lines*, and wait until all is heard."""
    family = socket.AF_INET if isinstance(place, tuple) else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.connect(place)
        for line in lines:
            sock.sendall(line)
    end = time.perf_counter() + 5
    while time.perf_counter() < end:
        real_sleep(0.002)
        server.settle()
        if server.log.matching("'the end'"):
            return
    raise AssertionError("nothing was heard")


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_dtmf_is_told(start, fake, tmp_path, kind):
    port, = free_ports()
    place = (HOST, port) if kind == "tcp" else str(tmp_path / "notify")
    name = f"tcp:{HOST}:{port}" if kind == "tcp" else f"unix:{place}"
    relay = fake()
    server = start('rtpproxy_offer("d"); rtpproxy_offer("fd100"); rtpproxy_offer("fdn<tcp:1.2.3.4:5>"); '
                   "$var(rc) = $rc;", relay, settings=f'modparam("rtpproxy", "rtpp_notify_socket", "{name}")')
    invite(server)
    assert relay.asked == [f"Uc0,101 call 203.0.113.7 4000 f;1 {name} I && M3:1 Dccall",
                           f"Uc0,101 call 203.0.113.7 30002 f;1 {name} I && M3:1 Dccall 100"]
    assert server.variables["rc"] == -1  # nobody could end the call
    told(server, b"Dccall 5 10 800 1\nDdabc # 7\n", b"I\nD\nDx 1\nDc", b"call *\nthe end", place=place)
    assert [values for event, values in server.events if event == "E_RTPPROXY_DTMF"] == [
        {"digit": "5", "duration": 800, "volume": 10, "id": "call", "is_callid": 1, "stream": 1},
        {"digit": "#", "duration": 0, "volume": 7, "id": "abc", "is_callid": 0, "stream": 0},
        {"digit": "*", "duration": 0, "volume": 0, "id": "call", "is_callid": 1, "stream": 0}]


def test_flags_that_need_a_socket(start, fake):
    relay = fake()
    server = start('rtpproxy_offer("d"); $var(rc) = $rc;', relay)
    invite(server)
    assert (relay.asked, server.variables["rc"]) == ([], -1)


@DIALECTS
def test_calls_without_media_end(start, fake, dialect):
    port, = free_ports()
    relay = fake()
    server = start('rtpproxy_offer("n"); create_dialog(); $var(rc) = $rc; ' + RELAY, relay, dialect=dialect,
                   settings=f'loadmodule "rr.so" loadmodule "dialog.so"\n'
                            f'modparam("rtpproxy", "rtpp_notify_socket", "tcp:{HOST}:{port}")')
    alice, bob = Phone(server, "alice", "203.0.113.7"), Phone(server, "bob", "192.0.2.2")
    call = alice.call("sip:bob@192.0.2.2", body=OFFER)
    bob.answer()
    call.ack()
    assert relay.asked == [f"Uc0,101 {call.call_id} 203.0.113.7 4000 a;1 tcp:{HOST}:{port} T{call.call_id}"]
    told(server, f"T{call.call_id}\nthe end\n".encode(), place=(HOST, port))
    assert alice.last("BYE") and bob.last("BYE")
    assert len(server.engine.generation.registry.modules["dialog"].dialogs) == 0


def test_notifications_after_a_reload(start):
    port, other = free_ports(2)
    server = start("exit;", f"udp:{HOST}:1",
                   settings=f'modparam("rtpproxy", "rtpp_notify_socket", "tcp:{HOST}:{port}")')
    server.reload(server.script.replace(str(port), str(other)))
    told(server, b"the end\n", place=(HOST, other))
    with pytest.raises(ConnectionRefusedError):
        told(server, b"x", place=(HOST, port))
    server.log.clear()
    server.reload(server.script.replace(str(port), str(other)).replace("exit;", "drop;"))
    told(server, b"the end\n", place=(HOST, other))
