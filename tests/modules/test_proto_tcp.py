"""What proto_tcp's parameters change, seen on real connections."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from opensips_py.sip import Uri
from opensips_py.transport import Resolver
from tests.modules.loaded import loaded
from tests.transport.conftest import World, until
from tests.transport.test_connection import Phone, dial, message, stalled

Start = Callable[..., tuple[World, Phone]]


@pytest.fixture
def start() -> Iterator[Start]:
    """A server with these parameters of the module, and a phone connected to it."""
    worlds: list[World] = []

    def make(**parameters: Any) -> tuple[World, Phone]:
        world = World()
        worlds.append(world)
        listener = world.listen("tcp")
        module = loaded("proto_tcp", **parameters)
        module.services = SimpleNamespace(transports=world.transports)
        module.start()
        world.transports.start()
        return world, Phone(dial(listener))

    yield make
    for each in worlds:
        each.close()


def test_destinations_without_a_port_get_the_default_one(start: Start) -> None:
    world, _ = start(tcp_port=5065)
    target = Resolver(world.transports).literal(Uri.parse("sip:127.0.0.1;transport=tcp"))
    assert str(target) == "tcp:127.0.0.1:5065"


@pytest.mark.parametrize(("answered", "expected"), [(True, b"\r\npong"), (False, b"pong")])
def test_keepalives(start: Start, answered: bool, expected: bytes) -> None:
    world, phone = start(tcp_crlf_pingpong=answered)
    world.answer = lambda connection, data: connection.send(b"pong")
    phone.send(b"\r\n\r\n" + message())
    phone.until(expected)


def test_a_single_line_end_is_no_message_and_no_keepalive(start: Start) -> None:
    for drop in (False, True):
        world, phone = start(tcp_crlf_drop=drop)
        world.answer = lambda connection, data: connection.send(b"pong")
        phone.send(b"\r\n" + message())
        phone.until(b"pong")


@pytest.mark.parametrize(("limit", "closes"), [(2, True), (3, False)])
def test_pieces_of_a_message(start: Start, limit: int, closes: bool) -> None:
    world, phone = start(tcp_max_msg_chunks=limit)
    data = message()

    def arrived(size: int) -> bool:
        return bool(world.messages or world.closed
                    or [each for each in world.transports.connections() if each.framer.pending == size])

    for end in (20, 40, len(data)):
        phone.send(data[end - 20 if end < len(data) else 40:end])
        until(partial(arrived, end))
        world.pass_time(0.1)
        if world.closed:
            break
    assert bool(world.closed) == closes and bool(world.messages) != closes


def test_how_many_messages_wait_for_a_peer_that_does_not_read(start: Start) -> None:
    world, phone = start(tcp_async_max_postponed_chunks=100)
    connection = stalled(world, phone)
    waiting = connection.queued
    for _ in range(100 - waiting):
        connection.send(b"x")
    assert connection.queued == 100 and connection.is_open
    connection.send(b"x")
    assert world.closed == ["the peer does not read"]


@pytest.mark.parametrize(("tcp_async", "closed"), [(False, ["the peer does not read"]), (True, [])])
def test_how_long_a_peer_may_not_read(start: Start, tcp_async: bool, closed: list[str]) -> None:
    world, phone = start(tcp_async=tcp_async, tcp_send_timeout=500)
    stalled(world, phone)
    world.pass_time(0.4)
    assert world.closed == []
    world.pass_time(0.2)
    assert world.closed == closed


def test_times_of_blocking_calls_are_accepted(start: Start) -> None:
    world, phone = start(tcp_async_local_connect_timeout=1, tcp_async_local_write_timeout=1)
    world.answer = lambda connection, data: connection.send(b"pong")
    phone.send(message())
    phone.until(b"pong")
