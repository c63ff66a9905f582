"""An address-of-record while it is being changed, and what became of it."""
from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from opensips_py.state._bindings import Binding, data_of, pack, unpack


class Kind(IntEnum):
    """What can happen to an address-of-record or to one of its bindings."""

    AOR_INSERT, AOR_DELETE, INSERT, UPDATE, DELETE, EXPIRE = range(6)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened, as observers see it once it is committed; *binding* is None for the AoR itself."""

    kind: Kind
    table: str
    aor: str
    binding: Binding | None = None


class Record:
    """The bindings of one address-of-record inside a write transaction: touch nothing else there.

    Bindings are ordered by preference, those of equal preference by age; with *newest_first* by the time of their last
    update alone.
    """

    __slots__ = ("aor", "bindings", "changes", "data", "existed", "now", "touched")

    def __init__(self, aor: str, now: float, stored: bytes | None) -> None:
        self.aor = aor
        self.now = now
        self.existed = stored is not None
        self.bindings: list[Binding] = [] if stored is None else unpack(stored)
        self.data: bytes = b"" if stored is None else data_of(stored)
        self.changes: list[tuple[Kind, Binding]] = []
        self.touched = False  # must be written although no binding has changed

    def expire(self) -> None:
        """Take out what has ended."""
        now = self.now
        for each in self.bindings:
            if each.expires != 0 and each.expires <= now:
                break
        else:
            return
        kept = []
        for each in self.bindings:
            if each.is_valid(now):
                kept.append(each)
            else:
                self.changes.append((Kind.EXPIRE, each))
        self.bindings = kept

    def insert(self, binding: Binding) -> None:
        """Add a new binding."""
        self.bindings.append(binding)
        self.changes.append((Kind.INSERT, binding))

    def update(self, old: Binding, new: Binding) -> None:
        """Put *new* in the place of *old*: it is the same binding, refreshed."""
        new.id = old.id
        new.latency = old.latency
        self.bindings[self.bindings.index(old)] = new
        self.changes.append((Kind.UPDATE, new))

    def delete(self, binding: Binding) -> None:
        """Take a binding out."""
        self.bindings.remove(binding)
        self.changes.append((Kind.DELETE, binding))

    def undo(self, stored: bytes | None) -> None:
        """Forget every change: nothing is to be written."""
        self.__init__(self.aor, self.now, stored)  # type: ignore[misc]

    def sort(self, newest_first: bool) -> None:
        """Bring the bindings into their order."""
        if len(self.bindings) > 1:
            self.bindings.sort(key=newest if newest_first else preference)

    def packed(self) -> bytes | None:
        """As it is to be stored; None where nothing is left to store."""
        return pack(self.bindings, self.data) if self.bindings else None

    @property
    def keys(self) -> dict[str, str]:
        """The key/value pairs that scripts have put with the address-of-record."""
        keys: dict[str, str] = extras(self.data).get("keys", {})
        return keys

    def set_keys(self, keys: dict[str, str]) -> None:
        """Replace the key/value pairs."""
        content = extras(self.data)
        content["keys"] = keys
        self.data = json.dumps(content).encode()
        self.touched = True


def preference(binding: Binding) -> int:
    """What bindings are ordered by: the higher q first; one without stands for 1.0 (RFC 3261, 20.10 leaves it open)."""
    return -binding.q


def newest(binding: Binding) -> float:
    """What bindings are ordered by where the last one comes first."""
    return -binding.modified


def extras(data: bytes) -> dict[str, Any]:
    """What is kept with an address-of-record beside its bindings."""
    content: dict[str, Any] = json.loads(data) if data else {}
    return content
