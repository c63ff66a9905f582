"""Requests within what is hidden: found, aimed, or refused."""
from __future__ import annotations

import pytest

from opensips_py.dialog.identifiers import did_of
from tests.modules.topology_hiding.conftest import contact, path


def test_what_belongs_to_nothing(either):
    sides = either()
    sides.call()
    target = contact(sides.invite).parsed_uri
    for uri in ("sip:192.0.2.9", "sip:192.0.2.9;thinfo=", "sip:192.0.2.9;thinfo=QUJD", "tel:+49123",
                f"sip:192.0.2.9;did={did_of(1, 2)}", f"sip:did.{did_of(1, 2)}@192.0.2.9"):
        sides.bob.ask("INFO", uri, call_id="another")
        assert sides.bob.last(404)
    sides.bob.ask("ACK", "sip:192.0.2.9", call_id="another")
    sides.bob.ask("INFO", str(target), to_tag="")
    assert sides.alice.inbox == []


@pytest.mark.parametrize("change", [0, 10, -1])
def test_a_word_that_was_tampered_with(hiding, change):
    sides = hiding()
    sides.call()
    word = list(contact(sides.invite).parsed_uri.parameter("thinfo"))
    word[change] = "A" if word[change] != "A" else "Q"
    sides.bob.ask("BYE", f"sip:192.0.2.9;thinfo={''.join(word)}")
    assert sides.bob.last(404) and sides.alice.inbox == []


def test_a_dialog_that_is_not_hidden(hiding):
    sides = hiding(True, hide="", initial="record_route();", unmatched="if (loose_route()) { t_relay(); exit; }")
    sides.alice.invite()
    sides.bob.say(sides.bob.last("INVITE"), 200)
    did = sides.dialogs[0].did
    sides.bob.peer_tag = sides.alice.tag
    sides.bob.call_id = sides.alice.call_id
    sides.bob.ask("INFO", f"sip:192.0.2.9;did={did}")
    assert sides.bob.last(404)
    sides.leaks.clear()


@pytest.mark.parametrize(("mode", "with_did", "found"), [
    ("", True, True), ("", False, True), ('"DID_ONLY"', True, True), ('"DID_ONLY"', False, False),
    ('"DID_FALLBACK"', False, True), ('"DID_NONE"', False, True), ('"DID_NONE"', True, True)])
def test_how_a_dialog_is_found(hiding, mode, with_did, found):
    sides = hiding(True, mode=mode)
    sides.call()
    sides.bob.ask("BYE", "" if with_did else "sip:192.0.2.9")
    assert [each.method for each in sides.alice.inbox] == (["BYE"] if found else [])


@pytest.mark.parametrize(("match_mode", "found"), [(0, False), (1, True)])
def test_how_module_dialog_finds_it(hiding, match_mode, found):
    sides = hiding(True, f'modparam("dialog", "dlg_match_mode", {match_mode})')
    sides.call()
    sides.bob.ask("BYE", "sip:192.0.2.9")
    assert [each.method for each in sides.alice.inbox] == (["BYE"] if found else [])


def test_a_dialog_that_was_matched_before(hiding):
    sides = hiding(True, within="match_dialog();", matched="if (!topology_hiding_match()) exit;")
    sides.call()
    sides.bob.ask("BYE")
    assert path(sides.alice.last("BYE")) == (1, [], sides.alice.recorded)


def test_what_the_script_sees(hiding):
    sides = hiding(True, hide='topology_hiding("C");',
                   matched='append_hf("X: $ru $du $ci $DLG_dir $DLG_status $TH_callee_callid\\r\\n");')
    sides.call()
    sides.bob.ask("BYE")
    bye = sides.alice.last("BYE")
    assert bye.header("X") == (f"{sides.alice.target} sip:192.0.2.1;lr;nearer call@{sides.alice.inner} upstream 5 "
                               f"{sides.invite.header('Call-ID')}")


def test_strict_routers(either):
    sides = either()
    sides.alice.recorded = ["<sip:192.0.2.1>", "<sip:10.1.1.2;lr>"]
    sides.call()
    sides.bob.ask("BYE")
    bye = sides.alice.last("BYE")
    assert bye.message.uri == "sip:192.0.2.1" and path(bye)[2] == ["<sip:10.1.1.2;lr>", f"<{sides.alice.target}>"]


def test_proxies_that_record_themselves_once(either):
    """What a later request does not say again stays as it was."""
    sides = either()
    alice, bob = sides.alice, sides.bob
    sides.call()
    alice.ask("INVITE")
    again = bob.know(bob.last("INVITE"))
    bob.say(again, 200, recorded=False)
    alice.know(alice.last(200))
    alice.ask("ACK", contact="", cseq=alice.cseq)
    assert path(bob.last("ACK"))[2] == bob.recorded
    bob.ask("INVITE")
    again = alice.know(alice.last("INVITE"))
    assert path(again)[2] == alice.recorded
    alice.say(again, 200, recorded=False)
    bob.know(bob.last(200))
    bob.ask("ACK", contact="", cseq=bob.cseq)
    assert path(alice.last("ACK"))[2] == alice.recorded
    alice.ask("BYE", call_id=f"call@{alice.inner}")
    assert path(bob.last("BYE"))[2] == bob.recorded


def test_validation(hiding):
    sides = hiding(True, matched='append_hf("X: $var(rc)\\r\\n");', within="match_dialog(); validate_dialog(); "
                                                                          "$var(rc) = $rc;")
    sides.call()
    sides.bob.ask("INFO")
    assert sides.alice.last("INFO").header("X") == "1"
    sides.bob.ask("INFO", cseq=sides.bob.cseq)
    assert sides.alice.last("INFO").header("X") == "-1"


def test_without_proxies(either):
    sides = either()
    sides.alice.recorded, sides.alice.target = [], "sip:alice@192.0.2.1:5060"
    sides.bob.recorded, sides.bob.target = [], "sip:bob@192.0.2.2"
    sides.call()
    assert (sides.ack.message.uri, path(sides.ack)) == ("sip:bob@192.0.2.2", (1, [], []))
    sides.bob.ask("BYE")
    assert sides.alice.last("BYE").message.uri == "sip:alice@192.0.2.1:5060"


# --- before the answer ----------------------------------------------------------------------------------------------

def test_prack_and_update_while_it_rings(either):
    sides = either(hide='topology_hiding("UC");')
    alice, bob = sides.alice, sides.bob
    alice.invite(headers={"Supported": "100rel"})
    invite = bob.know(bob.last("INVITE"))
    bob.say(invite, 183, headers={"Require": "100rel", "RSeq": "1"})
    alice.know(alice.last(183))
    alice.ask("PRACK", headers={"RAck": "1 1 INVITE"})
    prack = bob.last("PRACK")
    assert prack.message.uri == bob.target and path(prack) == (1, [], bob.recorded)
    assert prack.message.call_id == invite.message.call_id
    bob.say(prack, 200)
    assert path(alice.last(200))[0] == 2
    bob.ask("UPDATE")
    update = alice.last("UPDATE")
    assert update.message.uri == alice.target and path(update) == (1, [], alice.recorded)
    assert update.message.call_id == f"call@{alice.inner}"
    alice.say(update, 200)
    assert path(bob.last(200)) == (2, [], [])
    bob.say(invite, 200)
    alice.know(alice.last(200))
    alice.ask("ACK", contact="", cseq=1)
    assert bob.last("ACK").message.uri == bob.target


def test_branches_that_ring_are_told_apart(hiding):
    sides = hiding(True, after='append_branch("sip:carol@192.0.2.3");')
    alice, bob = sides.alice, sides.bob
    alice.invite()
    invite = bob.last("INVITE")
    bob.say(invite, 180, tag="first", contact="<sip:first@192.0.2.2>", recorded=False)
    bob.say(invite, 180, tag="second", contact="<sip:second@192.0.2.2>", recorded=False)
    first, second = [each for each in alice.inbox if each.status == 180]
    for ringing, target in ((first, "sip:first@192.0.2.2"), (second, "sip:second@192.0.2.2")):
        alice.know(ringing)
        alice.ask("INFO")
        assert bob.last("INFO").message.uri == target
    bob.say(invite, 200, tag="second", contact="<sip:second@192.0.2.2>", recorded=False)
    alice.know(alice.last(200))
    alice.ask("ACK", contact="", cseq=1)
    assert bob.last("ACK").message.uri == "sip:second@192.0.2.2" and sides.dialogs[0].early is None


def test_two_who_answer(hiding):
    """Both are acknowledged; hanging up on one does not end the call with the other."""
    sides = hiding(True, after='append_branch("sip:carol@192.0.2.3");')
    alice, bob = sides.alice, sides.bob
    alice.invite()
    invite = bob.last("INVITE")
    for tag in ("first", "second", "second"):
        bob.say(invite, 200, tag=tag, contact=f"<sip:{tag}@192.0.2.2>", recorded=False)
    first, second = {each.message.to_tag: each for each in alice.inbox if each.status == 200}.values()
    for answer in (first, second):
        alice.know(answer)
        alice.ask("ACK", contact="", cseq=1)
        assert bob.last("ACK").message.uri == f"sip:{answer.message.to_tag}@192.0.2.2"
    alice.ask("BYE")
    assert bob.last("BYE").message.uri == "sip:second@192.0.2.2" and len(sides.dialogs) == 1
    bob.know(invite)
    bob.ask("INFO", from_tag="second")
    assert alice.last("INFO").message.uri == alice.target
    bob.ask("INFO", from_tag="third")
    assert bob.last(404)
    alice.know(first)
    alice.ask("BYE")
    assert bob.last("BYE").message.uri == "sip:first@192.0.2.2" and sides.dialogs == []


def test_nobody_is_reached_before_anybody_rings(hiding):
    sides = hiding(True)
    sides.alice.invite()
    invite = sides.bob.know(sides.bob.last("INVITE"))
    sides.bob.ask("INFO")
    assert sides.bob.last(404)
    sides.bob.say(invite, 404)
    assert sides.alice.last(404) and sides.dialogs == []
