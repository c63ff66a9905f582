"""A table of bindings in memory: in the node's LMDB environment, which all workers share and which outlives them."""
from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from opensips_py.modules.usrloc.record import extras
from opensips_py.modules.usrloc.table import NEW, Table
from opensips_py.state._bindings import Binding, Change, Record, data_of, earliest, unpack
from opensips_py.state.slots import COUNT

T = TypeVar("T")

PREFIX = "bindings:"  # of the names of the databases in the environment
TOTALS = "binding totals"
LONGEST = 511 - 2  # bytes of an address-of-record as a key, behind its slot
SLOTS = tuple(slot.to_bytes(2, "big") for slot in range(COUNT))  # as keys begin
CHUNK = 1000  # records that one read transaction looks at: a long one keeps every page that is replaced meanwhile


class MemoryTable(Table):
    """Reading goes straight to the map; every change is one operation of a collected write transaction.

    A key is the slot of the address-of-record and its text, so that each worker finds its own ones side by side.
    """

    def __init__(self, name: str, environment: Any, slots: Any, worker: int = 0,
                 clock: Callable[[], float] | None = None) -> None:
        super().__init__(name, slots, worker, clock)
        self._environment = environment
        self._submit, self._enlist = environment.submit, environment.enlist
        self._database = environment.database(PREFIX + name)
        self._totals = environment.database(TOTALS)
        self._total_key = name.encode()

    def key(self, aor: str) -> bytes:
        """Where *aor* is stored."""
        text = aor.encode("utf-8", "surrogateescape")
        slot = self._slots.slot_of_name(text)
        return SLOTS[slot] + (text if len(text) <= LONGEST else hashlib.sha256(text).digest())

    def stored(self, aor: str) -> list[Binding]:
        record = self._environment.get(self.key(aor), self._database)
        return [] if record is None else unpack(record)

    def find(self, aor: str) -> list[Binding]:
        record = self._environment.get(self.key(aor), self._database)
        if record is None:
            return []
        now = self.clock()
        return [each for each in unpack(record) if each.expires == 0 or each.expires > now]

    def keys(self, aor: str) -> dict[str, str] | None:
        record = self._environment.get(self.key(aor), self._database)
        if record is None:
            return None
        pairs: dict[str, str] = extras(data_of(record)).get("keys", {})
        return pairs

    def change(self, aor: str, edit: Callable[[Record], T]) -> Change[T]:
        """*edit* applied to the record of *aor*, as an operation for a write transaction."""
        return Change(aor, self.key(aor), self._database, self.clock, edit, self.newest_first, self._finish)

    def apply(self, aor: str, edit: Callable[[Record], T]) -> Change[T]:
        change = Change(aor, self.key(aor), self._database, self.clock, edit, self.newest_first, self._finish)
        self._submit(change)
        return change

    def enlist(self, aor: str, edit: Callable[[Record], T]) -> Change[T]:
        change = Change(aor, self.key(aor), self._database, self.clock, edit, self.newest_first, self._finish)
        self._enlist(change)
        return change

    def apply_all(self, aors: list[str], edit: Callable[[Record], T]) -> list[Change[T]]:
        changes = [self.change(aor, edit) for aor in aors]
        self._submit(lambda transaction: [each(transaction) for each in changes])
        return changes

    def users(self) -> int:
        entries: int = self._environment.entries(self._database)
        return entries

    def contacts(self) -> int:
        # Only what goes beyond one binding for each AoR is counted: so the usual REGISTER writes one page less.
        return self.users() + self._surplus(self._environment.get(self._total_key, self._totals))

    def records(self, slots: list[int] | None = None) -> Iterator[tuple[str, bytes]]:
        if slots is None:
            yield from self._records(b"", None)
            return
        for slot in slots:
            yield from self._records(slot.to_bytes(2, "big"), slot)

    def ended(self, slots: list[int]) -> Iterator[str]:
        now = self.clock()
        for aor, record in self.records(slots):
            if earliest(record) <= now:
                yield aor

    def by_id(self, identifier: int) -> tuple[str, Binding] | None:
        """The binding with *identifier*, and its address-of-record; looks at every record."""
        for aor, record in self.records():
            for binding in unpack(record):
                if binding.id == identifier:
                    return aor, binding
        return None

    def state_of(self, aor: str) -> Callable[[Binding], str]:
        return lambda binding: NEW

    def _records(self, start: bytes, slot: int | None) -> Iterator[tuple[str, bytes]]:
        following: bytes | None = start
        while following is not None:
            chunk, following = self._chunk(following, slot)
            yield from ((name_of(key, record), record) for key, record in chunk)

    def _chunk(self, start: bytes, slot: int | None) -> tuple[list[tuple[bytes, bytes]], bytes | None]:
        """Up to CHUNK records from *start* on, and where to go on; None: there is no more."""
        chunk: list[tuple[bytes, bytes]] = []
        prefix = b"" if slot is None else slot.to_bytes(2, "big")
        with self._environment.reading(self._database) as transaction:
            cursor = transaction.cursor()
            found = cursor.set_range(start) if start else cursor.first()
            if found:
                for key, value in cursor:
                    if not key.startswith(prefix):
                        return chunk, None
                    if len(chunk) == CHUNK:
                        return chunk, key
                    chunk.append((key, value))
        return chunk, None

    def _finish(self, transaction: Any, key: bytes, record: Record, before: int) -> None:
        """What few changes need: count the bindings beyond the first, note the name that the key does not tell."""
        surplus = max(0, len(record.bindings) - 1) - max(0, before - 1)
        if surplus:
            total = self._surplus(transaction.get(self._total_key, db=self._totals)) + surplus
            transaction.put(self._total_key, struct.pack("<q", total), db=self._totals)
        if record.bindings and not record.data and key[2:] != record.aor.encode("utf-8", "surrogateescape"):
            record.data = json.dumps({"aor": record.aor}).encode()

    @staticmethod
    def _surplus(stored: bytes | None) -> int:
        return 0 if stored is None else int(struct.unpack("<q", stored)[0])


def name_of(key: bytes, record: bytes) -> str:
    """The address-of-record that is stored under *key*."""
    data = data_of(record)
    if data:
        name: str = extras(data).get("aor", "")
        if name:
            return name
    return key[2:].decode("utf-8", "surrogateescape")
