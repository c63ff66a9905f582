"""Reliable provisional responses that are acknowledged on the way."""
from __future__ import annotations

import pytest

from opensips_py.testing import response
from tests.modules.dialog.conftest import dialogs

PRACKS = {"create": 'create_dialog("auto-prack");'}
RELIABLE = {"Require": "100rel, timer", "RSeq": "7"}


def ringing(proxy, headers=RELIABLE, settings="", **more):
    server = proxy(settings, **{**PRACKS, **more})
    call = server.alice.call("bob")
    invite = server.bob.last("INVITE")
    reliable = response(invite.message, 183, to_tag="tag-bob", contact=server.bob.contact, headers=headers)
    server.bob.send(reliable)
    return server, call, invite, reliable


def test_a_prack_of_ours(proxy):
    server, call, invite, reliable = ringing(proxy)
    prack = server.bob.last("PRACK")
    assert (prack.header("RAck"), prack.message.cseq, prack.message.to_tag) == ("7 1 INVITE", 2, "tag-bob")
    assert (prack.message.uri, prack.message.call_id) == ("sip:bob@192.0.2.2:5060", call.call_id)
    progress = server.alice.last(183)
    assert progress.header("RSeq") is None and progress.header("Require") == "timer"
    server.bob.answer(prack)
    server.bob.send(reliable)
    assert [each.method for each in server.bob.inbox] == []  # it was sent again, and is acknowledged already
    server.bob.answer(invite)
    call.ack()
    assert server.bob.last("ACK").message.cseq == 1
    call.bye()
    assert server.bob.last("BYE").message.cseq == 3


@pytest.mark.parametrize("headers", [{}, {"RSeq": "7"}, {"Require": "100rel"}, {"Require": "100rel", "RSeq": "x"}])
def test_what_is_not_reliable(proxy, headers):
    server, _, _, _ = ringing(proxy, headers)
    assert server.bob.inbox == [] and server.alice.last(183).header("RSeq") == headers.get("RSeq")


def test_the_only_option(proxy):
    server, _, _, _ = ringing(proxy, {"Require": "100rel", "RSeq": "1"})
    assert server.alice.last(183).header("Require") is None


def test_without_the_flag(proxy):
    server, _, _, _ = ringing(proxy, create="create_dialog();")
    assert server.bob.inbox == [] and server.alice.last(183).header("RSeq") == "7"


@pytest.mark.parametrize(("hang_up", "status"), [(0, 0), (1, 502)])
def test_a_refused_prack(proxy, hang_up, status):
    server, call, _, _ = ringing(proxy, settings=f'modparam("dialog", "auto_prack_hangup_on_failure", {hang_up})')
    server.bob.answer(server.bob.last("PRACK"), 481)
    finals = [each.status for each in server.alice.inbox if each.status >= 300]
    assert finals == ([status] if status else []) and len(dialogs(server)) == 1 - hang_up
    if hang_up:
        assert server.bob.last("CANCEL") and call.final().message.reason == "Bad Gateway"
        assert call.final().message.to_tag == "tag-bob"  # of the early dialog that it ends


def test_a_prack_that_nobody_answers(proxy):
    server, _, _, _ = ringing(proxy, settings='modparam("dialog", "auto_prack_hangup_on_failure", 1) '
                                              'modparam("dialog", "auto_prack_fr_timeout", 2)')
    server.advance(1.5)
    assert len(dialogs(server)) == 1
    server.advance(1)
    assert len(dialogs(server)) == 0 and server.alice.last(502)
