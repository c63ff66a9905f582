"""Where each side is reached after a re-INVITE or an UPDATE."""
from __future__ import annotations

import pytest

from opensips_py.testing import request, response, sdp
from tests.modules.dialog.conftest import called, dialog, dialogs, restarted


def refreshed(proxy, method, status=200):
    server = proxy()
    call = called(server)
    server.receive(request(method, "sip:bob@192.0.2.2:5060", to="sip:bob@192.0.2.9", to_tag="tag-bob", from_tag="a",
                           call_id=call.call_id, cseq=2, contact="sip:alice@192.0.2.111", body=sdp("192.0.2.111"),
                           headers={"Route": call.final().header("Record-Route")}), "192.0.2.1")
    asked = server.bob.last(method)
    server.bob.send(response(asked.message, status, to_tag="tag-bob", contact="sip:bob@192.0.2.222",
                             body=sdp("192.0.2.222") if status == 200 else ""))
    return server


def test_contacts_that_were_mended(proxy):
    server = proxy('loadmodule "nathelper.so"', before='fix_nated_contact(";by=us");', initial='t_on_reply("r");',
                   matched='append_hf("X-Valid: $var(valid)\\r\\n");',
                   follow='loose_route(); validate_dialog(); $var(valid) = $rc;',
                   routes='onreply_route[r] { fix_nated_contact(";by=us"); }')
    call = called(server)
    caller, callee = dialogs(server).legs(dialog(server))
    assert (caller.target, callee.target) == ("sip:alice@192.0.2.1:5060;by=us", "sip:bob@192.0.2.2:5060;by=us")
    call.within("INFO")
    assert server.bob.last("INFO").header("X-Valid") == "1"


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_both_contacts_change(proxy, method):
    server = refreshed(proxy, method)
    caller, callee = dialogs(server).legs(dialog(server))
    assert (caller.target, callee.target) == ("sip:alice@192.0.2.111", "sip:bob@192.0.2.222")
    assert b"192.0.2.111" in caller.body and b"192.0.2.222" in callee.body
    found, = restarted(server)
    assert server.mi("dialog:end_dlg", found.did) == "OK"
    assert {each.message.uri for each in server.take() if each.method == "BYE"} == {caller.target, callee.target}


@pytest.mark.parametrize(("method", "status"), [("INVITE", 488), ("INFO", 200)])
def test_what_changes_nothing(proxy, method, status):
    server = refreshed(proxy, method, status)
    caller, callee = dialogs(server).legs(dialog(server))
    assert (caller.target, callee.target) == ("sip:alice@192.0.2.1:5060", "sip:bob@192.0.2.2:5060")


# Contacts that lead nowhere

BEHIND_NAT = {"before": "fix_nated_contact();", "follow": "fix_nated_contact(); loose_route();",
              "initial": 't_on_reply("nat");', "matched": 't_on_reply("nat");'}
NAT_ROUTES = "onreply_route[nat] { fix_nated_contact(); }"
NATHELPER = 'loadmodule "nathelper.so"\n'


def behind_nat(phone, port):
    """A phone whose Contact names an address that nobody else can reach."""
    contact = property(lambda self: f"sip:{self.user}@10.0.0.{port}")
    phone.__class__ = type("Hidden", (type(phone),), {"contact": contact})


def reached(server):
    """The Request-URIs of our BYEs to both sides."""
    server.alice.inbox.clear()
    server.bob.inbox.clear()
    assert server.mi("dlg_end_dlg", dialog(server).call_id) == "OK"
    server.settle()
    return [phone.last("BYE").message.uri for phone in (server.alice, server.bob)]


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_contacts_are_kept_as_the_script_has_mended_them(proxy, dialect):
    server = proxy(NATHELPER, dialect=dialect, routes=NAT_ROUTES, **BEHIND_NAT)
    behind_nat(server.alice, 1)
    behind_nat(server.bob, 2)
    called(server)
    assert reached(server) == ["sip:alice@192.0.2.1:5060", "sip:bob@192.0.2.2:5060"]


def test_contacts_of_a_branch(proxy):
    server = proxy(NATHELPER, initial='t_on_branch("b");', routes="branch_route[b] { fix_nated_contact(); }")
    behind_nat(server.alice, 1)
    called(server)
    assert reached(server) == ["sip:alice@192.0.2.1:5060", "sip:bob@192.0.2.2:5060"]


def test_a_refresh_is_mended_too(proxy):
    server = proxy(NATHELPER, routes=NAT_ROUTES, **BEHIND_NAT)
    call = called(server)
    behind_nat(server.alice, 1)
    behind_nat(server.bob, 2)
    call.within("INVITE")
    server.bob.answer()
    assert reached(server) == ["sip:alice@192.0.2.1:5060", "sip:bob@192.0.2.2:5060"]


def test_requests_along_a_mended_contact_are_valid(proxy):
    server = proxy(NATHELPER, routes=NAT_ROUTES, **{
        **BEHIND_NAT, "matched": 'validate_dialog(); append_hf("X-Valid: $rc\\r\\n");'})
    behind_nat(server.bob, 2)
    call = called(server)
    call.within("INFO")
    assert server.bob.last("INFO").header("X-Valid") == "1"


def test_an_answer_of_our_own_keeps_the_mended_contact(proxy):
    server = proxy(NATHELPER, before="fix_nated_contact();", initial='t_reply(200, "OK"); exit;')
    behind_nat(server.alice, 1)
    call = server.alice.call("bob")
    call.ack()
    server.alice.inbox.clear()
    assert server.mi("dlg_end_dlg", call.call_id) == "OK"
    server.settle()
    assert server.alice.last("BYE").message.uri == "sip:alice@192.0.2.1:5060"
