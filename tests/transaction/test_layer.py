"""Whole transactions through the layer: matching, absorbing, ending."""
from __future__ import annotations

import gc

import pytest

from opensips_py.sip import scan
from tests.transaction.world import World, request, response


@pytest.fixture
def world():
    return World()


def call(world, **how):
    """An INVITE that has been relayed; returns what the callee received."""
    world.receive(request(world=world, **how))
    trying, invite = world.take()
    assert trying.status == 100
    return invite


def test_call_passes_both_ways(world):
    invite = call(world)
    assert invite.method == "INVITE" and len(invite.vias) == 2 and world.places[1] == ("192.0.2.2", 5060)
    for status in (180, 200):
        assert world.receive(response(invite, status))
        back = world.only()
        assert back.status == status and len(back.vias) == 1 and world.places == [("192.0.2.1", 5060)]


def test_request_again_is_answered_with_the_last_response(world):
    invite = call(world)
    assert world.receive(request(world=world))
    assert world.only().status == 100
    world.receive(response(invite, 180))
    world.take()
    assert world.receive(request(world=world))
    assert world.only().status == 180


def test_request_again_after_a_2xx_is_absorbed(world):
    world.receive(response(call(world), 200))
    world.take()
    assert world.receive(request(world=world))
    assert world.take() == []


def test_same_branch_from_another_host_is_another_transaction(world):
    call(world)
    other = request(world=world, call_id="call-2").data.replace(b"UDP 192.0.2.1:5060", b"UDP 192.0.2.7:5060")
    assert not world.receive(scan(other, world.network.udp, request(world=world).source))
    assert len(world.layer) == 2


def test_ack_of_a_failure_ends_here(world):
    invite = call(world)
    world.receive(response(invite, 486))
    ack, failure = world.take()
    assert ack.method == "ACK" and ack.to_tag == "b1" and ack.via_branch == invite.via_branch
    assert failure.status == 486
    assert world.receive(request("ACK", world=world, to_tag="b1"))
    assert world.take() == []
    world.pass_time(60)
    assert len(world.layer) == 0


def test_failure_is_repeated_until_the_ack_comes(world):
    world.receive(response(call(world), 486))
    world.take()
    world.pass_time(1.6)
    assert world.lines() == ["486 192.0.2.1", "486 192.0.2.1"]  # after 0.5 s and 1.5 s
    world.receive(request("ACK", world=world, to_tag="b1"))
    world.pass_time(60)
    assert world.take() == []


def test_failure_without_ack_is_given_up(world):
    world.receive(response(call(world), 486))
    world.pass_time(29)
    assert len(world.layer) == 1
    world.pass_time(2)
    assert len(world.layer) == 0


def test_ack_of_a_2xx_is_relayed_without_state(world):
    world.receive(response(call(world), 200))
    world.take()
    assert not world.receive(request("ACK", world=world, branch="z9hG4bKother", to_tag="b1"))
    ack = world.only()
    assert ack.method == "ACK" and len(ack.vias) == 2 and len(world.layer) == 1


def test_response_again_of_a_failure_is_acknowledged_again(world):
    invite = call(world)
    world.receive(response(invite, 486))
    world.take()
    world.receive(response(invite, 486))
    assert world.only().method == "ACK"


def test_response_of_somebody_else_is_not_ours(world):
    invite = call(world)
    stray = response(invite, 200).data.replace(invite.via_branch.encode(), b"z9hG4bKxyz")
    assert not world.receive(scan(stray))


def test_invite_is_retransmitted_over_udp(world):
    call(world)
    world.pass_time(3.6)
    assert world.lines() == ["INVITE 192.0.2.2"] * 3  # after 0.5, 1.5 and 3.5 s
    world.pass_time(8)
    assert world.lines() == ["INVITE 192.0.2.2"] * 2  # every 4 s


def test_provisional_response_stops_retransmissions(world):
    invite = call(world)
    world.receive(response(invite, 100))
    assert world.take() == []
    world.pass_time(20)
    assert world.take() == []


def test_nothing_is_retransmitted_over_tcp(world):
    call(world, uri="sip:bob@192.0.2.2;transport=tcp")
    world.pass_time(20)
    assert world.take() == []


def test_silence_becomes_408(world):
    call(world)
    world.pass_time(29.9)
    world.take()
    world.pass_time(0.2)
    assert world.lines() == ["408 192.0.2.1"]


def test_ringing_without_answer_is_cancelled_and_becomes_408(world):
    invite = call(world)
    world.receive(response(invite, 180))
    world.take()
    world.pass_time(119)
    assert world.take() == []
    world.pass_time(1.1)
    assert world.lines() == ["CANCEL 192.0.2.2", "408 192.0.2.1"]
    world.receive(request("ACK", world=world, to_tag="x"))
    world.receive(response(invite, 487))
    assert world.lines() == ["ACK 192.0.2.2"]


def test_other_requests(world):
    world.receive(request("OPTIONS", world=world))
    options = world.only()
    assert world.receive(request("OPTIONS", world=world))
    assert world.take() == []
    world.pass_time(0.6)
    assert world.lines() == ["OPTIONS 192.0.2.2"]
    world.receive(response(options, 200))
    assert world.lines() == ["200 192.0.2.1"]
    assert world.receive(request("OPTIONS", world=world))
    assert world.lines() == ["200 192.0.2.1"]
    world.pass_time(6)
    assert len(world.layer) == 0


def test_route_that_does_nothing_releases_the_transaction(world):
    world.script = lambda run: world.layer.new_transaction(run)
    world.receive(request("OPTIONS", world=world))
    assert len(world.layer) == 1
    world.pass_time(6)
    assert len(world.layer) == 0


def test_clients_without_cookie_match_by_the_old_rules(world):
    world.receive(request(world=world, branch=""))
    invite = world.take()[1]
    assert world.receive(request(world=world, branch=""))
    world.take()
    world.receive(response(invite, 486))
    assert world.receive(request("ACK", world=world, branch="", to_tag="b1"))
    assert not world.receive(request(world=world, branch="", cseq=2))


def test_ruri_matching_can_be_turned_off(world):
    world.layer.settings.ruri_matching = False
    world.receive(request(world=world, branch=""))
    assert world.receive(request(world=world, branch="", uri="sip:other@192.0.2.2"))


def test_via_matching_can_be_turned_off(world):
    changed = request(world=world, branch="").data.replace(b"UDP 192.0.2.1:5060", b"UDP 192.0.2.1:5061")
    world.receive(request(world=world, branch=""))
    again = scan(changed, world.network.udp, request(world=world).source)
    assert world.layer.find(again, "INVITE") is None
    world = World()
    world.layer.settings.via_matching = False
    world.receive(request(world=world, branch=""))
    assert world.receive(scan(changed, world.network.udp, request(world=world).source))


def test_ack_of_a_refusal_may_have_a_branch_of_its_own(world):
    world.receive(response(call(world), 407))
    assert world.lines() == ["ACK 192.0.2.2", "407 192.0.2.1"]
    world.script = lambda run: None
    assert not world.receive(request("ACK", world=world, branch="z9hG4bKown", to_tag="other"))
    world.take()
    assert world.receive(request("ACK", world=world, branch="z9hG4bKown", to_tag="b1"))
    world.pass_time(10)
    assert world.lines() == [] and not world.layer.answered and len(world.layer) == 0


def test_answer_of_our_own_is_repeated_until_its_ack(world):
    def answer(run):
        transaction = world.layer.new_transaction(run)
        world.layer.reply(transaction, 200, "OK")
    world.script = answer
    world.receive(request(world=world))
    _, ok = world.take()
    world.pass_time(0.6)
    assert world.lines() == ["200 192.0.2.1"]
    world.script = lambda run: None
    world.receive(request("ACK", world=world, branch="z9hG4bKack", to_tag=ok.to_tag))
    world.pass_time(20)
    assert world.take() == [] and len(world.layer) == 0


def test_waiting_functions_get_their_transaction_first_and_a_100_after_200_ms(world):
    def route(run):
        world.layer.prepare_wait(run)
        world.pass_time(0.1)
        assert world.take() == []
        world.pass_time(0.2)
        assert world.only().status == 100
        assert world.receive(request(world=world))
        world.take()
        world.relay(run)
    world.script = route
    world.receive(request(world=world))
    assert world.lines() == ["INVITE 192.0.2.2"]


def test_memory_is_given_back(world):
    def one(number):
        invite = call(world, call_id=f"c{number}", branch=f"z9hG4bK{number}")
        for status in (180, 200):
            world.receive(response(invite, status))
        world.receive(request("ACK", world=world, call_id=f"c{number}", branch=f"z9hG4bKa{number}", to_tag="b1"))
        world.receive(request("BYE", world=world, call_id=f"c{number}", branch=f"z9hG4bKb{number}", to_tag="b1"))
        bye = world.take()[-1]
        world.receive(response(bye, 200))
        world.take()
    one(0)
    world.pass_time(100)
    gc.collect()
    gc.disable()
    try:
        for number in range(1, 200):
            one(number)
            if number % 7 == 0:  # some fail, some are cancelled
                same = {"call_id": f"f{number}", "branch": f"z9hG4bKf{number}"}
                world.receive(response(call(world, **same), 486))
                world.receive(request("ACK", world=world, to_tag="b1", **same))
                world.take()
        world.pass_time(200)
        assert len(world.layer) == 0 and not world.layer.clients and not world.layer.cancels and len(world.timers) == 0
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_transaction_that_only_waiting_opened_goes_with_the_route(world):
    world.script = world.layer.prepare_wait
    world.receive(request(world=world))
    assert len(world.layer) == 0 and world.take() == []
    world.pass_time(1)
    assert world.take() == []


def test_failure_after_waiting_is_answered_as_if_the_script_had_opened_nothing(world):
    def route(run):
        world.layer.prepare_wait(run)
        world.relay(run)
    world.script = route
    world.receive(request("OPTIONS", world=world, uri="sip:nobody.example"))
    assert world.lines() == ["478 192.0.2.1"] and world.code == 0


def test_identifiers_lead_to_their_transaction(world):
    transaction = world.layer.open(request(world=world))
    identifier = world.layer.identify(transaction)
    assert world.layer.ids[identifier] is transaction and world.layer.identify(transaction) == identifier
    assert world.slots.slot_of(identifier) == world.slots.slot_of_call_id("call-1")
    world.layer.end(transaction)
    assert identifier not in world.layer.ids
