"""Dialogs that we end: BYEs to both sides, CANCELs, and what happens when they are not answered."""
from __future__ import annotations

from opensips_py.testing import request, response
from tests.modules.dialog.conftest import called, dialog, dialogs

LIMITED = 'modparam("dialog", "default_timeout", 30)'


def test_both_sides_get_a_bye_at_the_end_of_its_time(proxy):
    server = proxy(LIMITED + ' modparam("dialog", "dlg_extra_hdrs", "X-Why: time\\r\\n")',
                   create='create_dialog("bye-on-timeout");')
    call = called(server)
    server.advance(31)
    to_caller, to_callee = server.alice.last("BYE"), server.bob.last("BYE")
    assert to_caller.message.uri == "sip:alice@192.0.2.1:5060" and to_callee.message.uri == "sip:bob@192.0.2.2:5060"
    assert (to_caller.message.from_tag, to_caller.message.to_tag) == ("tag-bob", "a")
    assert (to_callee.message.from_tag, to_callee.message.to_tag) == ("a", "tag-bob")
    assert (to_caller.message.cseq, to_callee.message.cseq) == (1, 2)
    assert {each.message.call_id for each in (to_caller, to_callee)} == {call.call_id}
    assert to_caller.header("X-Why") == to_callee.header("X-Why") == "time"
    assert server.counted("expired_dialogs") == 1
    assert stored(server) == 1  # until both have answered
    server.alice.answer(to_caller)
    server.bob.answer(to_callee)
    assert stored(server) == 0


def test_a_side_that_answers_no_bye(proxy):
    server = proxy(LIMITED, create='create_dialog("bye-on-timeout");')
    called(server)
    server.advance(31)
    server.bob.answer(server.bob.last("BYE"))
    assert stored(server) == 1
    server.advance(40)
    assert stored(server) == 0


def test_a_bye_follows_the_route_set(proxy):
    server = proxy(LIMITED, create='create_dialog("bye-on-timeout");')
    call = server.alice.call("bob", {"Record-Route": ["<sip:198.51.100.1;lr>", "<sip:198.51.100.2;lr>"]})
    invite = server.bob.last("INVITE")
    ours = invite.message.record_routes
    text = invite.data.replace(b"Record-Route: ", b"Record-Route: <sip:203.0.113.2;lr>\r\nRecord-Route: "
                                                  b"<sip:203.0.113.1;lr>\r\nRecord-Route: ", 1)
    assert len(ours) == 3
    server.bob.send(response(text, 200, to_tag="tag-bob", contact="sip:bob@192.0.2.2"))
    call.ack()
    server.take()
    server.advance(31)
    byes = {each.host: each for each in server.take()}
    assert byes["198.51.100.1"].message.values("Route") == ["<sip:198.51.100.1;lr>", "<sip:198.51.100.2;lr>"]
    assert byes["203.0.113.1"].message.values("Route") == ["<sip:203.0.113.1;lr>", "<sip:203.0.113.2;lr>"]


def test_it_is_ended_by_hand(proxy):
    server = proxy()
    call = called(server)
    found = dialog(server)
    assert server.mi("dialog:end_dlg", found.did, "X-Credit: none") == "OK"
    assert server.alice.last("BYE").header("X-Credit") == server.bob.last("BYE").header("X-Credit") == "none"
    assert found.end_reason == "MI Termination" and len(dialogs(server)) == 0
    called(server)
    assert server.mi("dlg_end_dlg", dialog_id=dialog(server).call_id) == "OK"
    assert server.bob.last("BYE").message.call_id != call.call_id


def test_what_rings_is_cancelled(proxy):
    server = proxy()
    server.alice.call("bob")
    invite = server.bob.last("INVITE")
    server.bob.answer(invite, 180)
    assert server.mi("dialog:end_dlg", dialog(server).did) == "OK"
    server.bob.answer(server.bob.last("CANCEL"))
    server.bob.answer(invite, 487)
    assert server.alice.last(487) and len(dialogs(server)) == 0


def test_the_sequence_of_each_side_goes_on(proxy):
    server = proxy()
    call = called(server)
    call.within("INFO", cseq=7)
    server.receive(request("INFO", "sip:alice@192.0.2.1:5060", sender="sip:bob@192.0.2.9", to="sip:alice@192.0.2.9",
                           from_tag="tag-bob", to_tag="a", call_id=call.call_id, cseq=40,
                           headers={"Route": call.final().header("Record-Route")}), "192.0.2.2")
    assert server.mi("dialog:end_dlg", call.call_id) == "OK"
    assert (server.alice.last("BYE").message.cseq, server.bob.last("BYE").message.cseq) == (41, 8)


def test_sockets_on_both_sides(proxy):
    server = proxy(initial='$socket_out = "udp:192.0.2.9:5070";')
    call = called(server)
    server.mi("dialog:end_dlg", call.call_id)
    assert server.alice.last("BYE").listener.port == 5060 and server.bob.last("BYE").listener.port == 5070


def stored(server):
    store = dialogs(server).store
    return store.environment.entries(store.dialogs)
