"""Which worker has the connection to an address: shared memory that every worker looks into."""
from __future__ import annotations

from typing import Protocol

from opensips_py.errors import TransportError

ENTRY = 2  # words: what it stands for, and whose connection it is
WINDOW = 32  # entries looked at for one address
PROTOCOLS = ("tcp", "tls", "ws", "wss", "sctp")
WORKER_SHIFT = 40  # connection identifiers are shorter


class ConnectionGone(TransportError):
    """The connection that was to be used is closed; another may be opened."""


class SharedWords(Protocol):
    """Words of shared memory, as opensips_py.state has them."""

    def load(self, index: int) -> int: ...
    def store(self, index: int, value: int) -> None: ...
    def cas(self, index: int, old: int, new: int) -> bool: ...


class Directory:
    """A hash table (protocol, remote address or alias) -> (worker, connection id) for *capacity* addresses.

    Nobody locks it. What it says may be out of date, or, once in 2^62, be about another address: whoever is handed a
    message for one of its connections compares the address first and else answers that the connection is gone.
    """

    def __init__(self, words: SharedWords, capacity: int, worker: int) -> None:
        self._words = words
        self._capacity = capacity
        self._worker = worker
        self.full = 0  # addresses not published for want of room: others open connections of their own to them

    @staticmethod
    def size(capacity: int) -> int:
        """How many words a directory of *capacity* addresses takes."""
        return ENTRY * capacity

    def publish(self, protocol: str, key: int, connection: int) -> None:
        """This worker's *connection* is the one to use for *key*."""
        mark = mark_of(protocol, key)
        value = self._value(connection)
        free = -1
        for place in self._places(mark):
            known = self._words.load(place)
            if known == mark:
                self._words.store(place + 1, value)
                return
            if free < 0 and not self._words.load(place + 1):
                free = place
            if not known:
                break
        if free >= 0 and self._words.cas(free, self._words.load(free), mark):
            self._words.store(free + 1, value)
        else:
            self.full += 1

    def withdraw(self, protocol: str, key: int, connection: int) -> None:
        """This worker's *connection* is not to be used any more."""
        place = self._find(mark_of(protocol, key))
        if place >= 0:
            self._words.cas(place + 1, self._value(connection), 0)

    def find(self, protocol: str, key: int) -> tuple[int, int] | None:
        """The worker and the connection to use for *key*; not those of this worker, which knows its own."""
        place = self._find(mark_of(protocol, key))
        value = self._words.load(place + 1) if place >= 0 else 0
        worker = (value >> WORKER_SHIFT) - 1
        if not value or worker == self._worker:
            return None
        return worker, value & (1 << WORKER_SHIFT) - 1

    def clear(self) -> None:
        """Forget this worker's connections: those of the process that it replaces are gone."""
        for place in range(0, ENTRY * self._capacity, ENTRY):
            value = self._words.load(place + 1)
            if value and (value >> WORKER_SHIFT) - 1 == self._worker:
                self._words.cas(place + 1, value, 0)

    def _value(self, connection: int) -> int:
        return (self._worker + 1) << WORKER_SHIFT | connection & (1 << WORKER_SHIFT) - 1

    def _places(self, mark: int) -> list[int]:
        first = mark % self._capacity
        return [(first + i) % self._capacity * ENTRY for i in range(min(WINDOW, self._capacity))]

    def _find(self, mark: int) -> int:
        for place in self._places(mark):
            known = self._words.load(place)
            if known == mark:
                return place
            if not known:
                break
        return -1


def mark_of(protocol: str, key: int) -> int:
    """What stands in the table for an address; the same in every process, as hashes of integers are."""
    return hash((PROTOCOLS.index(protocol), key)) & (1 << 62) - 1 or 1
