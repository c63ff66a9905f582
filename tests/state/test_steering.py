"""The kernel chooses the same worker as we do."""
from __future__ import annotations

import random
import socket
from collections.abc import Iterator

import pytest

from opensips_py.state.slots import Slots
from opensips_py.state.steering import LONGEST_PROGRAM, attach, program

WORKERS = 3


class Group:
    """Sockets on one port, one for each worker, and one that sends to them."""

    def __init__(self) -> None:
        self.slots = Slots.random(WORKERS)
        self.members: list[socket.socket] = []
        port = 0
        for _ in range(WORKERS):
            member = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            member.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            member.bind(("127.0.0.1", port))
            member.setblocking(False)
            port = member.getsockname()[1]
            self.members.append(member)
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sender.connect(("127.0.0.1", port))
        attach(self.members[0], program(self.slots.multiplier, self.slots.start, WORKERS))

    def reader_of(self, data: bytes) -> int:
        """Which worker the kernel gives *data*."""
        self.sender.send(data)
        for index, member in enumerate(self.members):
            try:
                assert member.recv(65536) == data
                return index
            except BlockingIOError:
                pass
        raise AssertionError("lost on loopback")

    def close(self) -> None:
        for each in [*self.members, self.sender]:
            each.close()


@pytest.fixture
def group() -> Iterator[Group]:
    group = Group()
    yield group
    group.close()


def message(call_id: bytes, header: bytes = b"Call-ID: ", before: bytes = b"", after: bytes = b"") -> bytes:
    return (b"INVITE sip:callee@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK-77-1-0\r\n"
            + before + header + call_id + b"\r\n" + after + b"CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n")


def test_the_program_is_no_longer_than_the_kernel_takes() -> None:
    assert len(program(0x9E3779B1, 1, 64)) <= LONGEST_PROGRAM


def test_kernel_and_program_agree_on_a_thousand_messages(group: Group) -> None:
    numbers = random.Random(7)
    seen = set()
    for _ in range(1000):
        call_id = bytes(numbers.choices(b"abcdefghijkl0123456789-.@_~", k=numbers.randrange(1, 120)))
        before = b"Subject: " + b"x" * numbers.randrange(1, 1200) + b"\r\n"
        header = numbers.choice([b"Call-ID: ", b"Call-ID:", b"call-id: ", b"CALL-ID: "])
        reader = group.reader_of(message(call_id, header, before))
        assert reader == group.slots.owner_of_call_id(call_id), (call_id, len(before))
        seen.add(reader)
    assert seen == set(range(WORKERS))


def test_header_is_found_at_every_offset(group: Group) -> None:
    for length in range(260):
        call_id = b"%d@host" % length
        assert group.reader_of(message(call_id, before=b"X: " + b"y" * length + b"\r\n")) \
            == group.slots.owner_of_call_id(call_id)


@pytest.mark.parametrize("lookalike", [b"Call-Info: <http://example.com>\r\n", b"Session-ID: 1234\r\n",
                                       b"X-Call-Identity: call-id:wrong\r\n"])
def test_headers_that_look_alike_do_not_lead_astray(group: Group, lookalike: bytes) -> None:
    for length in range(8):
        for number in range(10):
            call_id = b"%d-%d" % (length, number)
            before = b"X: " + b"y" * length + b"\r\n" + lookalike + b"Filler: " + b"z" * 140 + b"\r\n"
            assert group.reader_of(message(call_id, before=before)) == group.slots.owner_of_call_id(call_id)


def test_what_has_no_call_id_still_reaches_somebody(group: Group) -> None:
    assert group.reader_of(b"\r\n\r\n") in range(WORKERS)
    assert group.reader_of(b"x" * 5000) in range(WORKERS)
