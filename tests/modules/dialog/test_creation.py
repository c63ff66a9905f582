"""How dialogs begin, through scripts."""
from __future__ import annotations

from opensips_py.testing import request
from tests.modules.dialog.conftest import called, dialog, dialogs


def test_an_invite_begins_a_dialog(proxy):
    server = proxy()
    server.alice.call("bob")
    invite = server.bob.last("INVITE")
    found = dialog(server)
    assert invite.header("Record-Route") == f"<sip:192.0.2.9;lr;ftag=a;did={found.did}>"
    assert (found.state, found.call_id, found.from_tag) == (1, invite.message.call_id, "a")
    assert (server.counted("processed_dialogs"), server.counted("active_dialogs")) == (1, 0)


def test_without_create_dialog_there_is_none(proxy):
    server = proxy(create="")
    call = called(server)
    call.bye()
    assert len(dialogs(server)) == server.counted("processed_dialogs") == 0


def test_a_second_create_dialog_changes_nothing(proxy):
    server = proxy(create='create_dialog(); if (create_dialog()) append_hf("X-Again: yes\\r\\n");')
    server.alice.call("bob")
    invite = server.bob.last("INVITE")
    assert invite.header("X-Again") == "yes" and server.counted("processed_dialogs") == 1
    assert invite.header("Record-Route").count("did=") == 1


def test_only_an_invite_that_begins_a_call_makes_a_dialog(proxy):
    server = proxy(before="if (!create_dialog()) $avp(refused) = 1;", create="",
                   initial='if ($avp(refused) == 1) { sl_send_reply(488, "Not Acceptable Here"); exit; }')
    server.receive(request("MESSAGE", "sip:bob@192.0.2.9"), "192.0.2.1")
    assert server.take_one().status == 488
    server.receive(request("INVITE", "sip:bob@192.0.2.9"), "192.0.2.1")
    assert server.take()[-1].method == "INVITE"


def test_a_script_that_sends_nothing_on_leaves_no_dialog(proxy):
    server = proxy(initial='sl_send_reply(603, "Decline"); exit;')
    server.alice.call("bob")
    assert len(dialogs(server)) == 0
    assert (server.counted("failed_dialogs"), server.counted("active_dialogs")) == (1, 0)


def test_a_transaction_that_is_there_already_is_watched_too(proxy):
    server = proxy(before="t_newtran();")
    called(server)
    assert dialog(server).state == 4


def test_letters_of_2_1(proxy):
    server = proxy('modparam("dialog", "default_timeout", 5)', 'create_dialog("B");', "2.1")
    called(server)
    server.advance(6)
    assert server.bob.last("BYE") and server.alice.last("BYE")


def test_the_name_of_the_parameter_in_record_route(proxy):
    server = proxy('modparam("dialog", "rr_param", "x9")')
    call = called(server)
    assert f";x9={dialog(server).did}>" in call.final().header("Record-Route")
    call.bye()
    assert len(dialogs(server)) == 0
