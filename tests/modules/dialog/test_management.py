"""The management commands on dialogs."""
from __future__ import annotations

import pytest

from opensips_py.mi.tree import text, tree_of
from opensips_py.module import MIError
from tests.modules.dialog.conftest import called, dialog, dialogs


def test_a_listed_dialog(proxy):
    server = proxy()
    call = called(server)
    found = dialog(server)
    shown, = server.mi("dialog:list")["Dialogs"]
    assert shown["ID"] == found.did and shown["db_id"] == str(found.entry << 32 | found.number)
    assert (shown["state"], shown["callid"], shown["caller_tag"]) == (4, call.call_id, "a")
    assert (shown["from_uri"], shown["to_uri"]) == ("sip:alice@192.0.2.9", "sip:bob@192.0.2.9")
    assert shown["caller_contact"] == "sip:alice@192.0.2.1:5060" and shown["caller_bind_addr"] == "udp:192.0.2.9:5060"
    assert (shown["timestart"], shown["timeout"]) == (int(found.started), int(found.started) + 43200)
    assert shown["caller_sdp"].startswith("v=0") and shown["callee_cseq"] == "0" and shown["caller_route_set"] == ""
    callee, = shown["CALLEES"]
    assert (callee["callee_tag"], callee["caller_cseq"]) == ("tag-bob", "1")
    assert callee["callee_contact"] == "sip:bob@192.0.2.2:5060" and callee["callee_sdp"].startswith("v=0")
    assert "context" not in shown


def test_a_dialog_that_rings(proxy):
    server = proxy()
    server.alice.call("bob", {"Record-Route": "<sip:198.51.100.1;lr>"})
    server.bob.answer(status=180)
    shown, = server.mi("dlg_list")["Dialogs"]
    assert (shown["state"], shown["timestart"], shown["timeout"]) == (2, 0, 0) and "datestart" not in shown
    assert shown["CALLEES"] == [{"callee_tag": "tag-bob", "callee_contact": "", "caller_cseq": "1",
                                 "callee_route_set": "", "callee_bind_addr": "udp:192.0.2.9:5060"}]
    assert shown["from_uri"] == "sip:alice@192.0.2.9" and shown["caller_contact"] == "sip:alice@192.0.2.1:5060"
    assert shown["caller_route_set"] == "<sip:198.51.100.1;lr>" and shown["caller_sdp"].startswith("v=0")


def test_with_what_the_script_keeps(proxy):
    server = proxy(initial='$dlg_val(user) = "alice"; $dlg_val(odd) = $(var(x){s.decode.hexa}); $dlg_val(n) = 3;',
                   before='$var(x) = "410001";')
    called(server)
    shown, = server.mi("dialog:list_ctx")["Dialogs"]
    assert {"user": "alice"} in shown["context"]["values"] and {"n": 3} in shown["context"]["values"]
    assert {"odd": "A\\x00\\x01"} in shown["context"]["values"]


def test_by_call_id_and_tag(proxy):
    server = proxy()
    first, second = called(server), called(server)
    assert server.mi("dialog:list", callid=second.call_id)["Dialog"]["callid"] == second.call_id
    assert server.mi("dialog:list", callid=first.call_id, from_tag="a")["Dialog"]["callid"] == first.call_id
    with pytest.raises(MIError, match="No such dialog"):
        server.mi("dialog:list", callid=first.call_id, from_tag="b")


def test_windows(proxy):
    server = proxy()
    for _ in range(5):
        called(server)
    whole = [each["ID"] for each in server.mi("dialog:list")["Dialogs"]]
    part = server.mi("dialog:list", index=1, counter=2)
    assert [each["ID"] for each in part["Dialogs"]] == whole[1:3] and part["count"] == 5
    assert server.mi("dialog:list_ctx", index=5, counter=2)["Dialogs"] == []


def test_lists_of_2_1(proxy):
    server = proxy(dialect="2.1", initial='$dlg_val(user) = "alice";')
    call = called(server)
    found = dialog(server)
    module = server.engine.generation.registry.commands["dlg_list_ctx"]
    lines = text(tree_of(server.mi("dlg_list_ctx"), module.call)).splitlines()
    assert lines[0] == f"dialog::  hash={found.entry}:{found.number} dialog_id={found.entry << 32 | found.number}"
    assert "\tstate:: 4" in lines and f"\tcallid:: {call.call_id}" in lines
    assert "\tcallee_contact:: sip:bob@192.0.2.2:5060" in lines and "\t\t\tuser:: alice" in lines
    assert server.mi("dlg_list", call.call_id, "a")["Dialog"]["callid"] == call.call_id
    called(server)
    assert len(server.mi("dlg_list", "1", "1")["Dialogs"]) == 1 and len(server.mi("dlg_list")["Dialogs"]) == 2


def test_ending_in_2_1(proxy):
    server = proxy(dialect="2.1")
    for name in ("numbers", "identifier"):
        called(server)
        found = dialog(server)
        given = (str(found.entry), str(found.number)) if name == "numbers" else (str(found.entry << 32 | found.number),)
        assert server.mi("dlg_end_dlg", *given, "X-Why: credit\\r\\n") == "OK"
        assert server.bob.last("BYE").header("X-Why") == "credit" and len(dialogs(server)) == 0


def test_ending_what_is_not_there(proxy):
    server = proxy()
    for name in ("1.2", "nobody", "12884901890"):
        with pytest.raises(MIError) as raised:
            server.mi("dialog:end_dlg", name)
        assert raised.value.code == 404


def test_an_invite_that_waits_for_nothing_cannot_be_ended(proxy):
    server = proxy()
    server.alice.call("bob")
    found = dialog(server)
    found.request = None
    with pytest.raises(MIError, match="Operation failed"):
        server.mi("dialog:end_dlg", found.did)
