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
