"""Routes that run with a dialog, through scripts."""
from __future__ import annotations

from tests.modules.dialog.conftest import called, dialog, dialogs

ROUTES = """
route[answered] { xlog("L_NOTICE", "answered $DLG_did $DLG_status $ci $fU $tU\\n"); $dlg_val(seen) = "yes"; }
route[over] { xlog("L_NOTICE", "over $DLG_status $DLG_timeout\\n"); if ($dlg_val(more) == "1") { $DLG_timeout = 10;
              $dlg_val(more) = "0"; } }
route[gone] { xlog("L_NOTICE", "gone $DLG_status $DLG_lifetime $DLG_end_reason\\n"); }
"""
ARMED = 'dlg_on_answer("answered"); dlg_on_timeout("over"); dlg_on_hangup("gone");'


def test_answered_and_gone(proxy):
    server = proxy(initial=ARMED, routes=ROUTES)
    call = called(server)
    found = dialog(server)
    assert server.log.matching(f"answered {found.did} 4 {call.call_id} alice bob") or \
        server.log.matching(f"answered {found.did} 3 {call.call_id} alice bob")
    assert found.values == {"seen": "yes"}
    server.advance(7)
    call.bye()
    assert server.log.matching("gone 5 7 Downstream BYE") and not server.log.matching("over")


def test_more_time(proxy):
    server = proxy('modparam("dialog", "default_timeout", 30)', initial=ARMED + '$dlg_val(more) = "1";', routes=ROUTES)
    called(server)
    found = dialog(server)
    server.advance(31)
    assert len(server.log.matching("over 4 0")) == 1 and found.state == 4
    server.advance(10)
    assert len(server.log.matching("over")) == 2 and found.is_over and server.log.matching("gone 5 4. Lifetime Timeout")
    assert server.counted("expired_dialogs") == 1


def test_a_route_may_be_disarmed(proxy):
    server = proxy(initial=ARMED + "dlg_on_answer(); dlg_on_hangup(); dlg_on_timeout();", routes=ROUTES)
    called(server).bye()
    assert not server.log.matching("answered|gone") and dialogs(server).observers.ended == ()


def test_one_is_disarmed_the_others_stay(proxy):
    server = proxy(initial=ARMED + "dlg_on_answer();", routes=ROUTES)
    called(server).bye()
    assert not server.log.matching("answered") and server.log.matching("gone")


def test_a_route_that_a_reload_took_away(proxy):
    from tests.modules.dialog.conftest import script
    server = proxy(initial=ARMED, routes=ROUTES)
    call = called(server)
    server.reload(script())
    call.bye()
    assert server.log.matching("there is no route gone any more") and len(dialogs(server)) == 0


def test_outside_of_a_dialog(proxy):
    server = proxy(create="", routes=ROUTES, initial='if (!dlg_on_answer("answered") && !dlg_on_timeout("over") && '
                   '!dlg_on_hangup("gone")) append_hf("X-No: yes\\r\\n");')
    server.alice.call("bob")
    assert server.bob.last("INVITE").header("X-No") == "yes"
