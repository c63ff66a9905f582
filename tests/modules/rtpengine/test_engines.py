"""Which engine serves which call, and what happens to those that do not work."""
from __future__ import annotations

import json
import socket
from collections import Counter

import pytest

from opensips_py.errors import ConfigError
from opensips_py.module.media_relays import Relay, by_preference, read_set
from opensips_py.testing.engine import real_sleep
from tests.live import HOST, free_ports
from tests.modules.rtpengine.engines import OK, PONG
from tests.modules.rtpengine.test_functions import DIALECTS, OFFER, RELAY, invite, request

SETS = """
modparam("rtpengine", "rtpengine_sock", "1 == {}")
modparam("rtpengine", "rtpengine_sock", "2 == {} {}=2")
"""


def calls(server, count: int, first: int = 0) -> None:
    """That many calls, each with a Call-ID of its own."""
    for number in range(first, first + count):
        server.receive(request("INVITE", "sip:bob@192.0.2.2", body=OFFER, call_id=f"call-{number}"), "203.0.113.7")


@DIALECTS
def test_set_of_the_script(start, fake, dialect):
    engines = [fake() for _ in range(3)]
    one = '"1"' if dialect == "2.1" else "1"
    server = start(f"rtpengine_use_set({one}); $var(rc) = $rc; rtpengine_offer(); " + RELAY,
                   settings=SETS.format(*[each.url for each in engines]), dialect=dialect)
    calls(server, 5)
    assert [len(each.commands()) for each in engines] == [5, 0, 0] and server.variables["rc"] == 1


@DIALECTS
def test_set_of_a_variable(start, fake, dialect):
    engines = [fake() for _ in range(3)]
    server = start("$avp(set) = 1; rtpengine_offer(); " + RELAY,
                   settings='modparam("rtpengine", "setid_avp", "$avp(set)")\n'
                   + SETS.format(*[each.url for each in engines]), dialect=dialect)
    calls(server, 3)
    assert [len(each.commands()) for each in engines] == [3, 0, 0]


def test_sets_that_are_not_there(start, fake):
    server = start("rtpengine_use_set(9); $var(use) = $rc; rtpengine_offer(); $var(rc) = $rc;", fake(),
                   settings='modparam("rtpengine", "rtpengine_sock", "NONE")')
    invite(server)
    assert (server.variables["use"], server.variables["rc"]) == (-1, 1)
    server = start("rtpengine_offer(); $var(rc) = $rc;", settings=SETS.format(*[fake().url for _ in range(3)]))
    invite(server)
    assert server.variables["rc"] == -1


def test_calls_are_shared_out_by_weight_and_stay(start, fake):
    one, two = fake(), fake()
    server = start("rtpengine_offer(); rtpengine_delete(); " + RELAY, f"{one.url} {two.url}=3")
    calls(server, 80)
    assert 8 <= len(one.commands()) // 2 <= 34 and len(one.commands()) + len(two.commands()) == 160
    for engine in (one, two):
        places = Counter(each["call-id"] for each in engine.asked if each["command"] != "ping")
        assert set(places.values()) == {2}


def test_preference():
    relays = [Relay(0, "a", 1), Relay(0, "b", 3), Relay(0, "c", 0)]
    first = Counter(by_preference(relays, str(number))[0].url for number in range(4000))
    assert 900 < first["a"] < 1100 and first["c"] == 0
    fewer = relays[:1] + relays[2:]
    for number in range(100):
        before, after = by_preference(relays, str(number)), by_preference(fewer, str(number))
        assert [each for each in before if each.url != "b"] == after


@pytest.mark.parametrize(("text", "number", "relays"), [
    ("udp:h:1", 0, [Relay(0, "udp:h:1")]), ("7 == udp:h:1=5 /x/y", 7, [Relay(7, "udp:h:1", 5), Relay(7, "/x/y")]),
    ("7==udp6:[::1]:1=0", 7, [Relay(7, "udp6:[::1]:1", 0)]),
    ("udp:h:1|192.0.2.1=2", 0, [Relay(0, "udp:h:1", 2, "192.0.2.1")])])
def test_sets_are_read(text, number, relays):
    assert read_set(text) == (number, relays)


@pytest.mark.parametrize("text", ["x == udp:h:1", "== udp:h:1", "=5"])
def test_sets_that_cannot_be_read(text):
    with pytest.raises(ValueError):
        read_set(text)


def test_another_engine_serves_when_one_is_gone(start, fake):
    one, two = fake(), fake()
    server = start("rtpengine_offer(); $var(rc) = $rc; " + RELAY, one, two)
    one.close()
    calls(server, 10)
    assert len(two.commands()) == 10 and server.variables["rc"] == 1
    assert len(server.log.matching("Connection refused")) == 1  # it was left alone then


@DIALECTS
def test_an_engine_is_left_alone_for_a_while(start, fake, dialect):
    works = [True]
    engine = fake(lambda question: (PONG if question["command"] == "ping" else OK) if works[0] else b"?")
    server = start("rtpengine_offer(); $var(rc) = $rc; " + RELAY, engine, dialect=dialect,
                   settings='modparam("rtpengine", "rtpengine_disable_tout", 20)')
    works[0] = False
    calls(server, 3)
    assert len(engine.commands()) == 1
    works[0] = True
    server.advance(18)
    calls(server, 1)
    assert len(engine.commands()) == 1 and server.variables["rc"] == -1
    server.advance(8)
    calls(server, 1)
    assert len(engine.commands()) == 2 and server.variables["rc"] == 1
    status = [told for name, told in server.events if name == "E_RTPENGINE_STATUS"]
    assert status == ([] if dialect == "2.1" else [
        {"socket": engine.url, "status": "inactive", "set": 0}, {"socket": engine.url, "status": "active", "set": 0}])


@pytest.mark.parametrize(("settings", "after"), [("", 5), ('modparam("rtpengine", "rtpengine_timer_interval", 3)', 3)])
def test_engines_that_were_left_alone_are_probed(start, fake, settings, after):
    engine = fake(lambda question: PONG if question["command"] == "ping" else b"?")
    server = start("rtpengine_offer();", engine,
                   settings=f'modparam("rtpengine", "rtpengine_disable_tout", 1)\n{settings}')
    invite(server)
    before = len(engine.asked)
    server.advance(after - 0.2)
    assert len(engine.asked) == before and server.mi("rtpengine:show")[0]["Nodes"][0]["disabled"] == 1
    server.advance(0.4)
    assert len(engine.asked) == before + 1 and server.mi("rtpengine:show")[0]["Nodes"][0]["disabled"] == 0
    server.advance(60)
    assert len(engine.asked) == before + 1


def test_idle_engines_are_pinged_where_asked_for(start, fake):
    engine = fake()
    server = start("rtpengine_offer();", engine, settings='modparam("rtpengine", "ping_enabled", 1)')
    server.advance(4.9)
    invite(server)
    server.advance(0.2)
    assert len(engine.asked) == 2  # the first ping, and the offer
    server.advance(10)
    assert len(engine.asked) == 4
    engine.close()
    server.advance(5)
    assert server.mi("rtpengine:show")[0]["Nodes"][0]["disabled"] == 1


@pytest.mark.parametrize("answer", [
    {"result": "error", "error-reason": "Parallel session limit reached"},
    {"result": "load limit", "message": "Load limit exceeded"}, {"result": "error", "error-reason": "Ran out of ports"},
    {"result": "error", "error-reason": "Engine is tired today"}])
def test_full_engines_pass_their_calls_on_and_later_commands_follow(start, fake, answer):
    full = fake(lambda question: answer if question["command"] == "offer" else PONG if question["command"] == "ping"
                else OK)
    other = fake()
    server = start("rtpengine_offer(); $var(rc) = $rc; rtpengine_start_recording(); rtpengine_delete(); "
                   "rtpengine_start_recording();", full, other,
                   settings='modparam("rtpengine", "extra_failover_error", "tired")\n'
                            'modparam("rtpengine", "extra_failover_error", "nothing")')
    calls(server, 10)
    assert server.variables["rc"] == 1
    offered = {each["call-id"] for each in full.asked if each["command"] == "offer"}
    assert 0 < len(offered) < 10
    for call_id in offered:
        assert [each["command"] for each in other.asked if each.get("call-id") == call_id] == [
            "offer", "start recording", "delete"]
        assert [each["command"] for each in full.asked if each.get("call-id") == call_id] == [
            "offer", "start recording"]  # the last one, when the call is over
    assert server.mi("rtpengine:show")[0]["Nodes"][0]["disabled"] == 0


def test_other_errors_are_errors(start, fake):
    one = fake(lambda question: PONG if question["command"] == "ping" else {"result": "error", "error-reason": "tired"})
    two = fake(one.answering)
    server = start("rtpengine_offer(); $var(rc) = $rc;", one, two)
    calls(server, 5)
    assert len(one.commands() + two.commands()) == 5 and server.variables["rc"] == -1


def test_calls_stay_where_they_went_while_their_engine_was_away(start, fake):
    works = [False]
    one = fake(lambda question: (PONG if question["command"] == "ping" else OK) if works[0] else b"?")
    two = fake()
    server = start("rtpengine_offer();", one, two, settings='modparam("rtpengine", "rtpengine_disable_tout", 2)')
    calls(server, 6)
    assert len(two.commands()) == 6
    works[0] = True
    server.advance(10)
    calls(server, 6)
    assert len(two.commands()) == 12


# Management


@pytest.mark.parametrize(("dialect", "show", "enable"), [
    ("2.1", "rtpengine_show", "rtpengine_enable"), ("4.0", "rtpengine:show", "rtpengine:enable")])
def test_engines_are_listed_and_turned_off(start, fake, dialect, show, enable):
    one, two = fake(), fake()
    server = start("rtpengine_offer(); $var(rc) = $rc;", f"{one.url} {two.url}=4", dialect=dialect,
                   settings=f'modparam("rtpengine", "rtpengine_sock", "5 == {one.url}")')

    def row(engine, index, disabled=0, weight=1, ticks=0):
        return {"url": engine.url, "index": index, "disabled": disabled, "weight": weight, "recheck_ticks": ticks}
    assert server.mi(show) == [{"Set": 0, "Nodes": [row(one, 0), row(two, 1, weight=4)]},
                               {"Set": 5, "Nodes": [row(one, 2)]}]
    assert server.mi(enable, one.url, 0) == "OK"
    assert [each["disabled"] for found in server.mi(show) for each in found["Nodes"]] == [1, 0, 1]
    server.advance(200)
    calls(server, 20)
    assert len(two.commands()) == 20
    assert server.mi(enable, one.url, 1, 5) == "OK"
    assert [each["disabled"] for found in server.mi(show) for each in found["Nodes"]] == [1, 0, 0]
    server.mi(enable, one.url, 1)
    calls(server, 40, 100)  # those from before stay where they are
    assert one.commands()
    server.mi(enable, one.url, 2)
    assert server.mi(show)[0]["Nodes"][0]["disabled"] == 1
    server.advance(6)
    assert server.mi(show)[0]["Nodes"][0]["disabled"] == 0
    with pytest.raises(Exception, match="no engine"):
        server.mi(enable, "udp:nowhere:1", 0)
    with pytest.raises(Exception, match="no engine"):
        server.mi(enable, two.url, 0, 5)


def test_time_left_is_listed(start, fake):
    engine = fake(lambda question: b"?")
    server = start("exit;", engine, settings='modparam("rtpengine", "rtpengine_disable_tout", 30)')
    server.advance(10)
    assert 18 <= server.mi("rtpengine:show")[0]["Nodes"][0]["recheck_ticks"] <= 20


def test_what_is_known_of_engines_outlives_a_reload(start, fake):
    one, two = fake(), fake()
    server = start("rtpengine_offer();", one, two)
    server.mi("rtpengine:enable", one.url, 0)
    server.reload(server.script)
    assert server.mi("rtpengine:show")[0]["Nodes"][0]["disabled"] == 1
    calls(server, 5)
    assert len(two.commands()) == 5


# Notifications


def test_notifications_are_told(start):
    port, = free_ports()
    server = start("exit;", settings=f'modparam("rtpengine", "notification_sock", "{HOST}:{port}")',
                   routes='event_route[E_RTPENGINE_NOTIFICATION] { xlog("L_WARN", "$param(type) $param(event)\\n"); }')
    told = {"type": "DTMF", "callid": "c", "source_tag": "a", "timestamp": 1, "event": 5, "duration": 100, "volume": 8,
            "source_ip": "192.0.2.1", "extra": {"x": [1]}}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for data in (json.dumps(told).encode(), b"garbage", b"[1]", b"\xff"):
            sock.sendto(data, (HOST, port))
    for _ in range(500):
        real_sleep(0.002)
        server.settle()
        if len(server.log.matching("no JSON object")) == 3:
            break
    assert [values for name, values in server.events if name == "E_RTPENGINE_NOTIFICATION"] == [
        {**told, "extra": '{"x": [1]}'}]
    assert server.log.matching("DTMF 5")


def test_notifications_after_a_reload(start):
    port, other = free_ports(2)
    server = start("exit;", settings=f'modparam("rtpengine", "notification_sock", "{HOST}:{port}")')
    text = ('socket=udp:192.0.2.9:5060\nloadmodule "proto_udp.so"\nloadmodule "rtpengine.so"\n{}\nroute {{ exit; }}')
    server.reload(text.format(f'modparam("rtpengine", "notification_sock", "{HOST}:{other}")'))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(b'{"type": "DTMF"}', (HOST, other))
        for _ in range(500):
            real_sleep(0.002)
            server.settle()
            if server.events:
                break
        assert server.events[-1] == ("E_RTPENGINE_NOTIFICATION", {"type": "DTMF"})
    server.reload(text.format(""))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HOST, other))  # nobody has it any more


@pytest.mark.parametrize(("setting", "why"), [
    ('"notification_sock", "9999"', "an address and a port"), ('"rtpengine_sock", "x == udp:h:1"', "a set is a number"),
    ('"rtpengine_tout", 0', "from 1 to 60"), ('"extra_failover_error", "("', "regular expression"),
    ('"db_url", "mysql://x"', "looks like"), ('"db_url", "mysql://x/y"', "needs its driver")])
def test_parameters_are_checked(start, setting, why):
    with pytest.raises(ConfigError, match=why):
        start("exit;", settings=f'modparam("rtpengine", {setting})')
