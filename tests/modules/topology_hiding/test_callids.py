"""Call-IDs that the callee sees."""
from __future__ import annotations

import pytest

from opensips_py.module.hidden import Hidden
from opensips_py.modules.topology_hiding.callids import CallIds
from tests.modules.topology_hiding.conftest import path

HIDE = 'topology_hiding("C");'
LOOP = 'modparam("topology_hiding", "th_callid_loop_protection", 1)'


def test_the_callee_sees_another_one(hiding):
    sides = hiding(True, hide=HIDE, matched='append_hf("X: $hdr(i) $TH_callee_callid\\r\\n");',
                   arm='append_hf("X: $ci $TH_callee_callid\\r\\n"); t_on_reply("back");',
                   routes='onreply_route[back] { append_hf("X: $ci $TH_callee_callid\\r\\n"); }')
    alice, bob = sides.alice, sides.bob
    sides.call()
    own, other = f"call@{alice.inner}", sides.invite.header("Call-ID")
    assert other.startswith("DLGCH_") and own not in other and other == sides.ack.header("Call-ID")
    assert sides.answer.header("Call-ID") == own
    assert sides.invite.header("X") == sides.answer.header("X") == sides.ack.header("X") == f"{own} {other}"
    bob.ask("INVITE", contact="<sip:bob@192.0.2.2>")
    again = alice.last("INVITE")
    assert again.header("Call-ID") == own and again.header("X") == f"{own} {other}"
    assert bob.last(100).header("Call-ID") == other
    alice.say(again, 200)
    assert bob.last(200).header("Call-ID") == other
    bob.ask("ACK", contact="", cseq=bob.cseq)
    assert alice.last("ACK").header("Call-ID") == own
    alice.ask("BYE", call_id=own)
    bye = bob.last("BYE")
    assert bye.header("Call-ID") == other and bye.header("X") == f"{own} {other}"
    bob.say(bye, 200, contact="")
    assert alice.last(200).header("Call-ID") == own


def test_answers_of_our_own_to_the_callee(hiding):
    sides = hiding(True, hide=HIDE, matched='if (is_method("INFO")) { t_reply(488, "No"); exit; }')
    sides.call()
    sides.bob.ask("INFO", contact="")
    assert sides.bob.last(488).header("Call-ID") == sides.invite.header("Call-ID")
    sides.bob.ask("INFO", "sip:192.0.2.9", from_tag="x")
    assert sides.bob.last(404).header("Call-ID") == sides.invite.header("Call-ID")


def test_without_a_dialog_it_stays(hiding):
    sides = hiding(False, hide=HIDE)
    sides.call()
    assert sides.invite.header("Call-ID") == f"call@{sides.alice.inner}"
    assert sides.server.log.matching("without a dialog no Call-ID is hidden")


def test_without_the_flag_there_is_no_variable(hiding):
    sides = hiding(True, arm='append_hf("X: $TH_callee_callid\\r\\n");')
    sides.call()
    assert sides.invite.header("X") == "<null>"


def test_requests_of_our_own(hiding):
    sides = hiding(True, hide='topology_hiding("UC", "/xx/yy");')
    sides.call()
    own, other = sides.alice.call_id, sides.invite.header("Call-ID")
    sides.server.mi("dialog:end_dlg", own)
    bye = sides.bob.last("BYE")
    assert bye.header("Call-ID") == other and bye.message.uri == sides.bob.target
    assert path(bye)[2] == sides.bob.recorded
    assert sides.alice.last("BYE").header("Call-ID") == own


@pytest.mark.parametrize("protected", [0, 1])
def test_a_call_that_comes_round(hiding, protected):
    """The first time it is sent on to ourselves, the second time to Bob."""
    sides = hiding(True, LOOP if protected else "", hide=HIDE,
                   after='append_hf("X: $ci\\r\\n"); if ($hdr(Round) == NULL) {'
                         'append_hf("Round: 1\\r\\n"); $du = "sip:192.0.2.9:5060"; t_relay(); exit; }')
    alice, bob = sides.alice, sides.bob
    server = sides.server

    def turn_round():
        for each in server.take():
            if each.host == "192.0.2.9":
                server.receive(each.data, "192.0.2.9")
                turn_round()
    alice.invite()
    turn_round()
    invite = bob.know(bob.last("INVITE"))
    first, second = invite.message.values("X")
    assert f"call@{alice.inner}" in (first, second) and (first == second) == (not protected)
    bob.say(invite, 200)
    turn_round()
    answer = alice.know(alice.last(200))
    assert answer.header("Call-ID") == alice.call_id and path(answer) == (2, alice.recorded, [])
    alice.ask("ACK", contact="")
    turn_round()
    assert bob.last("ACK").header("Call-ID") == invite.header("Call-ID")
    bob.ask("BYE")
    turn_round()
    bye = alice.last("BYE")
    assert bye.header("Call-ID") == alice.call_id and bye.message.uri == alice.target
    alice.say(bye, 200, contact="")
    turn_round()
    assert bob.last(200).header("Call-ID") == invite.header("Call-ID") and sides.dialogs == []


def test_the_length_grows_with_the_tag():
    hidden = Hidden(b"k", "test")
    assert len(CallIds("P_", hidden, with_tag=True).encode("a@b", "tag")) > len(
        CallIds("P_", hidden, with_tag=False).encode("a@b", "tag"))


@pytest.mark.parametrize("call_id", ["P_", "P_QUJD", "x", "P_" + Hidden(b"l", "test").hide("a"), "P_\udcff"])
def test_call_ids_of_others(call_id):
    class Message:
        is_request, from_tag = True, "x"
    message = Message()
    message.call_id = call_id
    assert CallIds("P_", Hidden(b"k", "test"), with_tag=False).decode(message) is None
