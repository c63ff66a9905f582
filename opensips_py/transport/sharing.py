"""Writing to the connections of other workers, and letting them write to ours."""
from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from opensips_py.errors import TransportError
from opensips_py.timers import Timer
from opensips_py.transport.connection import Report
from opensips_py.transport.directory import ConnectionGone, Directory
from opensips_py.transport.listener import Listener

if TYPE_CHECKING:
    from opensips_py.transport.transports import Transports

SENT, GONE, REFUSED = range(3)
PATIENCE = 5.0  # seconds to wait for the other worker to tell


class Links(Protocol):
    """The ways to the other workers."""

    def send(self, peer: int, operation: str, *arguments: Any) -> bool: ...
    def on_send(self, operation: str, handler: Callable[..., object]) -> None: ...


class Sharing:
    """One worker's part in sharing connections; *directory* says who has which.

    Every write names the address that it is for: an identifier may by now stand for another connection.
    """

    def __init__(self, transports: Transports, links: Links, directory: Directory) -> None:
        self.transports = transports
        self.links = links
        self.directory = directory
        self._serials = itertools.count(1)
        self._waiting: dict[int, tuple[int, Report, Timer]] = {}
        links.on_send("stream.write", self._write)
        links.on_send("stream.wrote", self._wrote)
        links.on_send("stream.change", self._change)
        directory.clear()
        transports.share(self)

    def send(self, worker: int, connection: int, key: int, data: bytes, report: Report | None = None) -> None:
        """Have *worker* send *data* over its *connection* to *key*."""
        serial = 0
        if report is not None:
            serial = next(self._serials)
            timer = self.transports.wheel.start(PATIENCE, self._late, serial)
            self._waiting[serial] = worker, report, timer
        if not self.links.send(worker, "stream.write", serial, connection, wired(key), data):
            self._finish(serial, TransportError(f"worker {worker} cannot be reached"))

    def change(self, worker: int, connection: int, key: int, what: str, value: float = 0) -> None:
        """Have *worker* close, keep or alias one of its connections."""
        self.links.send(worker, "stream.change", connection, wired(key), what, value)

    def worker_lost(self, worker: int) -> None:
        """*worker* died, and its connections with it."""
        for serial, (asked, _, _) in list(self._waiting.items()):
            if asked == worker:
                self._finish(serial, ConnectionGone(f"worker {worker} died"))

    def _finish(self, serial: int, error: TransportError | None) -> None:
        waiting = self._waiting.pop(serial, None)
        if waiting is not None:
            waiting[2].stop()
            self.transports.tell(waiting[1], error)

    def _late(self, serial: int) -> None:
        self._finish(serial, TransportError("the worker that has the connection does not answer"))

    # What others ask for

    def _write(self, peer: int, serial: int, connection: int, key: bytes, data: bytes) -> None:
        report = partial(self._tell, peer, serial) if serial else None
        self.transports.deliver(connection, int.from_bytes(key, "big"), data, report)

    def _tell(self, peer: int, serial: int, error: TransportError | None) -> None:
        outcome = SENT if error is None else GONE if isinstance(error, ConnectionGone) else REFUSED
        self.links.send(peer, "stream.wrote", serial, outcome, str(error or ""))

    def _wrote(self, peer: int, serial: int, outcome: int, why: str) -> None:
        error = None if outcome == SENT else ConnectionGone(why) if outcome == GONE else TransportError(why)
        self._finish(serial, error)

    def _change(self, peer: int, connection: int, key: bytes, what: str, value: float) -> None:
        found = self.transports.owned(connection, int.from_bytes(key, "big"))
        if found is None:
            return
        if what == "close":
            found.close("closed on request")
        elif what == "keep":
            found.keep(value)
        elif what == "alias":
            found.alias(int(value))


class RemoteConnection:
    """The connection of another worker, as a request that was handed over carries it."""

    __slots__ = ("id", "key", "listener", "protocol", "sharing", "worker")

    fault: str | None = None
    is_open = True  # as far as we know; sending tells
    is_reusable = True

    def __init__(self, sharing: Sharing, worker: int, identifier: int, key: int, listener: Listener) -> None:
        self.sharing = sharing
        self.worker = worker
        self.id = identifier
        self.key = key
        self.listener = listener
        self.protocol = listener.protocol

    def send(self, data: bytes, report: Report | None = None) -> None:
        """Have the worker that owns the connection send *data*."""
        self.sharing.send(self.worker, self.id, self.key, data, report)

    def close(self, reason: str = "closed") -> None:
        """Have it closed."""
        self.sharing.change(self.worker, self.id, self.key, "close")

    def keep(self, seconds: float) -> None:
        """Have it stay open for *seconds* without traffic."""
        self.sharing.change(self.worker, self.id, self.key, "keep", seconds)

    def alias(self, port: int) -> None:
        """Have requests to *port* of the peer's address use it as well (RFC 5923)."""
        self.sharing.change(self.worker, self.id, self.key, "alias", port)


def wired(key: int) -> bytes:
    """An address key as it travels between workers: those of IPv6 are longer than a number may be."""
    return key.to_bytes(19, "big")
