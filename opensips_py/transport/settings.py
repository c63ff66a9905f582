"""What the script decides about transports."""
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from opensips_py.transport.listener import DEFAULT_PORTS


class Countable(Protocol):
    """A counter, as opensips_py.statistics has them."""

    def add(self, n: int = 1, /) -> object:
        """Count *n* more."""


class Tally:
    """A counter of this process alone, where nobody gave a shared one."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def add(self, n: int = 1, /) -> None:
        """Count *n* more."""
        self.value += n


@dataclass
class Counters:
    """What the transports count beyond the datagrams, which every UdpSocket counts for itself."""

    accepted: Countable = field(default_factory=Tally)  # connections that peers opened
    connected: Countable = field(default_factory=Tally)  # connections that we opened
    refused: Countable = field(default_factory=Tally)  # connections closed at once: there are too many
    unconnected: Countable = field(default_factory=Tally)  # connections that we could not open
    queue_full: Countable = field(default_factory=Tally)  # connections closed because the peer does not read
    slow: Countable = field(default_factory=Tally)  # connections closed because a message did not become complete
    broken: Countable = field(default_factory=Tally)  # connections closed because the stream made no sense
    pings: Countable = field(default_factory=Tally)  # keep-alives of streams


@dataclass
class Settings:
    """Parameters of all transports; times are seconds. The fields tcp_* are proto_tcp's and the core's."""

    ports: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_PORTS))
    tos: int = 0
    mhomed: bool = False
    multicast_loopback: bool = False
    multicast_ttl: int = -1  # as the system has it
    receive_buffer: int = 0  # of a UDP socket, bytes; 0: enough
    udp_queue: int = 4096  # datagrams that may wait for the kernel
    pause: float = 0.01  # seconds that messages in dense traffic may wait, to be served together; 0: never
    tcp_accept_aliases: bool = False
    tcp_connect_timeout: float = 3.0
    tcp_connection_lifetime: float = 120.0
    tcp_max_connections: int = 2048  # that peers opened; 0: any number
    tcp_max_message_time: float = 4.0
    tcp_max_message_chunks: int = 4
    tcp_max_message: int = 262144  # bytes
    tcp_async: bool = True
    tcp_send_timeout: float = 0.1  # only while tcp_async is off
    tcp_max_postponed: int = 32  # messages
    tcp_crlf_pingpong: bool = True
    tcp_keepalive: bool = True
    tcp_keepcount: int = 0  # 0: as the system has it, also below
    tcp_keepidle: int = 0
    tcp_keepinterval: int = 0
