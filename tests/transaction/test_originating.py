"""Requests of our own."""
from __future__ import annotations

import pytest

from opensips_py.sip import address_key
from opensips_py.transaction import NoUser
from tests.transaction.world import Target, World, response

PARTIES = {"from_": "<sip:us@192.0.2.9>;tag=u1", "to": "<sip:bob@192.0.2.2>", "call_id": "own-1"}


@pytest.fixture
def world():
    return World()


def originate(world, method="OPTIONS", uri="sip:bob@192.0.2.2", **how):
    world.reported = []
    return world.layer.originate(method, uri, report=lambda t, branch, response, status: world.reported.append(status),
                                 **{**PARTIES, **how})


def test_request_leaves_under_our_via_and_its_response_is_reported(world):
    originate(world, headers=b"X-One: 1\r\n", body=b"hello", content_type="text/plain")
    sent = world.only()
    assert len(sent.vias) == 1 and sent.top_via.host == "192.0.2.9" and sent.body == b"hello"
    assert sent.header("X-One") == "1" and sent.via_branch in world.layer.clients
    world.receive(response(sent, 200))
    assert world.reported == [200] and world.take() == []
    world.pass_time(6)
    assert len(world.layer) == 0


def test_silence_is_reported(world):
    originate(world)
    world.pass_time(31)
    assert world.reported == [408] and len(world.layer) == 0


def test_failover_takes_the_next_address(world):
    world.network.hosts["bob.example"] = [Target("udp", address_key(f"10.0.0.{n}", 5060)) for n in (1, 2)]
    originate(world, uri="sip:bob.example")
    first = world.only()
    world.receive(response(first, 503))
    second = world.only()
    assert world.places == [("10.0.0.2", 5060)] and len(second.vias) == 1
    assert second.via_branch != first.via_branch
    world.receive(response(second, 200))
    assert world.reported == [200]


def test_invite_is_acknowledged_through_the_route_set(world):
    originate(world, "INVITE")
    invite = world.only()
    world.receive(response(invite, 180))
    ok = response(invite, 200, headers="Contact: <sip:bob@10.0.0.5>\r\nRecord-Route: <sip:10.0.0.7;lr>\r\n")
    world.receive(ok)
    ack = world.only()
    assert ack.method == "ACK" and ack.uri == "sip:bob@10.0.0.5" and ack.header("Route") == "<sip:10.0.0.7;lr>"
    assert world.places == [("10.0.0.7", 5060)] and ack.to_tag == "b1" and ack.via_branch != invite.via_branch
    world.receive(ok)
    assert world.only().data == ack.data
    assert world.reported == [180, 200, 200]


def test_invite_can_be_cancelled(world):
    transaction = originate(world, "INVITE")
    invite = world.only()
    world.receive(response(invite, 180))
    world.layer.cancel(transaction, b"Reason: SIP;cause=480\r\n")
    cancel = world.only()
    assert cancel.method == "CANCEL" and cancel.header("Reason") == "SIP;cause=480"
    world.receive(response(invite, 487))
    assert world.reported == [180, 487] and world.only().method == "ACK"


def test_unresolvable_request_is_not_sent(world):
    assert originate(world, uri="sip:nowhere.example") is None
    assert len(world.layer) == 0 and world.reported == []


class Local(NoUser):
    """A local route that changes what leaves."""

    def run_local_route(self, transaction, branch):
        transaction.request.append_header("X-Local: yes\r\n")
        transaction.request.uri = "sip:bob@10.0.0.4"
        return True


def test_local_route_may_change_the_request():
    world = World(Local())
    originate(world)
    sent = world.only()
    assert sent.header("X-Local") == "yes" and sent.uri == "sip:bob@10.0.0.4"
    assert world.places == [("10.0.0.4", 5060)]


def test_next_hop_and_headers_of_the_transaction(world):
    originate(world, next_hop="sip:10.0.0.3:5080", path="<sip:10.0.0.3:5080;lr>")
    sent = world.only()
    assert world.places == [("10.0.0.3", 5080)] and sent.header("Route") == "<sip:10.0.0.3:5080;lr>"
