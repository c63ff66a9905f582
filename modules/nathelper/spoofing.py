"""Datagrams that seem to come from another address (natping_socket): the way through a NAT that somebody else opened.

Only the kernel's raw sockets can do this, which need CAP_NET_RAW.
"""
from __future__ import annotations

import socket
import struct

from opensips_py.errors import ConfigError
from opensips_py.sip import address_host, address_key, address_port
from opensips_py.transport.listener import IPV6

UDP, TTL, VERSION_AND_LENGTH = 17, 64, 0x45


class Spoofed:
    """Sends IPv4 datagrams with *source* ("host:port") as their sender."""

    def __init__(self, source: str) -> None:
        host, _, port = source.removeprefix("udp:").rpartition(":")
        try:
            self.source = socket.inet_aton(host)
            self.port = int(port)
            address_key(host, self.port)
        except (OSError, ValueError):
            raise ConfigError(f"natping_socket is an IPv4 address and a port, not {source}", "nathelper",
                              "natping_socket") from None
        self.socket: socket.socket | None = None

    def open(self) -> None:
        """Open the raw socket; PermissionError where we may not."""
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        self.socket.setblocking(False)

    def close(self) -> None:
        """Close it."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def can_reach(self, key: int) -> bool:
        """Whether there is a way to an address."""
        return self.socket is not None and key < IPV6

    def send(self, key: int, data: bytes) -> None:
        """Send *data*; one datagram less where the queue is full."""
        assert self.socket is not None
        host, port = address_host(key), address_port(key)
        try:
            self.socket.sendto(datagram(self.source, self.port, socket.inet_aton(host), port, data), (host, 0))
        except OSError:
            return


def datagram(source: bytes, source_port: int, target: bytes, target_port: int, data: bytes) -> bytes:
    """An IPv4 packet with a UDP datagram (RFC 791, RFC 768); the kernel fills in identification and checksum."""
    length = 8 + len(data)
    head = struct.pack("!BBHHHBBH4s4s", VERSION_AND_LENGTH, 0, 20 + length, 0, 0, TTL, UDP, 0, source, target)
    pseudo = struct.pack("!4s4sBBH", source, target, 0, UDP, length)
    parts = struct.pack("!HHHH", source_port, target_port, length, 0)
    total = checksum(pseudo + parts + data)
    return head + struct.pack("!HHHH", source_port, target_port, length, total or 0xFFFF) + data


def checksum(data: bytes) -> int:
    """The one's complement of the one's complement sum (RFC 1071)."""
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
