"""Other dialogs, through scripts."""
from __future__ import annotations

import json

from opensips_py.testing import request
from tests.modules.dialog.conftest import called, headers

SETTINGS = 'modparam("dialog", "profiles_with_value", "caller")'
KEPT = '$dlg_val(caller) = $fU; $dlg_val(callee) = $tU; set_dlg_profile("caller", "$fU");'


def asked(proxy, body, dialect="4.0", shown=""):
    """What a MESSAGE finds while two calls are there."""
    server = proxy(SETTINGS, dialect=dialect, before=f'if (is_method("MESSAGE")) {{ {body} {shown} '
                                                     'sl_send_reply("200", "OK"); exit; }' if dialect == "2.1" else
                   f'if (is_method("MESSAGE")) {{ {body} {shown} sl_send_reply(200, "OK"); exit; }}', initial=KEPT)
    calls = [called(server), called(server)]
    server.receive(request("MESSAGE", "sip:x@192.0.2.9"), "192.0.2.1")
    return server, calls


def test_get_dialog_info(proxy):
    server, _ = asked(proxy, '$var(key) = "alice"; $var(found) = 0; '
                             'if (get_dialog_info("callee", $avp(to), "caller", $var(key), $var(n))) $var(found) = 1; '
                             '$var(to) = $(avp(to)[1]);')
    assert (server.variables["found"], server.variables["n"], server.variables["to"]) == (1, 2, "bob")


def test_get_dialog_info_finds_nothing(proxy):
    server, _ = asked(proxy, '$var(key) = "carol"; $var(found) = 1; '
                             'if (!get_dialog_info("callee", $avp(to), "caller", $var(key), $var(n))) $var(found) = 0;')
    assert (server.variables["found"], server.variables["n"]) == (0, 0)


def test_get_dialog_info_of_2_1(proxy):
    server, _ = asked(proxy, 'if (get_dialog_info("callee", "$var(to)", "caller", "alice")) $var(found) = 1; '
                             'if (!get_dialog_info("callee", "$var(no)", "caller", "carol")) $var(none) = 1;', "2.1")
    assert (server.variables["found"], server.variables["to"], server.variables["none"]) == (1, "bob", 1)


def test_get_dialog_vals(proxy):
    server = proxy(SETTINGS, initial=KEPT, before="""if (is_method("MESSAGE")) {
        $var(no) = 0; if (!get_dialog_vals($avp(a), $avp(b), "nobody")) $var(no) = 1;
        if (get_dialog_vals($avp(n), $avp(v), $hdr(X-Call))) { $var(first) = $(avp(n)[0]) + "=" + $(avp(v)[0]);
            $var(second) = $(avp(n)[1]) + "=" + $(avp(v)[1]); } sl_send_reply(200, "OK"); exit; }""")
    call = called(server)
    server.receive(request("MESSAGE", "sip:x@192.0.2.9", headers={"X-Call": call.call_id}), "192.0.2.1")
    assert {server.variables["first"], server.variables["second"]} == {"caller=alice", "callee=bob"}
    assert server.variables["no"] == 1


def test_get_dialogs_by_val(proxy):
    server, calls = asked(proxy, '$var(who) = "alice"; get_dialogs_by_val("caller", $var(who), $avp(j), $var(n)); '
                                 '$var(found) = $rc; $var(a) = $(avp(j)[0]); $var(b) = $(avp(j)[1]); $var(who) = "x"; '
                                 'get_dialogs_by_val("caller", $var(who), $avp(k), $var(m)); $var(none) = $rc;')
    known = server.variables
    assert (known["found"], known["n"], known["none"], known["m"]) == (1, 2, -1, 0)
    assert {json.loads(known[name])["callid"] for name in "ab"} == {each.call_id for each in calls}
    assert json.loads(known["a"])["values"] == {"caller": "alice", "callee": "bob"}


def test_get_dialogs_by_profile(proxy):
    server, calls = asked(proxy, 'get_dialogs_by_profile("caller", "alice", $avp(j), $var(n)); $var(found) = $rc; '
                                 '$var(a) = $(avp(j)[0]); get_dialogs_by_profile("caller", , $avp(k), $var(all)); '
                                 'get_dialogs_by_profile("caller", "x", $avp(k), $var(m)); $var(none) = $rc; '
                                 'get_dialogs_by_profile("unknown", , $avp(k), $var(o)); $var(wrong) = $rc;')
    known = server.variables
    assert (known["found"], known["n"], known["all"], known["none"], known["m"], known["wrong"]) == (1, 2, 2, -1, 0, -1)
    assert json.loads(known["a"])["callid"] in {each.call_id for each in calls}


def test_a_worker_that_does_not_answer(proxy):
    server = proxy(SETTINGS, initial=KEPT, matched='$var(k) = "alice"; get_dialogs_by_val("caller", $var(k), $avp(j), '
                                                   "$var(n));" + headers(N="$var(n)"))
    call = called(server)
    links = server.engine.links
    links.call_each = lambda *asked, **more: {0: [], 1: LookupError("it is gone")}
    call.within("INFO")
    assert server.bob.last("INFO").header("X-N") == "0" and server.log.matching("worker 1 did not tell its dialogs")
