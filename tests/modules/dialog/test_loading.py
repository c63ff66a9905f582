"""Another dialog in place of the current one, through scripts."""
from __future__ import annotations

import pytest

from opensips_py.testing import request
from tests.modules.dialog.conftest import called, dialogs, module

ASK = """if (is_method("MESSAGE")) {
    $var(loaded) = 0; if (load_dialog_ctx("$hdr(X-Name)"%s)) $var(loaded) = 1;
    $var(state) = $DLG_status; $var(value) = $dlg_val(who); $var(again) = 0;
    if (load_dialog_ctx("$hdr(X-Name)")) $var(again) = 1;
    $dlg_val(seen) = "yes";
    $var(un) = 0; if (unload_dialog_ctx()) $var(un) = 1; $var(after) = $DLG_status;
    if (unload_dialog_ctx()) $var(un) = 2;
    sl_send_reply(200, "OK"); exit; }"""


@pytest.mark.parametrize(("more", "name", "loaded"), [
    ("", "callid", 1), (', "callid"', "callid", 1), (', "did"', "did", 1), (', "did"', "callid", 0), ("", "did", 0)])
def test_by_either_identifier(proxy, more, name, loaded):
    server = proxy(before=ASK % more, initial='$dlg_val(who) = "alice";')
    call = called(server)
    found = dialogs(server).find(call.call_id)
    ask(server, call.call_id if name == "callid" else found.did)
    known = server.variables
    assert known["loaded"] == loaded
    if loaded:
        assert known["un"] == 1
        assert (known["state"], known["value"], known.get("after"), known["again"]) == (4, "alice", None, 0)
        assert found.values["seen"] == "yes"


def test_only_active_ones(proxy):
    for active, loaded in ((1, 0), (0, 1)):
        server = proxy('modparam("dialog", "delete_delay", 60)', before=ASK % f', "callid", {active}')
        call = called(server)
        call.bye()
        ask(server, call.call_id)
        assert server.variables["loaded"] == loaded


def test_a_dialog_of_another_worker(proxy):
    server = proxy('modparam("dialog", "profiles_with_value", "caller") modparam("dialog", "profiles_no_value", "all")',
                   before="""if (is_method("MESSAGE")) { load_dialog_ctx("$hdr(X-Name)");
            $var(who) = $dlg_val(who); $var(vip) = is_dlg_flag_set("vip"); $dlg_val(new) = 1; $dlg_val(who) = NULL;
            set_dlg_flag("late"); $DLG_timeout = 77; $DLG_del_delay = 3; unset_dlg_profile("caller");
            set_dlg_profile("all"); dlg_send_sequential("INFO", "callee"); dlg_on_hangup("gone");
            sl_send_reply(200, "OK"); exit; }""".replace("$var(vip) = is_dlg_flag_set(\"vip\");",
                                                        "is_dlg_flag_set(\"vip\"); $var(vip) = $rc;"),
                   initial='$dlg_val(who) = "alice"; set_dlg_flag("vip"); set_dlg_profile("caller", "alice");',
                   routes='route[gone] { xlog("gone\\n"); }')
    call = called(server)
    table, found = dialogs(server), dialogs(server).find(call.call_id)
    engine, here = server.engine, module(server).here
    told, elsewhere = [], {"is": True}
    module(server).here = lambda *asked: None if elsewhere["is"] else here(*asked)
    engine.links.send = lambda peer, operation, *what: told.append((peer, operation, *what))

    def ask_owner(slot, operation, *what):
        assert (slot, operation) == (found.entry, "dialog copy")
        elsewhere["is"] = False
        answer = module(server).copy(*what)
        elsewhere["is"] = True
        del table.by_did[found.did]  # as it is in the worker that asks
        return answer
    engine.owner_call = ask_owner
    table.module.services = engine
    engine.workers = 2
    engine.slots.worker_of = lambda slot: 1
    engine.slots.owner_of_call_id = lambda call_id: 1
    ask(server, call.call_id)
    assert (server.variables["who"], server.variables["vip"]) == ("alice", 1)
    assert server.bob.last("INFO").message.cseq == 2
    table.by_did[found.did] = found
    (peer, operation, did, changes), = told
    assert (peer, operation, did) == (1, "dialog changed", found.did) and found.values == {"who": "alice"}
    module(server).change(did, changes)
    assert found.values == {"new": 1} and found.shift(1) == 1 and found.armed == {"hangup": "gone"}
    assert set(module(server).flag_names(found.user_flags).split()) == {"vip", "late"} and found.delay == 3
    assert round(found.expires - server.clock.time()) == 77 and found.profiles == [("all", None)]
    assert table.sizes.size("all", None) == 1 and table.sizes.size("caller", None) == 0
    module(server).change("1.2", changes)  # it has ended meanwhile


def test_nobody_has_it(proxy):
    server = proxy()
    call = called(server)
    engine = server.engine
    engine.workers = 2
    assert module(server).copy("nobody", False, True) is None
    assert module(server).elsewhere(call.call_id, False, True) is None  # the slot is ours
    engine.slots.worker_of = lambda slot: 1
    engine.owner_call = lambda *asked: None
    assert module(server).elsewhere(call.call_id, False, True) is None


def ask(server, name):
    server.receive(request("MESSAGE", "sip:x@192.0.2.9", headers={"X-Name": name}), "192.0.2.1")
