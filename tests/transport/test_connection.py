"""Streams: framing, keep-alives, write queues and times, over real connections."""
from __future__ import annotations

import itertools
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent
import pytest

from opensips_py.errors import TransportError
from opensips_py.sip import address_key
from opensips_py.transport import Listener, Target
from tests.transport.conftest import World, until

Worlds = Callable[..., World]


def message(name: str = "one", body: bytes = b"") -> bytes:
    head = f"MESSAGE sip:{name}@x SIP/2.0\r\nCall-ID: {name}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def dial(listener: Listener) -> socket.socket:
    made = socket.create_connection((listener.host, listener.port), timeout=5)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setblocking(False)
    return made


class Phone:
    """The other end of a connection; collects what arrives."""

    def __init__(self, made: socket.socket) -> None:
        self.socket = made
        self.data = b""
        self.ended = False

    @property
    def key(self) -> int:
        host, port = self.socket.getsockname()[:2]
        return address_key(host, port)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self) -> bytes:
        try:
            while True:
                more = self.socket.recv(1 << 20)
                if not more:
                    self.ended = True
                    break
                self.data += more
        except BlockingIOError:
            pass
        except ConnectionResetError:
            self.ended = True
        return self.data

    def until(self, expected: bytes) -> None:
        until(lambda: self.read() == expected)

    def until_ended(self) -> None:
        until(lambda: self.read() is not None and self.ended)


@pytest.fixture
def phone(world: World) -> Phone:
    listener = world.listen("tcp")
    world.transports.start()
    return Phone(dial(listener))


def started(worlds: Worlds, **settings: Any) -> tuple[World, Phone]:
    world = worlds(**settings)
    listener = world.listen("tcp")
    world.transports.start()
    return world, Phone(dial(listener))


def texts(world: World) -> list[bytes]:
    return [entry[0] for entry in world.messages]


def test_many_messages_of_one_read_arrive_one_by_one(world: World, phone: Phone) -> None:
    sent = [message(str(i), b"x" * i) for i in range(200)]
    phone.send(b"".join(sent))
    until(lambda: len(world.messages) == 200)
    assert texts(world) == sent
    _, key, listener, connection = world.messages[0]
    assert key == phone.key and listener.protocol == "tcp" and connection.key == key


def test_a_message_may_come_byte_by_byte(world: World, phone: Phone) -> None:
    for byte in message("slow"):
        phone.send(bytes([byte]))
        gevent.sleep(0)
    until(lambda: world.messages)
    assert texts(world) == [message("slow")]


def test_answers_go_back_over_the_connection(world: World, phone: Phone) -> None:
    reports: list[Any] = []
    world.answer = lambda connection, data: connection.send(b"answer", reports.append)
    phone.send(message())
    phone.until(b"answer")
    until(lambda: reports == [None])


def test_what_one_turn_sends_leaves_in_order(world: World, phone: Phone) -> None:
    world.answer = lambda connection, data: [connection.send(b"%03d" % i) for i in range(100)]
    phone.send(message())
    phone.until(b"".join(b"%03d" % i for i in range(100)))


def test_keepalives_are_answered_also_between_messages(world: World, phone: Phone) -> None:
    phone.send(b"\r\n\r\n" + message() + b"\r\n\r\n")
    phone.until(b"\r\n\r\n")
    assert texts(world) == [message()]
    assert world.transports.counters.pings.value == 2  # type: ignore[attr-defined]


def test_keepalives_stay_unanswered_where_told(worlds: Worlds) -> None:
    world, phone = started(worlds, tcp_crlf_pingpong=False)
    world.answer = lambda connection, data: connection.send(b"answer")
    phone.send(b"\r\n\r\n" + message())
    phone.until(b"answer")


@pytest.mark.parametrize("length", [b"-1", b"abc", b"5\r\nContent-Length: 6"])
def test_a_length_nobody_can_trust_ends_the_stream_after_its_answer(world: World, phone: Phone, length: bytes) -> None:
    faults: list[str | None] = []

    def answer(connection: Any, data: bytes) -> None:
        faults.append(connection.fault)
        connection.send(b"400" if connection.fault else b"200")

    world.answer = answer
    broken = b"MESSAGE sip:x SIP/2.0\r\nContent-Length: " + length + b"\r\n\r\n"
    phone.send(message() + broken + message("never"))
    phone.until_ended()
    assert phone.data == b"200400"
    assert texts(world) == [message(), broken]
    assert faults[0] is None and faults[1] is not None
    assert list(world.transports.connections()) != []  # until the peer ends: a reset could overtake the answer
    phone.socket.close()
    until(lambda: world.closed)
    assert world.transports.counters.broken.value == 1  # type: ignore[attr-defined]


def test_a_broken_stream_nobody_answers_ends_by_itself(world: World, phone: Phone) -> None:
    phone.send(b"MESSAGE sip:x SIP/2.0\r\nContent-Length: -1\r\n\r\n")
    until(lambda: world.messages)
    assert not world.closed
    world.pass_time(1.1)
    phone.until_ended()


def test_garbage_ends_the_stream(world: World, phone: Phone) -> None:
    phone.send(b"GET / HTTP/1.1\r\n\r\n")
    phone.until_ended()
    assert world.messages == [] and world.closed == ["not SIP"]


def test_too_long_a_message_ends_the_stream(worlds: Worlds) -> None:
    world, phone = started(worlds, tcp_max_message=10000)
    phone.send(b"MESSAGE sip:x SIP/2.0\r\nContent-Length: 10001\r\n\r\n")
    phone.until_ended()
    assert world.closed == ["message longer than allowed"]


def test_a_peer_that_ends_its_half_still_gets_its_answer(world: World, phone: Phone) -> None:
    phone.send(message())
    phone.socket.shutdown(socket.SHUT_WR)
    until(lambda: world.messages)
    connection = world.messages[0][3]
    until(lambda: not connection.is_reusable)
    assert connection.is_open
    connection.send(b"answer")
    phone.until_ended()
    assert phone.data == b"answer"


def test_a_peer_that_hangs_up_is_forgotten(world: World, phone: Phone) -> None:
    phone.send(b"\r\n\r\n")
    phone.until(b"\r\n")
    phone.socket.close()
    until(lambda: world.closed)
    assert list(world.transports.connections()) == []
    assert world.transports.find_connection("tcp", 0) is None


# Times

def test_an_idle_connection_is_closed_after_its_life_time(world: World, phone: Phone) -> None:
    phone.send(message())
    until(lambda: world.messages)
    world.pass_time(119)
    assert not world.closed
    phone.send(message("again"))
    until(lambda: len(world.messages) == 2)
    world.pass_time(119)
    assert not world.closed
    world.pass_time(2)
    assert world.closed == ["idle"]
    phone.until_ended()


def test_a_connection_may_be_kept_for_the_time_of_a_binding(world: World, phone: Phone) -> None:
    phone.send(message())
    until(lambda: world.messages)
    world.messages[0][3].keep(3600)
    world.pass_time(121)
    world.pass_time(3400)
    assert not world.closed
    world.pass_time(200)
    assert world.closed == ["idle"]


def test_a_message_that_does_not_become_complete_ends_the_connection(world: World, phone: Phone) -> None:
    phone.send(message()[:30])
    until(lambda: [c for c in world.transports.connections() if c.framer.pending])
    world.pass_time(3.9)
    phone.send(message()[30:31])  # a byte now and then does not help
    until(lambda: [c for c in world.transports.connections() if c.framer.pending == 31])
    assert not world.closed
    world.pass_time(0.2)
    assert world.closed == ["a message took too long to arrive"]
    assert world.transports.counters.slow.value == 1  # type: ignore[attr-defined]


def test_the_time_of_the_next_message_begins_with_its_first_byte(world: World, phone: Phone) -> None:
    phone.send(message()[:10])
    until(lambda: [c for c in world.transports.connections() if c.framer.pending])
    world.pass_time(3)
    phone.send(message()[10:] + message("two")[:10])
    until(lambda: world.messages)
    world.pass_time(3)
    assert not world.closed
    phone.send(message("two")[10:])
    until(lambda: len(world.messages) == 2)
    world.pass_time(10)
    assert not world.closed


@pytest.mark.parametrize(("pieces", "closes"), [(4, False), (5, True)])
def test_a_message_may_come_in_so_many_pieces(world: World, phone: Phone, pieces: int, closes: bool) -> None:
    data = message("pieces")
    cuts = [len(data) * i // pieces for i in range(pieces + 1)]

    def arrived(size: int) -> bool:
        return bool(world.messages or world.closed
                    or [each for each in world.transports.connections() if each.framer.pending == size])

    for start, end in itertools.pairwise(cuts):
        phone.send(data[start:end])
        until(partial(arrived, end))
        world.pass_time(0.1)
    assert bool(world.closed) == closes and bool(world.messages) != closes


# Writing

def stalled(world: World, phone: Phone) -> Any:
    """A connection whose peer reads nothing, filled until the kernel takes no more."""
    phone.send(message())
    until(lambda: world.messages)
    connection = world.messages[0][3]
    while not connection.blocked_at:
        world.time += 0.001
        world.wheel.advance(world.time)
        connection.send(b"x" * 65536)
        connection.flush()
    return connection


def test_a_peer_that_does_not_read_is_given_up_when_its_queue_is_full(world: World, phone: Phone) -> None:
    connection = stalled(world, phone)
    reports: list[Any] = []
    while connection.is_open:
        connection.send(b"y" * 1000, reports.append)
    until(lambda: len(reports) >= 32)
    assert all(isinstance(report, TransportError) for report in reports)
    assert world.closed == ["the peer does not read"]
    assert world.transports.counters.queue_full.value == 1  # type: ignore[attr-defined]


def test_a_peer_that_reads_again_gets_everything(world: World, phone: Phone) -> None:
    connection = stalled(world, phone)
    reports: list[Any] = []
    connection.send(b"the end", reports.append)
    assert connection.queued > 1
    until(lambda: phone.read().endswith(b"the end"))
    until(lambda: reports == [None])
    assert not world.closed and connection.queued == 0 and connection.blocked_at == 0


def test_more_answers_than_a_queue_holds_leave_after_what_precedes_sending(world: World, phone: Phone) -> None:
    phone.send(message())
    until(lambda: world.messages)
    connection = world.messages[0][3]
    heard: list[bytes] = []
    world.transports.loop_end.precede(lambda: heard.append(phone.read()))
    while not heard:
        connection.send(b"an answer")
    assert heard == [b""]
    until(lambda: b"an answer" in phone.read())


def test_a_short_stall_ends_a_connection_that_is_to_be_written_at_once(worlds: Worlds) -> None:
    world, phone = started(worlds, tcp_async=False, tcp_send_timeout=0.1)
    stalled(world, phone)
    world.pass_time(0.2)
    assert world.closed == ["the peer does not read"]


def test_a_stall_is_borne_otherwise(world: World, phone: Phone) -> None:
    stalled(world, phone)
    world.pass_time(10)
    assert not world.closed


def test_sending_to_a_closed_connection_is_reported(world: World, phone: Phone) -> None:
    phone.send(message())
    until(lambda: world.messages)
    connection = world.messages[0][3]
    connection.close()
    reports: list[Any] = []
    connection.send(b"late", reports.append)
    assert reports == []  # never while the sender is still busy
    until(lambda: reports)
    assert isinstance(reports[0], TransportError)


def test_an_error_of_the_reader_closes_that_connection_alone(world: World, phone: Phone) -> None:
    other = Phone(dial(world.transports.listeners[0]))

    def fail(connection: Any, data: bytes) -> None:
        if b"bad" in data:
            raise RuntimeError("a module went mad")

    world.answer = fail
    phone.send(message("bad"))
    phone.until_ended()
    other.send(message("good"))
    until(lambda: message("good") in texts(world))


def test_writing_to_a_peer_that_reset_the_connection(world: World, phone: Phone) -> None:
    phone.send(message())
    until(lambda: world.messages)
    connection = world.messages[0][3]
    phone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    phone.socket.close()
    reports: list[Any] = []
    connection.send(b"late", reports.append)
    connection.flush()
    until(lambda: reports and world.closed)
    assert isinstance(reports[0], TransportError)


def test_a_target_names_its_connection(world: World, phone: Phone) -> None:
    phone.send(message())
    until(lambda: world.messages)
    _, _, listener, connection = world.messages[0]
    world.transports.send(Target("tcp", address_key("127.0.0.1", 1), listener, connection), b"answer")
    phone.until(b"answer")
