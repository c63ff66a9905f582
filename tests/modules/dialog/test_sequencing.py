"""CSeq numbers after requests of our own."""
from __future__ import annotations

from opensips_py.testing import request
from tests.modules.dialog.conftest import called, dialog, restarted


def pinged(proxy, **more):
    server = proxy('modparam("dialog", "options_ping_interval", 10)', create='create_dialog("Pp");', **more)
    call = called(server)
    server.advance(10.5)
    for phone in (server.alice, server.bob):
        phone.answer(phone.last("OPTIONS"))
    server.take()
    return server, call


def test_later_requests_count_on(proxy):
    server, call = pinged(proxy)
    call.within("INFO")
    info = server.bob.last("INFO")
    assert info.message.cseq == 3 and call.cseq == 2
    server.bob.answer(info)
    assert server.alice.last(200).message.cseq == 2
    call.bye()
    bye = server.bob.last("BYE")
    assert bye.message.cseq == 4
    server.bob.answer(bye)
    assert server.alice.last(200).message.cseq == 3


def test_those_of_the_callee_too(proxy):
    server, call = pinged(proxy)
    server.receive(request("INFO", "sip:alice@192.0.2.1:5060", sender="sip:bob@192.0.2.9", to="sip:alice@192.0.2.9",
                           from_tag="tag-bob", to_tag="a", call_id=call.call_id, cseq=40,
                           headers={"Route": server.route}), "192.0.2.2")
    info = server.alice.last("INFO")
    assert info.message.cseq == 41
    server.alice.answer(info)
    assert server.bob.last(200).message.cseq == 40


def test_an_ack_has_the_number_of_its_invite(proxy):
    server, call = pinged(proxy)
    call.within("INVITE")
    invite = server.bob.last("INVITE")
    server.advance(10)
    server.bob.answer(invite)
    call.within("ACK", cseq=call.cseq)
    assert invite.message.cseq == 3 == server.bob.last("ACK").message.cseq
    call.within("ACK", cseq=1)  # of the first INVITE once more
    assert server.bob.last("ACK").message.cseq == 1


def test_numbers_outlive_the_process(proxy):
    server, call = pinged(proxy)
    restarted(server)
    call.within("INFO")
    assert server.bob.last("INFO").message.cseq == 3


def test_dlg_inc_cseq(proxy):
    server = proxy(matched='if (is_method("INFO")) { dlg_inc_cseq(); dlg_inc_cseq("a", 5); '
                           'if (!dlg_inc_cseq("x")) append_hf("X-No: yes\\r\\n"); }')
    call = called(server)
    call.within("INFO")
    found = dialog(server)
    assert (found.shift(0), found.shift(1)) == (5, 1) and server.bob.last("INFO").header("X-No") == "yes"
    call.within("UPDATE")
    assert server.bob.last("UPDATE").message.cseq == 4


def test_dlg_inc_cseq_without_a_dialog(proxy):
    server = proxy(create="", initial='if (!dlg_inc_cseq("a")) append_hf("X-No: yes\\r\\n");')
    server.alice.call("bob")
    assert server.bob.last("INVITE").header("X-No") == "yes"
