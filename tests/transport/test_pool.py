"""Connections of a worker: accepted, opened, found again."""
from __future__ import annotations

import gc
import os
import resource
import socket
from collections.abc import Callable
from typing import Any

import pytest

from opensips_py.errors import TransportError
from opensips_py.sip import address_key, scan
from opensips_py.transport import Connection, Target
from tests.transport.conftest import World, until
from tests.transport.test_connection import Phone, dial, message

Worlds = Callable[..., World]


def tcp_server(host: str = "127.0.0.1", backlog: int = 5) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.bind((host, 0))
    made.listen(backlog)
    made.setblocking(False)
    return made


def key(of: socket.socket) -> int:
    host, port = of.getsockname()[:2]
    return address_key(host, port)


def accepted(server: socket.socket) -> Phone:
    found: list[socket.socket] = []

    def accept() -> bool:
        try:
            found.append(server.accept()[0])
        except BlockingIOError:
            return False
        return True

    until(accept)
    found[0].setblocking(False)
    return Phone(found[0])


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_connection_is_opened_once_and_used_both_ways(world: World, host: str) -> None:
    world.listen("tcp", host)
    reports: list[Any] = []
    with tcp_server(host) as server:
        for each in (b"one", b"two"):
            world.transports.send(Target("tcp", key(server)), each, reports.append)
        phone = accepted(server)
        phone.until(b"onetwo")
        until(lambda: reports == [None, None])
        world.transports.send(Target("tcp", key(server)), b"three")
        phone.until(b"onetwothree")
        phone.send(message())
        until(lambda: world.messages)
        assert world.messages[0][1] == key(server)
        assert len(list(world.transports.connections())) == 1
        assert phone.socket.getpeername()[0] == host


def test_a_refused_connection_is_reported(world: World) -> None:
    world.listen("tcp")
    with tcp_server() as server:
        nobody = key(server)
    reports: list[Any] = []
    world.transports.send(Target("tcp", nobody), b"x", reports.append)
    assert reports == []
    until(lambda: reports)
    assert "refused" in str(reports[0]).lower()
    assert world.transports.counters.unconnected.value == 1  # type: ignore[attr-defined]


def test_a_connection_that_does_not_come_about_in_time_is_given_up(worlds: Worlds) -> None:
    world = worlds(tcp_connect_timeout=0.5)
    world.listen("tcp")
    with tcp_server(backlog=0) as server:
        filler = [socket.socket() for _ in range(4)]  # the queue is full: further ones get no answer
        for each in filler:
            each.setblocking(False)
            each.connect_ex(server.getsockname())
        reports: list[Any] = []
        world.transports.send(Target("tcp", key(server)), b"x", reports.append)
        world.pass_time(0.4)
        assert reports == []
        world.pass_time(0.2)
        until(lambda: reports)
        assert "no connection in time" in str(reports[0])
        for each in filler:
            each.close()


def test_no_connection_is_opened_where_none_may_be(world: World) -> None:
    world.listen("tcp")
    with tcp_server() as server:
        with pytest.raises(TransportError, match="none may be opened"):
            world.transports.send(Target("tcp", key(server), may_connect=False), b"x")
        world.transports.send(Target("tcp", key(server)), b"x")
        world.transports.send(Target("tcp", key(server), may_connect=False), b"y")
        accepted(server).until(b"xy")


def test_no_listener_no_sending(world: World) -> None:
    world.listen("udp")
    with pytest.raises(TransportError, match="no tcp listener"):
        world.transports.send(Target("tcp", address_key("127.0.0.1", 5060)), b"x")


def test_requests_find_the_connection_that_a_phone_opened(world: World) -> None:
    listener = world.listen("tcp")
    world.transports.start()
    phone = Phone(dial(listener))
    phone.send(message())
    until(lambda: world.messages)
    world.transports.send(Target("tcp", phone.key), b"request")
    phone.until(b"request")


def test_an_alias_leads_over_the_same_connection_until_it_closes(world: World) -> None:
    listener = world.listen("tcp")
    world.transports.start()
    phone = Phone(dial(listener))
    phone.send(message())
    until(lambda: world.messages)
    connection = world.messages[0][3]
    via = address_key("127.0.0.1", 5099)
    assert world.transports.find_connection("tcp", via) is None
    connection.alias(5099)
    world.transports.send(Target("tcp", via), b"request")
    phone.until(b"request")
    connection.close()
    assert world.transports.find_connection("tcp", via) is None


@pytest.mark.parametrize(("setting", "via", "expected"), [
    (True, b"x:5099;branch=z9hG4bK1;alias", 5099), (True, b"x;alias;branch=z9hG4bK1", 5060),
    (True, b"x:5099;branch=z9hG4bK1", None), (False, b"x:5099;branch=z9hG4bK1;alias", None)])
def test_an_alias_in_via_counts_where_aliases_are_accepted(worlds: Worlds, setting: bool, via: bytes,
                                                           expected: int | None) -> None:
    world = worlds(tcp_accept_aliases=setting)
    listener = world.listen("tcp")
    world.transports.start()
    world.answer = lambda connection, data: world.transports.accept_alias(
        scan(data, listener, connection.key, connection))  # type: ignore[arg-type]
    phone = Phone(dial(listener))
    phone.send(b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP " + via + b"\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x>\r\n"
               b"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
    until(lambda: world.messages)
    connection = world.messages[0][3]
    assert connection.aliases == ([] if expected is None else [address_key("127.0.0.1", expected)])


def test_a_later_connection_takes_an_address_over_and_keeps_it(world: World) -> None:
    listener = world.listen("tcp")
    world.transports.start()
    first, second = Phone(dial(listener)), Phone(dial(listener))
    for phone in (first, second):
        phone.send(message())
    until(lambda: len(world.messages) == 2)
    connections = [entry[3] for entry in world.messages]
    for each in connections:
        each.alias(5099)
    connections[0].close()
    assert world.transports.find_connection("tcp", address_key("127.0.0.1", 5099)) is connections[1]


def test_connections_beyond_the_limit_are_refused(worlds: Worlds) -> None:
    world = worlds(tcp_max_connections=2)
    listener = world.listen("tcp")
    world.transports.start()
    phones = [Phone(dial(listener)) for _ in range(3)]
    phones[2].until_ended()
    assert world.transports.counters.refused.value == 1  # type: ignore[attr-defined]
    phones[0].socket.close()
    until(lambda: world.closed)
    phones[1].send(message())
    until(lambda: world.messages)
    another = Phone(dial(listener))
    another.send(message())
    until(lambda: len(world.messages) == 2)


def test_without_descriptors_connections_are_refused_and_work_goes_on(world: World) -> None:
    listener = world.listen("tcp")
    phones = [socket.socket() for _ in range(2)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    probe = os.dup(0)
    os.close(probe)
    for each in phones:
        each.connect((listener.host, listener.port))
    resource.setrlimit(resource.RLIMIT_NOFILE, (probe, hard))
    try:
        world.transports.start()
        until(lambda: world.transports.counters.refused.value == 2)  # type: ignore[attr-defined]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    phone = Phone(dial(listener))
    phone.send(message())
    until(lambda: world.messages)


def test_connections_are_closed_by_id_or_address(world: World) -> None:
    listener = world.listen("tcp")
    world.transports.start()
    phones = [Phone(dial(listener)) for _ in range(3)]
    for phone in phones:
        phone.send(message())
    until(lambda: len(world.messages) == 3)
    close = world.transports.close_connection
    by_key = {entry[1]: entry[3] for entry in world.messages}
    ports = [phone.socket.getsockname()[1] for phone in phones]
    assert close(str(by_key[phones[0].key].id))
    assert close(f"127.0.0.1:{ports[1]}")
    assert close(f"tcp:127.0.0.1:{ports[2]}")
    assert not close(f"tcp:127.0.0.1:{ports[2]}") and not close("99999")
    with pytest.raises(TransportError):
        close("somewhere")
    for phone in phones:
        phone.until_ended()


def test_a_listener_may_lend_its_port_to_connections_that_we_open(world: World) -> None:
    listener = world.listen("tcp", options={"reuse_port": True})
    with tcp_server() as server:
        world.transports.send(Target("tcp", key(server)), b"x")
        assert accepted(server).socket.getpeername() == ("127.0.0.1", listener.port)


def test_keepalive_and_type_of_service_are_set_on_both_kinds_of_connection(worlds: Worlds) -> None:
    world = worlds(tos=0x10, tcp_keepidle=77)
    listener = world.listen("tcp")
    world.transports.start()
    phone = Phone(dial(listener))
    phone.send(message())
    with tcp_server() as server:
        world.transports.send(Target("tcp", key(server)), b"x")
        accepted(server)
        until(lambda: world.messages)
        for each in world.transports.connections():
            with socket.socket(fileno=os.dup(each.fd)) as probe:
                assert probe.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 0x10
                assert probe.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
                assert probe.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 77
                assert probe.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_stopping_accepts_no_more_but_serves_what_stands(world: World) -> None:
    listener = world.listen("tcp")
    world.transports.start()
    phone = Phone(dial(listener))
    phone.send(message())
    until(lambda: world.messages)
    world.transports.stop()
    world.transports.send(Target("tcp", phone.key), b"bye")
    phone.until(b"bye")
    late = Phone(dial(listener))  # the kernel accepts it; we do not
    late.send(message("late"))
    phone.send(message("two"))
    until(lambda: len(world.messages) == 2)
    assert world.messages[1][0] == message("two")


def connections() -> list[Connection]:
    """All that there are in this process, with those that other tests have left."""
    return [each for each in gc.get_objects() if isinstance(each, Connection)]


def test_connections_that_ended_leave_nothing_behind(world: World) -> None:
    listener = world.listen("tcp")
    world.transports.start()
    world.answer = lambda connection, data: connection.send(b"answer")
    gc.collect()
    gc.disable()
    before = connections()
    try:
        for _ in range(50):
            phone = Phone(dial(listener))
            phone.send(message())
            phone.until(b"answer")
            phone.socket.close()
        until(lambda: len(world.closed) == 50)
        world.messages.clear()
        del phone
        assert [each for each in connections() if each not in before] == []
    finally:
        gc.enable()
