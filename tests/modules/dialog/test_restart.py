"""What a process finds that its predecessor has left: on the clock of the test."""
from __future__ import annotations

import pytest

from opensips_py.testing import request
from tests.modules.dialog.conftest import called, dialog, dialogs, module, restarted
from tests.modules.dialog.test_ending import stored

BYES = {"create": 'create_dialog("bye-on-timeout");'}
LIMITED = 'modparam("dialog", "default_timeout", 60)'


def test_dialogs_go_on(proxy):
    server = proxy(LIMITED + ' modparam("dialog", "profiles_with_value", "caller")',
                   initial='$dlg_val(a) = "b"; set_dlg_flag("vip"); set_dlg_profile("caller", "alice");')
    call = called(server)
    before = dialog(server)
    server.advance(20)
    table = restarted(server, away=5)
    found, = table
    assert found is not before and (found.did, found.state, found.values) == (before.did, 4, {"a": "b"})
    assert module(server).flag_names(found.user_flags) == "vip" and found.profiles == [("caller", "alice")]
    assert server.counted("active_dialogs") == 1 and table.sizes.size("caller", "alice") == 1
    server.advance(34)
    assert not found.is_over
    server.advance(2)
    assert found.end_reason == "Lifetime Timeout" and table.sizes.size("caller", None) == 0
    call.bye()  # it is routed though nobody knows its dialog any more
    assert server.bob.last("BYE")


def test_a_bye_after_a_restart(proxy):
    server = proxy()
    call = called(server)
    table = restarted(server)
    found, = table
    call.bye()
    assert found.end_reason == "Downstream BYE" and stored(server) == len(table) == 0


def test_dialogs_that_were_over_meanwhile_end_at_their_time(proxy):
    server = proxy(LIMITED, **BYES)
    called(server)
    began = dialog(server).started
    ends = []
    module(server).observe(ended=lambda dialog, request: ends.append((dialog.ended, dialog.end_reason)))
    table = restarted(server, away=600)
    assert len(table) == 1
    server.advance(1)
    assert ends == [(began + 60, "Lifetime Timeout")]
    assert server.alice.last("BYE") and server.bob.last("BYE")


@pytest.mark.parametrize(("jump", "seconds"), [(-3, 3), (3600, 0)])
def test_timers_that_disagree_with_the_clock(proxy, jump, seconds):
    server = proxy(LIMITED)
    called(server)
    found = dialog(server)
    server.advance(10)
    found.expires += -jump if seconds else jump
    server.advance(50.1)
    assert found.is_over is not bool(seconds)
    server.advance(seconds)
    assert found.is_over


def test_byes_after_a_restart_do_not_come_all_at_once(proxy):
    server = proxy(LIMITED, **BYES)
    for _ in range(25):
        called(server)
    restarted(server, away=600)
    server.advance(0.1)
    first = len([each for each in server.take() if each.method == "BYE"])
    server.advance(0.1)
    assert first == 40 and len(dialogs(server)) == 0


def test_byes_that_nobody_answered_are_sent_again_as_they_were(proxy):
    server = proxy(LIMITED, **BYES)
    called(server)
    server.advance(61)
    before = {each.host: (each.message.via_branch, each.message.cseq) for each in server.take()}
    server.engine.transactions.servers.clear()  # the process is gone
    ends = []
    module(server).observe(ended=lambda *told: ends.append(told))
    table = restarted(server, away=2)
    assert len(table) == 0
    server.advance(1)
    byes = {each.host: each for each in server.take()}
    assert {host: (each.message.via_branch, each.message.cseq) for host, each in byes.items()} == before
    assert ends == []  # that was told before
    server.alice.answer(byes["192.0.2.1"])
    server.bob.answer(byes["192.0.2.2"])
    assert stored(server) == 0


def test_a_bye_that_was_renumbered_is_so_when_it_is_sent_again(proxy):
    server = proxy('modparam("dialog", "options_ping_interval", 10)', create='create_dialog("options-ping-callee");')
    call = called(server)
    server.advance(10.5)
    server.bob.answer(server.bob.last("OPTIONS"))
    bye = request("BYE", "sip:bob@192.0.2.2:5060", to="sip:bob@192.0.2.9", to_tag="tag-bob", from_tag="a", cseq=2,
                  call_id=call.call_id, branch="z9hG4bKbye", headers={"Route": call.final().header("Record-Route")})
    server.receive(bye, "192.0.2.1")
    before = server.bob.last("BYE").message
    assert before.cseq == 3 and len(dialogs(server)) == 0
    server.engine.transactions.servers.clear()  # the process is gone
    table = restarted(server)
    assert len(table) == 0 == server.counted("active_dialogs") and stored(server) == 1
    server.take()
    server.receive(bye, "192.0.2.1")
    again = server.bob.last("BYE")
    assert (again.message.cseq, again.message.via_branch) == (before.cseq, before.via_branch)
    server.bob.answer(again)
    server.advance(33)
    assert stored(server) == 0


def test_what_had_not_been_answered_is_gone(proxy):
    server = proxy('modparam("dialog", "profiles_no_value", "all")', initial='set_dlg_profile("all");')
    server.alice.call("bob")
    assert dialogs(server).sizes.size("all", None) == 1
    table = restarted(server)
    assert len(table) == 0 == table.sizes.size("all", None)


def test_a_reload_keeps_dialogs_and_their_flags(proxy):
    from tests.modules.dialog.conftest import script
    server = proxy(LIMITED, initial='set_dlg_flag("vip");')
    called(server)
    found = dialog(server)
    server.reload(script('modparam("dialog", "default_timeout", 5)',
                         initial='set_dlg_flag("new"); if (is_dlg_flag_set("vip")) exit;'))
    assert dialog(server) is found and module(server).flag_names(found.user_flags) == "vip"
    called(server)
    assert len(dialogs(server)) == 2
    server.advance(6)
    assert dialog(server) is found
