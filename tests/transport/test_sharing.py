"""Two workers that use each other's connections, over the links that workers have."""
from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import gevent
import pytest

from opensips_py.errors import TransportError
from opensips_py.server.channel import pair
from opensips_py.server.links import Links
from opensips_py.sip import address_key
from opensips_py.state._words import Words
from opensips_py.transport import ConnectionGone, Directory, Sharing, Target
from tests.transport.conftest import World, until
from tests.transport.test_connection import Phone, dial, message
from tests.transport.test_pool import accepted, key, tcp_server

CAPACITY = 64


class Workers:
    """Worker 0 and worker 1 of one server."""

    def __init__(self) -> None:
        self.fd = os.memfd_create("directory")
        os.ftruncate(self.fd, Directory.size(CAPACITY) * 8)
        ends = [end.detach() for end in pair()]
        self.worlds = [World(), World()]
        self.links = [Links(i, {1 - i: ends[i]}, gevent.spawn) for i in (0, 1)]
        self.sharing = []
        for i, world in enumerate(self.worlds):
            world.listen("tcp")
            words = Words(self.fd, 0, Directory.size(CAPACITY))
            self.sharing.append(Sharing(world.transports, self.links[i], Directory(words, CAPACITY, i)))
            self.links[i].start()
            world.transports.start()

    def close(self) -> None:
        until(lambda: not any(each._waiting for each in self.sharing))
        gevent.sleep(0)
        for each in self.worlds:
            each.close()
        for link in self.links:
            link.close()
        os.close(self.fd)


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers()
    yield made
    made.close()


def phone_of(workers: Workers, worker: int) -> tuple[Phone, Any]:
    """A phone connected to *worker*, and its connection there."""
    world = workers.worlds[worker]
    phone = Phone(dial(world.transports.listeners[0]))
    phone.send(message())
    until(lambda: world.messages)
    return phone, world.messages[0][3]


def test_a_request_leaves_over_the_connection_of_the_other_worker(workers: Workers) -> None:
    phone, _ = phone_of(workers, 0)
    reports: list[Any] = []
    workers.worlds[1].transports.send(Target("tcp", phone.key), b"request", reports.append)
    phone.until(b"request")
    until(lambda: reports == [None])
    assert list(workers.worlds[1].transports.connections()) == []


def test_a_reply_goes_back_over_the_connection_that_the_request_came_by(workers: Workers) -> None:
    phone, connection = phone_of(workers, 0)
    world = workers.worlds[1]
    remote = world.transports.remote_connection(0, connection.id, phone.key, world.transports.listeners[0])
    world.transports.send(Target("tcp", phone.key, remote.listener, remote), b"reply")
    phone.until(b"reply")


def test_where_the_connection_is_gone_one_is_opened(workers: Workers) -> None:
    world = workers.worlds[1]
    reports: list[Any] = []
    with tcp_server() as server:
        remote = world.transports.remote_connection(0, 4711, key(server), world.transports.listeners[0])
        world.transports.send(Target("tcp", key(server), remote.listener, remote), b"reply", reports.append)
        accepted(server).until(b"reply")
    until(lambda: reports == [None])


def test_where_none_may_be_opened_the_loss_is_reported(workers: Workers) -> None:
    workers.sharing[0].directory.publish("tcp", address_key("127.0.0.1", 1), 4711)
    reports: list[Any] = []
    target = Target("tcp", address_key("127.0.0.1", 1), may_connect=False)
    workers.worlds[1].transports.send(target, b"request", reports.append)
    until(lambda: reports)
    assert isinstance(reports[0], TransportError)


def test_an_identifier_that_now_means_another_connection_is_not_written_to(workers: Workers) -> None:
    phone, connection = phone_of(workers, 0)
    reports: list[Any] = []
    workers.sharing[1].send(0, connection.id, phone.key + 1, b"for somebody else", reports.append)
    until(lambda: reports)
    assert isinstance(reports[0], ConnectionGone) and phone.read() == b""


def test_aliases_made_by_another_worker_count_for_all(workers: Workers) -> None:
    phone, connection = phone_of(workers, 0)
    world = workers.worlds[1]
    world.transports.remote_connection(0, connection.id, phone.key, world.transports.listeners[0]).alias(5099)
    until(lambda: connection.aliases)
    world.transports.send(Target("tcp", address_key("127.0.0.1", 5099)), b"request")
    phone.until(b"request")


def test_a_connection_is_kept_and_closed_from_another_worker(workers: Workers) -> None:
    phone, connection = phone_of(workers, 0)
    world = workers.worlds[1]
    remote = world.transports.remote_connection(0, connection.id, phone.key, world.transports.listeners[0])
    remote.keep(7200)
    until(lambda: connection.lifetime == 7200)
    remote.close()
    phone.until_ended()
    assert workers.sharing[1].directory.find("tcp", phone.key) is None


def test_a_worker_that_dies_leaves_no_sender_waiting(workers: Workers) -> None:
    phone, connection = phone_of(workers, 0)
    reports: list[Any] = []
    workers.links[0].close()
    workers.links[0] = Links(0, {}, gevent.spawn)
    workers.sharing[1].send(0, connection.id, phone.key, b"x", reports.append)
    workers.sharing[1].worker_lost(0)
    until(lambda: reports)
    assert isinstance(reports[0], ConnectionGone)


def test_a_worker_that_does_not_answer_is_not_waited_for_longer_than_5_seconds(workers: Workers) -> None:
    reports: list[Any] = []
    workers.links[0].on_send("stream.write", lambda peer, *arguments: None)
    workers.sharing[1].send(0, 1, 1, b"x", reports.append)
    workers.worlds[1].pass_time(4.9)
    gevent.sleep(0)
    assert reports == []
    workers.worlds[1].pass_time(0.2)
    until(lambda: reports)
    assert not isinstance(reports[0], ConnectionGone)


def test_a_worker_that_cannot_be_reached_is_told_at_once(workers: Workers) -> None:
    reports: list[Any] = []
    workers.sharing[1].send(5, 1, 1, b"x", reports.append)
    until(lambda: reports)
    assert "worker 5" in str(reports[0])
