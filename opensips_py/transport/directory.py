"""Which worker has the connection to an address: what lets one worker write to the connection of another."""
from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from opensips_py.errors import TransportError
from opensips_py.transport.listener import Listener


class Directory(Protocol):
    """A map (protocol, remote address or alias) -> (worker, connection id), shared by all workers."""

    def publish(self, protocol: str, key: int, connection: int) -> None:
        """This worker's *connection* is the one to use for *key*."""

    def withdraw(self, protocol: str, key: int, connection: int) -> None:
        """This worker's *connection* is not to be used any more."""

    def find(self, protocol: str, key: int) -> tuple[int, int] | None:
        """The worker and the connection to use for *key*."""


class ConnectionGone(TransportError):
    """The connection that was to be used is closed; another may be opened."""


Report = Callable[[TransportError | None], object]
RemoteSend = Callable[[int, int, bytes, Report | None], object]


class RemoteConnection:
    """The connection of another worker, as a request that was handed over carries it."""

    __slots__ = ("id", "key", "listener", "protocol", "remote_send", "worker")

    fault: str | None = None
    is_open = True  # as far as we know; sending tells

    def __init__(self, worker: int, identifier: int, key: int, listener: Listener, remote_send: RemoteSend) -> None:
        self.worker = worker
        self.id = identifier
        self.key = key
        self.listener = listener
        self.protocol = listener.protocol
        self.remote_send = remote_send

    def send(self, data: bytes, report: Report | None = None) -> None:
        """Have the worker that owns the connection send *data*."""
        self.remote_send(self.worker, self.id, data, report)
