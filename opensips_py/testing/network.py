"""A network in memory: what the server sends is kept, and nothing else is reached."""
from __future__ import annotations

import errno
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from opensips_py.errors import TransportError
from opensips_py.sip import Request, Response, address_host, address_key, address_port, parse
from opensips_py.transport import Listener, Transports
from opensips_py.transport.connection import Report
from opensips_py.transport.target import Target


@dataclass(frozen=True)
class Sent:
    """One message that left the server, *at* a moment of the test's clock, towards *host* and *port*."""

    data: bytes
    protocol: str
    host: str
    port: int
    at: float
    listener: Listener = field(repr=False)

    @cached_property
    def message(self) -> Request | Response:
        """The message, read."""
        return parse(self.data)

    @property
    def is_request(self) -> bool:
        """Whether it is a request."""
        return isinstance(self.message, Request)

    @property
    def uri(self) -> str:
        """The Request-URI; empty of a response."""
        return self.message.uri if isinstance(self.message, Request) else ""

    @property
    def body(self) -> bytes:
        """What it carries."""
        return self.message.body

    @property
    def status(self) -> int:
        """The status of a response, 0 of a request."""
        return 0 if isinstance(self.message, Request) else self.message.status

    @property
    def method(self) -> str:
        """The method; of a response that of the request it answers."""
        return self.message.cseq_method

    def header(self, name: str) -> str | None:
        """The value of the first header *name*."""
        return self.message.header(name)

    def __str__(self) -> str:
        what = f"{self.status} to {self.method}" if self.status else self.method
        return f"{what} to {self.protocol}:{self.host}:{self.port}"


class Stream:
    """A connection with a peer, which takes everything."""

    fault: str | None = None
    inbound = True

    def __init__(self, network: Network, identifier: int, key: int, listener: Listener) -> None:
        self.network, self.id, self.key, self.listener = network, identifier, key, listener
        self.protocol = listener.protocol
        self.is_open = self.is_reusable = True
        self.aliases: list[int] = []

    def send(self, data: bytes, report: Report | None = None) -> None:
        """Keep *data* as sent."""
        if not self.is_open:
            self.network.tell(report, TransportError("the connection is closed"))
            return
        self.network.keep(data, self.protocol, self.key, self.listener)
        self.network.tell(report, None)

    def close(self, reason: str = "closed") -> None:
        """Close it: whatever is sent afterwards needs another one."""
        self.is_open = self.is_reusable = False

    def keep(self, seconds: float) -> None:
        """Streams of a test live until somebody closes them."""

    def alias(self, port: int) -> None:
        """Let requests to *port* of the peer's address come this way (RFC 5923)."""
        self.aliases.append(address_key(address_host(self.key), port))


class Network(Transports):
    """The transports of a worker under test.

    *sent* are the messages that left. Datagrams and connections to the (host, port) pairs in *unreachable* are
    refused, as by an ICMP error or a closed port.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.sent: list[Sent] = []
        self.unreachable: set[tuple[str, int]] = set()
        self.streams: dict[int, Stream] = {}
        self.clock: Callable[[], float] = lambda: 0.0
        self._numbers = itertools.count(1)

    def add(self, listener: Listener, fd: int = -1, number: int = -1) -> Listener:
        """Listen at *listener*, without any socket."""
        listener.index = len(self.listeners)
        self._admit(listener)
        return listener

    def start(self) -> None:
        """Nothing arrives but what the test sends."""

    revive = stop = start

    def keep(self, data: bytes, protocol: str, key: int, listener: Listener) -> None:
        """Note that *data* left."""
        self.sent.append(Sent(data, protocol, address_host(key), address_port(key), self.clock(), listener))

    def send(self, target: Target, data: bytes, report: Report | None = None) -> None:
        """Keep *data* as sent to *target*, or refuse it as the real transports do."""
        listener = target.listener or self.choose_listener(target.protocol, target.address)
        if listener is None:
            raise TransportError(f"no {target.protocol} listener fits to send to {target}")
        refused = (address_host(target.address), address_port(target.address)) in self.unreachable
        if target.protocol != "udp":
            self.send_stream(target, listener, data, report, refused)
        elif not refused:
            self.keep(data, "udp", target.address, listener)
        elif self.on_unreachable is not None:
            # as an ICMP error does, it comes when the sender has gone on
            self.loop.run_callback(self.on_unreachable, listener, target.address, errno.ECONNREFUSED)
        if self.on_sent is not None:
            self.on_sent(target, data)

    def send_stream(self, target: Target, listener: Listener, data: bytes, report: Report | None,
                    refused: bool) -> None:
        """Send over the connection that the target names, over another one to its address, or over a new one."""
        stream: Any = target.connection if target.connection is not None and target.connection.is_open else None
        stream = stream or self.stream_to(target.protocol, target.address)
        if stream is None and refused:
            self.tell(report, TransportError(f"{target}: connection refused"))
            return
        if stream is None and not target.may_connect:
            raise TransportError(f"{target}: no connection, and none may be opened")
        (stream or self.stream(target.address, listener)).send(data, report)

    def stream(self, key: int, listener: Listener) -> Stream:
        """The open connection with the peer at *key*, or a new one."""
        known = self.stream_to(listener.protocol, key)
        if known is None:
            known = Stream(self, next(self._numbers), key, listener)
            self.streams[known.id] = known
        return known

    def stream_to(self, protocol: str, key: int) -> Stream | None:
        """The open connection over *protocol* to an address, if there is one."""
        return next((each for each in self.streams.values() if each.is_open and each.protocol == protocol
                     and (each.key == key or key in each.aliases)), None)

    def connections(self) -> Iterable[Any]:
        """All open connections."""
        return [each for each in self.streams.values() if each.is_open]

    def connection(self, identifier: int) -> Any:
        """The connection with that *identifier*."""
        found = self.streams.get(identifier)
        return found if found is not None and found.is_open else None
