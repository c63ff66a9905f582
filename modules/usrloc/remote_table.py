"""Tables of bindings that a database alone keeps; several servers may share them."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from opensips_py.modules.usrloc.record import Record, set_keys
from opensips_py.modules.usrloc.settings import Settings
from opensips_py.modules.usrloc.table import Table
from opensips_py.state._bindings import Binding, pack

T = TypeVar("T")
FRESH = 10.0  # seconds for which pings go by what was read last
Kept = tuple[list[Binding], dict[str, str]]  # the contacts of an address-of-record, its key/value pairs
Found = dict[str, Kept]


@dataclass(slots=True)
class Done(Generic[T]):
    """A change that was carried out."""

    result: T
    record: Record


class RemoteTable(Table):
    """Nothing is kept here: whoever asks waits, and gets what the database has now."""

    reads_wait = changes_wait = True
    settings: Settings

    def __init__(self, name: str, slots: Any, worker: int) -> None:
        super().__init__(name, slots, worker)
        self._read: tuple[float, Found] = 0.0, {}

    def follow(self, settings: Settings) -> None:
        """Work for another generation."""
        self.settings = settings

    def read(self, aor: str) -> Kept:
        """What the database has of *aor*."""
        raise NotImplementedError

    def everything(self) -> Found:
        """All that the database has."""
        raise NotImplementedError

    def stored(self, aor: str) -> list[Binding]:
        return self.read(aor)[0]

    def find(self, aor: str) -> list[Binding]:
        now = self.clock()
        return [each for each in self.stored(aor) if each.is_valid(now)]

    def keys(self, aor: str) -> dict[str, str] | None:
        bindings, keys = self.read(aor)
        return keys if bindings else None

    def records(self, slots: list[int] | None = None) -> Iterator[tuple[str, bytes]]:
        at, found = self._read
        if slots is None or not at <= self.clock() < at + FRESH:
            found = self.everything()
            self._read = self.clock(), found
        wanted = None if slots is None else set(slots)
        for aor, kept in found.items():
            if wanted is None or self.slot(aor) in wanted:
                yield aor, packed(aor, kept)

    def sort(self, bindings: list[Binding]) -> None:
        """Bring contacts into their order."""
        bindings.sort(key=newest if self.newest_first else best)

    def record(self, aor: str, kept: Kept) -> Record:
        """What the database has of *aor* as a record to change; what has expired is out of it."""
        record = Record(aor, self.clock(), packed(aor, kept) if kept[0] else None)
        record.expire()
        return record


def best(binding: Binding) -> tuple[int, int]:
    """What the contacts of an address-of-record are ordered by: preference, then age."""
    return -binding.q, binding.id


def newest(binding: Binding) -> float:
    """What they are ordered by where the time of their last update counts."""
    return -binding.modified


def packed(aor: str, kept: Kept) -> bytes:
    """A record as tables in memory have it."""
    bindings, keys = kept
    record = Record(aor, 0.0, None)
    if keys:
        set_keys(record, keys)
    return pack(bindings, record.data)
