"""CANCEL from the client, at every moment."""
from __future__ import annotations

import pytest

from opensips_py.transaction import Fault, Flags
from tests.transaction.world import World, request, response


@pytest.fixture
def world():
    return World()


def call(world):
    world.receive(request(world=world))
    return world.take()[-1]


def cancel(world, headers="", flags=0):
    def route(run):
        world.code = world.layer.relay(run, flags)
    world.script = route
    world.receive(request("CANCEL", world=world, headers=headers))


def test_cancel_after_ringing(world):
    invite = call(world)
    world.receive(response(invite, 180))
    world.take()
    cancel(world)
    ok, sent = world.take()
    assert ok.status == 200 and ok.cseq_method == "CANCEL" and ok.to_tag
    assert sent.method == "CANCEL" and sent.via_branch == invite.via_branch
    world.receive(response(sent, 200))
    world.receive(response(invite, 487))
    assert world.lines() == ["ACK 192.0.2.2", "487 192.0.2.1"]
    world.receive(request("ACK", world=world, to_tag="b1"))
    world.pass_time(40)
    assert len(world.layer) == 0 and not world.layer.cancels and not world.layer.clients


def test_cancel_again_is_answered_again(world):
    call(world)
    cancel(world)
    assert world.lines() == ["200 192.0.2.1"]
    assert world.receive(request("CANCEL", world=world))
    assert world.lines() == ["200 192.0.2.1"]


def test_cancel_before_ringing_waits_for_it(world):
    invite = call(world)
    cancel(world)
    assert world.lines() == ["200 192.0.2.1"]
    world.pass_time(0.6)
    assert world.lines() == ["INVITE 192.0.2.2"]  # goes on: the callee must learn of the call to hear of its end
    world.receive(response(invite, 180))
    assert world.lines()[-1] == "CANCEL 192.0.2.2"
    world.receive(response(invite, 487))
    assert world.lines() == ["ACK 192.0.2.2", "487 192.0.2.1"]


def test_cancel_is_retransmitted(world):
    invite = call(world)
    world.receive(response(invite, 180))
    cancel(world)
    world.take()
    world.pass_time(0.6)
    assert world.lines() == ["CANCEL 192.0.2.2"]
    world.receive(response(request_like(invite, "CANCEL"), 200))
    world.pass_time(20)
    assert world.take() == []


def request_like(invite, method):
    from opensips_py.sip import parse
    return parse(invite.data.replace(b"INVITE", method.encode()))


def test_silence_after_a_cancel_becomes_487(world):
    invite = call(world)
    world.receive(response(invite, 180))
    cancel(world)
    world.take()
    world.pass_time(31)
    assert "487 192.0.2.1" in world.lines()


def test_answer_that_crosses_the_cancel_is_forwarded(world):
    invite = call(world)
    world.receive(response(invite, 180))
    cancel(world)
    world.take()
    world.receive(response(invite, 200))
    assert world.lines() == ["200 192.0.2.1"]


def test_cancel_after_the_final_response_is_only_answered(world):
    world.receive(response(call(world), 200))
    world.take()
    cancel(world)
    assert world.lines() == ["200 192.0.2.1"]


def test_cancel_before_relaying_answers_487(world):
    def route(run):
        world.layer.prepare_wait(run)
        inner = world.script
        cancel(world)
        world.script = inner
        world.code = world.layer.relay(run)
    world.script = route
    world.receive(request(world=world))
    assert [line for line in world.lines() if not line.startswith("100")] == ["200 192.0.2.1", "487 192.0.2.1"]


def test_relaying_after_a_cancel_fails(world):
    def route(run):
        transaction = world.layer.new_transaction(run)
        transaction.cancelled = True
        world.code = world.layer.relay(run)
    world.script = route
    world.receive(request(world=world))
    assert world.code == Fault.NO_DESTINATION


def test_cancel_of_an_unknown_call_travels_on(world):
    world.receive(request("CANCEL", world=world))
    assert world.lines() == ["CANCEL 192.0.2.2"]


def test_reason_is_passed_on_when_told_so(world):
    reason = 'Reason: SIP;cause=200;text="Call completed elsewhere"\r\n'
    invite = call(world)
    world.receive(response(invite, 180))
    world.take()
    cancel(world, reason, Flags.PASS_REASON)
    assert world.take()[1].header("Reason").startswith("SIP;cause=200")


def test_reason_is_not_passed_on_unasked(world):
    world.receive(response(call(world), 180))
    world.take()
    cancel(world, "Reason: SIP;cause=200\r\n")
    assert world.take()[1].header("Reason") == 'SIP;cause=487;text="ORIGINATOR_CANCEL"'
