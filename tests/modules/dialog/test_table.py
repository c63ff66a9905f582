"""Dialogs come, go on and end, on a worker whose clock is the test's."""
from __future__ import annotations

import gc

from opensips_py.dialog.record import Dialog
from opensips_py.modules.dialog.table import Dialogs
from opensips_py.testing import request
from tests.modules.dialog.conftest import called, dialog, dialogs


def test_states_on_the_way(proxy):
    server = proxy()
    call = server.alice.call("bob")
    invite = server.bob.last("INVITE")
    found = dialog(server)
    states = [found.state]
    server.bob.answer(invite, 180)
    states.append(found.state)
    assert server.counted("early_dialogs") == 1
    server.bob.answer(invite)
    states.append(found.state)
    assert server.counted("early_dialogs") == 0
    call.ack()
    states.append(found.state)
    call.bye()
    states.append(found.state)
    assert states == [1, 2, 3, 4, 5] and found.end_reason == "Downstream BYE"
    assert len(dialogs(server)) == server.counted("active_dialogs") == server.counted("failed_dialogs") == 0
    changes = [(values["old_state"], values["new_state"]) for name, values in server.events
               if name == "E_DLG_STATE_CHANGED"]
    assert changes == [(1, 2), (2, 3), (3, 4), (4, 5)]
    assert {(values["id"], values["callid"], values["from_tag"]) for name, values in server.events
            if name == "E_DLG_STATE_CHANGED"} == {(found.did, call.call_id, "a")}


def test_states_told_in_2_1(proxy):
    server = proxy(dialect="2.1")
    called(server)
    found = dialog(server)
    known = {"hash_entry": found.entry, "hash_id": found.number}
    assert [values for name, values in server.events if name == "E_DLG_STATE_CHANGED"] == [
        {**known, "old_state": 1, "new_state": 3}, {**known, "old_state": 3, "new_state": 4}]


def test_a_refused_call(proxy):
    server = proxy()
    call = server.alice.call("bob")
    found = dialog(server)
    server.bob.answer(status=486)
    call.ack()
    assert found.is_over and len(dialogs(server)) == 0
    assert (server.counted("failed_dialogs"), server.counted("active_dialogs")) == (1, 0)


def test_a_call_that_nobody_answers(proxy):
    server = proxy('modparam("tm", "fr_timeout", 2)')
    server.alice.call("bob")
    server.advance(3)
    assert server.alice.last(408) and len(dialogs(server)) == 0 and server.counted("failed_dialogs") == 1


def test_a_cancelled_call_that_rang(proxy):
    server = proxy()
    call = server.alice.call("bob")
    invite = server.bob.last("INVITE")
    server.bob.answer(invite, 180)
    call.cancel()
    server.bob.answer(server.bob.last("CANCEL"))
    server.bob.answer(invite, 487)
    assert len(dialogs(server)) == server.counted("early_dialogs") == server.counted("active_dialogs") == 0


def test_a_bye_of_the_callee(proxy):
    server = proxy()
    call = called(server)
    found = dialog(server)
    invite = call.request
    route = call.final().header("Record-Route")
    server.receive(request("BYE", invite.contacts[0].uri, sender="sip:bob@192.0.2.9", to="sip:alice@192.0.2.9",
                           from_tag="tag-bob", to_tag="a", call_id=call.call_id, headers={"Route": route}), "192.0.2.2")
    assert found.end_reason == "Upstream BYE" and server.alice.last("BYE")


def test_a_bye_without_ack_ends_it_too(proxy):
    server = proxy()
    call = server.alice.call("bob")
    server.bob.answer()
    call.bye()
    assert len(dialogs(server)) == 0


def test_a_second_2xx_changes_nothing(proxy):
    server = proxy()
    call = server.alice.call("bob")
    invite = server.bob.last("INVITE")
    server.bob.answer(invite)
    server.bob.answer(invite)
    assert dialog(server).state == 3 and server.counted("active_dialogs") == 1
    call.ack()
    assert dialog(server).state == 4


def test_the_time_of_a_dialog_is_over(proxy):
    server = proxy('modparam("dialog", "default_timeout", 30)')
    called(server)
    found = dialog(server)
    server.advance(29)
    assert found.state == 4
    server.advance(1.5)
    assert (found.state, found.end_reason) == (5, "Lifetime Timeout")
    assert (server.counted("expired_dialogs"), server.counted("active_dialogs"), len(dialogs(server))) == (1, 0, 0)
    assert server.take() == []  # nobody asked for BYEs


def test_an_answer_of_our_own(proxy):
    server = proxy(initial='t_reply(200, "OK"); exit;')
    server.alice.call("bob")
    found = dialog(server)
    assert found.state == 3 and found.to_tag == server.alice.last(200).message.to_tag


def test_a_dialog_is_found_for_a_while_after_its_end(proxy):
    server = proxy('modparam("dialog", "delete_delay", 10)')
    call = called(server)
    found = dialog(server)
    call.bye()
    assert dialogs(server).find(found.did) is found and server.counted("active_dialogs") == 0
    server.advance(11)
    assert len(dialogs(server)) == 0


def test_two_dialogs_with_one_call_id():
    table = Dialogs()
    first, second, third = (Dialog(1, number, "c", "a") for number in (1, 2, 3))
    for each in (first, second, third):
        table.add(each)
    assert table.of_call("c") == [third, second, first]
    table.remove(second)
    assert table.of_call("c") == [third, first] and table.find(second.did) is None
    table.remove(second)
    table.remove(third)
    assert table.of_call("c") == [first] == list(table)
    table.remove(first)
    assert not table.by_call and not table.by_did


def test_nothing_is_left_to_the_collector(proxy):
    server = proxy()
    calls = set()
    gc.disable()
    try:
        for _ in range(5):
            call = called(server)
            calls.add(call.call_id)
            call.bye()
            server.bob.answer(server.bob.last("BYE"))
        server.receive(request("OPTIONS", "sip:192.0.2.9"), "192.0.2.1")  # the layer holds on to the newest request
        server.runs.clear()
        server.advance(40)
        assert [each for each in gc.get_objects() if isinstance(each, Dialog) and each.call_id in calls] == []
    finally:
        gc.enable()


def test_an_answered_dialog_is_stored_before_anything_leaves(proxy):
    server = proxy()
    store = dialogs(server).store
    kept = []

    class Socket:
        def flush(self):
            kept.append(store.environment.get(b"key", store.dialogs))

    store.environment.commits.post(lambda transaction: transaction.put(b"key", b"stored", db=store.dialogs))
    server.network.loop_end.add(Socket())
    server.network.loop_end.flush()
    assert kept == [b"stored"]


RACE = {"create": 'create_dialog("end-on-race-condition");'}


def test_answered_as_it_was_given_up(proxy):
    server = proxy('modparam("dialog", "race_condition_timeout", 2)', **RACE)
    call = server.alice.call("bob")
    invite = server.bob.last("INVITE")
    server.bob.answer(invite, 180)
    call.cancel()
    server.bob.answer(invite)
    found = dialog(server)
    assert found.state == 3
    server.advance(2.5)
    assert found.end_reason == "SIP Race Condition" and server.bob.last("BYE")


def test_answered_as_it_was_hung_up(proxy):
    server = proxy(**RACE)
    call = server.alice.call("bob")
    invite = server.bob.last("INVITE")
    server.bob.answer(invite, 180)
    ringing = server.alice.last(180)
    server.receive(request("BYE", "sip:bob@192.0.2.2", to_tag="tag-bob", from_tag="a", call_id=call.call_id, cseq=2,
                           headers={"Route": ringing.header("Record-Route")}), "192.0.2.1")
    found = dialog(server)
    assert found.state == 2
    server.bob.answer(invite)
    server.advance(6)
    assert found.end_reason == "SIP Race Condition"


def test_without_the_flag_a_race_changes_nothing(proxy):
    server = proxy()
    call = server.alice.call("bob")
    invite = server.bob.last("INVITE")
    server.bob.answer(invite, 180)
    call.cancel()
    server.bob.answer(invite)
    server.advance(10)
    assert dialog(server).state == 3
