"""Calls whose media go through a real rtpengine."""
from __future__ import annotations

import re
import struct
import time
import wave

import pytest

from tests import media
from tests.live import HOST
from tests.media import Party, flows, info
from tests.modules.rtpengine.engines import ask, needs_rtpengine

pytestmark = needs_rtpengine

ROUTES = """
onreply_route[r] { rtpengine_manage("@flags@"); }
failure_route[f] { rtpengine_manage(); }
"""
BODY = """
if ($rm == "INFO") { @info@ sl_send_reply(200, "$var(rc)"); exit; }
if ($rm == "BYE") { $var(stats) = $rtpstat; $var(json) = $rtpquery; xlog("L_WARN", "stats=$var(stats)\\n"); }
rtpengine_manage("@flags@");
t_on_reply("r"); t_on_failure("f"); t_relay();
"""


def script(info: str = "", flags: str = "replace-origin replace-session-connection") -> tuple[str, str]:
    """The request route and the others."""
    return BODY.replace("@info@", info).replace("@flags@", flags), ROUTES.replace("@flags@", flags)


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


def connected(server, parties):
    """A call between the two, answered; media go through the engine."""
    alice, bob = parties(server)
    return alice, bob, media.connected(alice, bob)


def test_media_flow_both_ways_until_the_call_ends(start, daemon, parties):
    body, routes = script()
    server = start(body, f"udp:{HOST}:{daemon.port}", routes=routes)
    alice, bob, call = connected(server, parties)
    assert alice.relay[1] not in (alice.port, bob.port) and alice.relay != bob.relay
    alice.send(5)
    packet = bob.receive()
    assert packet is not None and packet[3] in range(1, 6)  # the engine's threads may let one overtake another
    assert packet[:4] == struct.pack("!BBH", 0x80, 0, packet[3]) and packet[12:] == packet[3:4] * 160
    assert flows(bob, alice)
    alice.drain()  # until all has gone through
    bob.drain()
    call.bye()
    stats, = server.log.matching("stats=RTP: ")
    packets = int(re.search(r"(\d+) packets", stats)[1])
    assert packets == 8, stats
    assert not flows(alice, bob)
    assert ask(daemon.port, {"command": "query", "call-id": call.call_id})["result"] == "error"


def test_a_call_that_fails_leaves_nothing(start, daemon, parties):
    body, routes = script()
    server = start(body, f"udp:{HOST}:{daemon.port}", routes=routes)
    alice, bob = parties(server)
    call = alice.phone.call("sip:bob@192.0.2.2", body=alice.sdp)
    assert ask(daemon.port, {"command": "query", "call-id": call.call_id})["result"] == "ok"
    bob.phone.answer(bob.phone.last("INVITE"), 486, body="")
    assert ask(daemon.port, {"command": "query", "call-id": call.call_id})["result"] == "error"


@pytest.mark.parametrize(("flags", "offered", "hidden"), [
    ("replace-origin", rb"o=.*127\.0\.0\.1", rb"o=.*192\.0\.2\.1"), ("ICE=force", b"a=candidate:", b"a=nothing"),
    ("RTP/SAVP", rb"m=audio \d+ RTP/SAVP .*(?s:.*)a=crypto:", b"RTP/AVP"),
    ("media-address=192.0.2.99", rb"c=IN IP4 192\.0\.2\.99", rb"c=IN IP4 127\."),
    ("codec=[strip=[telephone-event]]", rb"RTP/AVP 0\r", b"telephone-event"),
    ("sdp-attr=[audio=[add=[x-a..b--c]]]", b"m=audio", b"nothing")])
def test_flags_mean_to_the_engine_what_they_say(start, daemon, parties, flags, offered, hidden):
    body, routes = script(flags=flags)
    server = start(body, f"udp:{HOST}:{daemon.port}", routes=routes)
    alice, bob = parties(server)
    alice.phone.call("sip:bob@192.0.2.2", body=alice.sdp)
    sdp = bob.phone.last("INVITE").message.body
    assert re.search(offered, sdp) and not re.search(hidden, sdp), sdp


@pytest.mark.parametrize(("stop", "start_again"), [
    ('rtpengine_block_media("directional")', 'rtpengine_unblock_media("directional")'),
    ('rtpengine_block_media("from-tag=$ft")', 'rtpengine_unblock_media("from-tag=$ft")')])
def test_media_are_blocked(start, daemon, parties, stop, start_again):
    body, routes = script(f'if ($cs == "2") {stop}; else {start_again}; $var(rc) = $rc;')
    server = start(body, f"udp:{HOST}:{daemon.port}", routes=routes)
    alice, bob, call = connected(server, parties)
    assert flows(alice, bob)
    assert info(call) == "1" and not flows(alice, bob) and flows(bob, alice)
    assert info(call) == "1" and flows(alice, bob)


def test_dtmf_events_are_blocked(start, daemon, parties):
    body, routes = script('if ($cs == "2") rtpengine_block_dtmf(); else rtpengine_unblock_dtmf(); $var(rc) = $rc;')
    server = start(body, f"udp:{HOST}:{daemon.port}", routes=routes)
    alice, bob, call = connected(server, parties)

    def events() -> list[bytes]:
        alice.press(5, ends=False)
        return [each for each in bob.drain() if each[1] & 0x7F == 101]
    assert flows(alice, bob) and events()
    assert info(call) == "1" and not events()
    assert info(call) == "1" and events()


def test_dtmf_is_played(start, daemon, parties):
    body, routes = script('rtpengine_play_dtmf("5"); $var(rc) = $rc;', flags="inject-DTMF")
    server = start(body, f"udp:{HOST}:{daemon.port}", routes=routes)
    alice, bob, call = connected(server, parties)
    assert flows(alice, bob) and flows(bob, alice)
    assert info(call) == "1"
    found = []
    for _ in range(30):
        alice.send()
        time.sleep(0.02)
        found += [each for each in bob.drain() if each[1] & 0x7F == 101][:1]
        if found:
            break
    assert found and found[0][12] == 5


def test_media_are_played_and_stopped(start, daemon, parties, tmp_path):
    sound = tmp_path / "tone.wav"
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(struct.pack("<h", 9000) * 8000 * 2)
    body, routes = script(f'if ($cs == "2") rtpengine_play_media("from-tag=$ft file={sound}", $var(d)); '
                          'else rtpengine_stop_media("from-tag=$ft", $var(f)); $var(rc) = $rc;')
    server = start(body, f"udp:{HOST}:{daemon.port}", routes=routes)
    alice, bob, call = connected(server, parties)
    assert flows(alice, bob) and flows(bob, alice)
    assert info(call) == "1" and 1900 <= server.variables["d"] <= 2100
    heard = [each for each in (*alice.drain(), *bob.drain()) if len(each) > 100]
    assert len(heard) > 3
    assert info(call) == "1"
    alice.drain()
    bob.drain()
    assert not [*alice.drain(), *bob.drain()]


def test_recording(start, daemon, parties):
    body, routes = script('if ($cs == "2") rtpengine_start_recording(); else rtpengine_stop_recording(); '
                          "$var(rc) = $rc;")
    server = start(body, f"udp:{HOST}:{daemon.port}", routes=routes)
    alice, bob, call = connected(server, parties)
    assert info(call) == "1"
    alice.send(20)
    assert bob.receive()
    assert info(call) == "1"
    call.bye()
    files = [each for each in daemon.folder.rglob("*.pcap") if each.stat().st_size > 20 * 160]
    assert files, list(daemon.folder.rglob("*"))


@pytest.mark.parametrize("call", ["rtpengine_start_forwarding()", "rtpengine_stop_forwarding()"])
def test_forwarding_is_understood(start, daemon, parties, call):
    body, routes = script(f"{call}; $var(rc) = $rc;")
    server = start(body, f"udp:{HOST}:{daemon.port}", routes=routes)
    _, _, made = connected(server, parties)
    assert info(made) == "1"


def test_an_engine_that_comes_back(start, daemon, parties):
    body, routes = script()
    server = start(body, f"udp:{HOST}:{daemon.port}", routes=routes,
                   settings='modparam("rtpengine", "rtpengine_disable_tout", 5)')
    daemon.stop()
    alice, bob = parties(server)
    alice.phone.call("sip:bob@192.0.2.2", body=alice.sdp)
    assert bob.phone.last("INVITE").message.body.decode() == alice.sdp  # the call goes on, without the engine
    daemon.start()
    server.advance(11)
    alice.phone.call("sip:bob@192.0.2.2", body=alice.sdp)
    assert bob.phone.last("INVITE").message.body.decode() != alice.sdp
    assert [told["status"] for name, told in server.events if name == "E_RTPENGINE_STATUS"] == ["inactive", "active"]
