"""Calls whose media go through the real RTPProxy."""
from __future__ import annotations

import pathlib
import socket
import struct
import time

import pytest

from opensips_py.testing.engine import real_sleep
from tests.live import HOST
from tests.media import Party, connected, flows, info

BODY = """
if ($rm == "INFO") { @info@ sl_send_reply(200, "$var(rc)"); exit; }
if ($rm == "BYE") {
	rtpproxy_stats($var(up), $var(down), $var(sent), $var(fail));
	rtpproxy_all_stats($avp(all));
	rtpproxy_unforce(); $var(rc) = $rc;
} else if ($rm == "INVITE") rtpproxy_offer("@flags@");
t_on_reply("r"); t_relay();
"""
ROUTES = """onreply_route[r] { if (has_body("application/sdp")) rtpproxy_answer("@flags@"); }"""


@pytest.fixture
def parties():
    """Makes two parties with sockets that end with the test."""
    made: list[Party] = []

    def make(server) -> list[Party]:
        made.extend((Party(server, "alice", "192.0.2.1"), Party(server, "bob", "192.0.2.2")))
        return made
    yield make
    for each in made:
        each.media.close()


def script(info_route: str = "", flags: str = "r") -> tuple[str, str]:
    """The request route and the others. A relay without an address of its own is taken to be where we are."""
    body, arguments = BODY.replace("@info@", info_route), f'("{flags}", "{HOST}")'
    return body.replace('("@flags@")', arguments), ROUTES.replace('("@flags@")', arguments)


@pytest.mark.parametrize("kind", ["udp", "unix", "tcp"])
def test_media_flow_both_ways_until_the_call_ends(start, relay, parties, kind):
    relay.start()
    body, routes = script()
    url = {"udp": relay.url, "unix": relay.path, "tcp": f"tcp:{HOST}:{relay.port}"}[kind]
    server = start(body, url, routes=routes)
    alice, bob = parties(server)
    call = connected(alice, bob)
    assert alice.relay[1] != bob.port and alice.relay != bob.relay
    alice.send(5)
    packet = bob.receive()
    assert packet is not None and packet[:4] == struct.pack("!BBH", 0x80, 0, 1) and packet[12:] == b"\1" * 160
    assert flows(bob, alice)
    alice.drain()  # until all has gone through
    bob.drain()
    call.bye()
    assert [server.variables[name] for name in ("up", "down", "sent", "fail", "rc")] == [5, 3, 8, 0, 1]
    figures = server.runs[-1].avps["all"]
    assert len(figures) == 10 and 50 < figures[0] <= 60 and figures[1:5] == [5, 3, 8, 0]
    assert not flows(alice, bob)


@pytest.mark.parametrize(("flags", "works"), [("r", True), ("a", True), ("rs", True), ("rw", True), ("rz20", True),
                                              ("rei", False)])
def test_flags_are_understood(start, relay, parties, flags, works):
    relay.start()
    body, routes = script(flags=flags)
    server = start(body, relay.url, routes=routes)
    alice, bob = parties(server)
    alice.phone.call("sip:bob@192.0.2.2", body=alice.sdp)
    changed = bob.phone.last("INVITE").message.body.decode() != alice.sdp
    assert changed is works, relay.log  # this relay is at home in one network alone


@pytest.mark.parametrize(("direction", "hears"), [("uac", 0), ("uas", 1)])
def test_prompts_are_played_and_stopped(start, relay, parties, direction, hears, tmp_path):
    relay.start()
    prompt = tmp_path / "prompt"
    pathlib.Path(f"{prompt}.0").write_bytes(b"\x55" * 16000)
    body, routes = script(f'if ($cs == "2") rtpproxy_stream2{direction}("{prompt}", -1); '
                          f"else rtpproxy_stop_stream2{direction}(); $var(rc) = $rc;")
    server = start(body, relay.url, routes=routes)
    both = parties(server)
    call = connected(*both)
    assert flows(both[0], both[1]) and flows(both[1], both[0])
    heard, silent = both[hears], both[1 - hears]
    heard.drain()
    silent.drain()
    assert info(call) == "1"
    packets = [heard.receive() or b"" for _ in range(3)]
    assert all(set(each[12:]) == {0x55} for each in packets), relay.log
    assert silent.receive(0.1) is None
    assert info(call) == "1"
    time.sleep(0.05)
    heard.drain()
    assert heard.receive(0.2) is None


@pytest.mark.parametrize("call", ["rtpproxy_start_recording()", 'rtpproxy_start_recording(,,,"udp:127.0.0.1:@")'])
def test_recording(start, relay, parties, call):
    relay.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind((HOST, 0))
        ear.settimeout(2)
        body, routes = script(f"{call.replace('@', str(ear.getsockname()[1]))}; $var(rc) = $rc;")
        alice, bob = parties(start(body, relay.url, routes=routes))
        made = connected(alice, bob)
        assert info(made) == "1"
        assert "starting recording" in relay.log
        if "udp" in call:
            alice.send(3)
            assert ear.recv(2000)


def test_dtmf_is_told(start, relay, parties):
    relay.start(notify=True)
    body, routes = script(flags="rd101")
    server = start(body, settings=f'modparam("rtpproxy", "rtpp_notify_socket", "tcp:{HOST}:{relay.notify}")\n'
                                  f'modparam("rtpproxy", "rtpproxy_sock", "{relay.url}")', routes=routes)
    relay.go()
    server.mi("rtpproxy:enable", relay.url, 2)
    server.advance(6)
    alice, bob = parties(server)
    call = connected(alice, bob)
    alice.send(2)
    for ends in (False, False, True, True):
        alice.press(7, ends)
        real_sleep(0.02)
    end = time.perf_counter() + 5
    while not [name for name, _ in server.events if name == "E_RTPPROXY_DTMF"] and time.perf_counter() < end:
        real_sleep(0.01)
        server.settle()
    found, = [told for name, told in server.events if name == "E_RTPPROXY_DTMF"]
    assert (found["digit"], found["id"], found["is_callid"], found["stream"]) == ("7", call.call_id, 1, 0), relay.log
    assert found["duration"] > 0 and found["volume"] == 10


def test_a_relay_that_comes_back(start, relay, parties):
    relay.start()
    body, routes = script()
    server = start(body, relay.url, routes=routes, settings='modparam("rtpproxy", "rtpproxy_disable_tout", 5)')
    relay.stop()
    alice, bob = parties(server)
    alice.phone.call("sip:bob@192.0.2.2", body=alice.sdp)
    assert bob.phone.last("INVITE").message.body.decode() == alice.sdp  # the call goes on, without the relay
    relay.start()
    server.advance(11)
    alice.phone.call("sip:bob@192.0.2.2", body=alice.sdp)
    assert bob.phone.last("INVITE").message.body.decode() != alice.sdp
    assert [told["status"] for name, told in server.events if name == "E_RTPPROXY_STATUS"] == ["inactive", "active"]
