"""Parties with real sockets for the media of the calls that a server under test relays."""
from __future__ import annotations

import contextlib
import socket
import struct
from typing import Any

from opensips_py.sip import SessionDescription
from opensips_py.testing import Phone
from tests.live import HOST


class Party:
    """A phone with a real socket for its media."""

    def __init__(self, server: Any, user: str, host: str) -> None:
        self.media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.media.bind((HOST, 0))
        self.phone = Phone(server, user, host)
        self.port = self.media.getsockname()[1]
        self.sdp = (f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\nm=audio {self.port} RTP/AVP 0 "
                    "101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n")
        self.sequence = 0
        self.relay = (HOST, 0)

    def goes_to(self, body: bytes) -> None:
        """Send media where a description says."""
        found = SessionDescription.parse(body)
        assert found.address == HOST and found.media[0].port != 0
        self.relay = (HOST, found.media[0].port)

    def send(self, count: int = 1) -> None:
        """Send RTP packets (RFC 3550) of 20 ms."""
        for _ in range(count):
            self.sequence += 1
            head = struct.pack("!BBHII", 0x80, 0, self.sequence, self.sequence * 160, self.port)
            self.media.sendto(head + bytes((self.sequence & 0xFF,)) * 160, self.relay)

    def press(self, digit: int, ends: bool = True) -> None:
        """Send a packet of a DTMF event (RFC 4733)."""
        self.sequence += 1
        head = struct.pack("!BBHII", 0x80, 0x80 | 101, self.sequence, 8000, self.port)
        self.media.sendto(head + bytes((digit, 0x8A if ends else 0x0A, 3, 32)), self.relay)

    def receive(self, seconds: float = 2) -> bytes | None:
        """The next packet; None where none comes."""
        self.media.settimeout(seconds)
        with contextlib.suppress(TimeoutError):
            return self.media.recv(2000)
        return None

    def drain(self) -> list[bytes]:
        """Everything that has come."""
        found = []
        while (packet := self.receive(0.15)) is not None:
            found.append(packet)
        return found


def flows(sender: Party, receiver: Party) -> bool:
    """Whether media get from one to the other."""
    receiver.drain()
    sender.send(3)
    return receiver.receive(0.4) is not None


def connected(alice: Party, bob: Party) -> Any:
    """A call between the two, answered, whose media go where the server has said."""
    call = alice.phone.call("sip:bob@192.0.2.2", body=alice.sdp)
    offered = bob.phone.last("INVITE")
    bob.goes_to(offered.message.body)
    bob.phone.answer(offered, 200, body=bob.sdp)
    alice.goes_to(call.final().message.body)
    call.ack()
    return call


def info(call: Any) -> str:
    """Have the script do what it does on INFO; what it answers."""
    call.within("INFO")
    reason: str = call.phone.last(200).message.reason
    return reason
