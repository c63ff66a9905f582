"""ICMP errors: who waits for an address that cannot be reached is told so."""
import errno

import pytest

from opensips_py.sip import address_key
from opensips_py.transaction.unreachable import PAUSE, Unreachable
from tests.transaction.world import World, request, response


@pytest.fixture
def world():
    made = World()
    made.unreachable = Unreachable(made.layer)
    return made


def report(world, host, error=errno.ECONNREFUSED):
    return world.unreachable.report(world.network.udp, address_key(host, 5060), error)


def test_a_request_to_a_dead_host_fails_long_before_its_timer(world):
    world.receive(request(world=world))
    world.take()
    assert report(world, "192.0.2.2")
    world.pass_time(PAUSE)
    assert world.lines() == ["500 192.0.2.1"]


def test_errors_of_the_same_address_are_news_once(world):
    world.receive(request(world=world))
    assert [report(world, "192.0.2.2"), report(world, "192.0.2.2"), report(world, "192.0.2.3")] == [True, False, True]
    world.pass_time(PAUSE)
    assert report(world, "192.0.2.2")


@pytest.mark.parametrize(("host", "error"), [("192.0.2.3", errno.ECONNREFUSED), ("192.0.2.2", errno.EMSGSIZE)])
def test_other_addresses_and_large_datagrams_change_nothing(world, host, error):
    world.receive(request(world=world))
    world.take()
    report(world, host, error)
    world.pass_time(PAUSE)
    assert world.lines() == []


def test_whoever_has_answered_is_there(world):
    world.receive(request(world=world))
    [_, sent] = world.take()
    world.receive(response(sent, 180))
    world.take()
    report(world, "192.0.2.2")
    world.pass_time(PAUSE)
    assert world.lines() == []


def test_what_was_due_to_be_repeated_when_it_failed_is_not(world):
    world.receive(request(world=world))
    [branch] = world.layer.clients.values()
    report(world, "192.0.2.2")
    world.pass_time(PAUSE)
    world.take()
    world.layer.retransmit(branch)  # had fired in the same turn of the wheel
    assert world.lines() == []
