"""A relay of media between two hidden sides."""
from __future__ import annotations

from opensips_py.testing import sdp

OFFERED = 'if (has_body("application/sdp")) rtpengine_offer();'


def test_the_relay_knows_one_call(hiding, fake):
    """Whoever asks: its Call-ID is the caller's, and both sides get the addresses of the relay alone."""
    engine = fake()
    sides = hiding(True, f'modparam("rtpengine", "rtpengine_sock", "{engine.url}")', hide='topology_hiding("C");',
                   modules='loadmodule "rtpengine.so"', arm=f'{OFFERED} t_on_reply("back");',
                   matched=f'{OFFERED} t_on_reply("back"); if (is_method("BYE")) rtpengine_delete();',
                   routes='onreply_route[back] { if (has_body("application/sdp")) rtpengine_answer(); }')
    alice, bob = sides.alice, sides.bob
    alice.invite(body=sdp(alice.inner))
    invite = bob.know(bob.last("INVITE"))
    bob.say(invite, 200, body=sdp(bob.inner))
    alice.know(alice.last(200))
    alice.ask("ACK", contact="")
    bob.last("ACK")
    bob.ask("INVITE", body=sdp(bob.inner))
    again = alice.last("INVITE")
    alice.say(again, 200, body=sdp(alice.inner))
    bob.last(200)
    bob.ask("BYE", contact="")
    assert alice.last("BYE")
    asked = [each for each in engine.asked if each["command"] != "ping"]
    assert [each["command"] for each in asked] == ["offer", "answer", "offer", "answer", "delete"]
    assert {each["call-id"] for each in asked} == {f"call@{alice.inner}"}
