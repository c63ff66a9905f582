"""What an SQL database has not been told yet of the addresses-of-record in memory.

A mark is written in the transaction that changes a contact, and goes when the database has carried the change out. So
what was acknowledged and not told survives the end of the process, of the database, and of both.
"""
from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from opensips_py.modules.usrloc.record import Kind, Record, extras, keys_of
from opensips_py.state._bindings import MEMORY_ONLY, Binding, Change, data_of, unpack

PREFIX = "untold:"  # of the names of the databases in the environment
UNCLAIMED = b'"claim": ""'  # in a mark as it is stored
ALL_SLOTS = range(1024)

Gone = tuple[int, str, str]  # identifier, URI and Call-ID of a contact whose row is to go


@dataclass(slots=True)
class Mark:
    """What is to be told of one address-of-record."""

    aor: str
    serial: int = 0  # another one after every change
    at: float = 0.0  # when the last change was
    changed: dict[int, bool] = field(default_factory=dict)  # contacts by identifier; whether they have no row yet
    removed: list[Gone] = field(default_factory=list)
    keys: bool = False  # the key/value pairs have changed
    claim: str = ""  # the process that is telling it
    refused: bool = False  # the database does not take it as it is
    unsure: bool = False  # nobody knows what of it the database has carried out

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not self.changed and not self.removed and not self.keys

    def packed(self) -> bytes:
        """As it is stored."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def read(cls, stored: bytes) -> Mark:
        """What packed() made."""
        found = json.loads(stored)
        found["changed"] = {int(number): new for number, new in found["changed"].items()}
        found["removed"] = [(each[0], each[1], each[2]) for each in found["removed"]]
        return cls(**found)

    def note(self, before: list[Binding], record: Record) -> bool:
        """Take in what has happened to a record that had the contacts *before*; whether there is something to tell."""
        known = {each.id: each for each in before}
        told = False
        for kind, binding in record.changes:
            old = known.get(binding.id, binding) if kind != Kind.INSERT else None
            new = binding if kind in (Kind.INSERT, Kind.UPDATE) else None
            told = self.note_change(old, new) or told
        if keys_of(record) != stored_keys(record):
            self.keys = told = True
        return told

    def note_change(self, old: Binding | None, new: Binding | None) -> bool:
        """Take in that a contact has become another one, has come or gone; whether there is something to tell."""
        had_row = old is not None and not old.flags & MEMORY_ONLY
        has_row = new is not None and not new.flags & MEMORY_ONLY
        stays = new is not None and has_row and old is not None and key_of(old) == key_of(new)
        if old is not None and had_row and not stays and not self.is_untold(old.id):
            self.removed.append((old.id, *key_of(old)))
        if new is not None and has_row:
            self.changed[new.id] = self.changed.get(new.id, not had_row)
        elif old is not None:
            self.changed.pop(old.id, None)
        return had_row or has_row


    def forget(self, told: Mark) -> None:
        """The database has carried out what stood here before: what was added since is left, and each contact may have
        a row now."""
        del self.removed[:len(told.removed)]
        self.changed.update((each, False) for each in told.changed if each in self.changed)

    def is_untold(self, identifier: int) -> bool:
        """Whether the database cannot know a contact as it was until now: so marks do not grow while it is gone."""
        if self.claim or self.unsure:
            return False
        return self.changed.get(identifier, False) or any(each[0] == identifier for each in self.removed)


class Claimed(NamedTuple):
    """A mark that this process is telling, with the address-of-record as it is."""

    key: bytes
    mark: Mark
    bindings: list[Binding]
    keys: dict[str, str]


class Marking:
    """A change of an address-of-record that leaves a mark: an operation for a write transaction."""

    def __init__(self, change: Change[Any], key: bytes, marks: Marks, serial: int) -> None:
        self.change, self.key, self.marks, self.serial = change, key, marks, serial
        self.marked = False

    def __call__(self, transaction: Any) -> Marking:
        self.change(transaction)
        record = self.change.record
        self.marked = False
        if record.is_changed:
            mark = self.marks.get(transaction, self.key) or Mark(record.aor)
            self.marked = mark.note([] if record.stored is None else unpack(record.stored), record)
            if self.marked:
                mark.serial, mark.at, mark.refused = self.serial, record.now, False
                self.marks.put(transaction, self.key, mark)
        return self


class Marks:
    """The marks of one table."""

    def __init__(self, table: str, environment: Any, bindings: Any) -> None:
        self._environment, self._bindings = environment, bindings
        self._database = environment.database(PREFIX + table)

    def get(self, transaction: Any, key: bytes) -> Mark | None:
        """The mark of one address-of-record, inside a transaction."""
        stored = transaction.get(key, db=self._database)
        return None if stored is None else Mark.read(stored)

    def put(self, transaction: Any, key: bytes, mark: Mark) -> None:
        """Write a mark, inside a transaction; one with nothing to tell goes."""
        if mark.is_empty:
            transaction.delete(key, db=self._database)
        else:
            transaction.put(key, mark.packed(), db=self._database)

    def find(self, key: bytes) -> Mark | None:
        """The mark of one address-of-record."""
        stored = self._environment.get(key, self._database)
        return None if stored is None else Mark.read(stored)

    def count(self) -> int:
        """How many addresses-of-record have something to tell."""
        entries: int = self._environment.entries(self._database)
        return entries

    def keys(self, slots: Iterable[int]) -> Iterator[bytes]:
        """The keys of the marks in *slots*."""
        for slot in slots:
            yield from [key for key, _ in self._entries(slot)]

    def claim(self, keys: list[bytes], again: bool = False) -> list[Claimed]:
        """Take the marks under *keys* that nobody is telling, and with *again* those that were refused."""
        def operation(transaction: Any) -> list[Claimed]:
            found = []
            for key in keys:
                mark = self.get(transaction, key)
                if mark is None or (mark.refused and not again) or is_at_work(mark.claim):
                    continue
                mark.unsure = mark.unsure or bool(mark.claim)  # of a process that is gone
                mark.claim = name_of_process(os.getpid())
                self.put(transaction, key, mark)
                found.append(self._claimed(transaction, key, mark))
            return found
        result: list[Claimed] = self._environment.submit(operation)
        return result

    def settle(self, claimed: list[Claimed], *, told: bool = False, refused: bool = False,
               unsure: bool = False) -> list[bytes]:
        """Let go of marks: those that were *told* go. The keys of those that have changed meanwhile."""
        def operation(transaction: Any) -> list[bytes]:
            left = []
            for each in claimed:
                mark = self.get(transaction, each.key)
                if mark is None:
                    continue
                if mark.serial != each.mark.serial:
                    left.append(each.key)
                    if told:
                        mark.forget(each.mark)
                elif told:
                    mark = Mark(mark.aor)
                else:
                    mark.refused = refused
                mark.claim, mark.unsure = "", not told and (mark.unsure or unsure)
                self.put(transaction, each.key, mark)
            return left
        result: list[bytes] = self._environment.submit(operation)
        return result

    def is_claimed(self, slot: int) -> bool:
        """Whether a process that runs is telling anything of *slot*."""
        return any(UNCLAIMED not in stored and is_at_work(Mark.read(stored).claim) for _, stored in self._entries(slot))

    def submit(self, operation: Callable[[Any], Any]) -> Any:
        """Carry out *operation* in a write transaction."""
        return self._environment.submit(operation)

    def _claimed(self, transaction: Any, key: bytes, mark: Mark) -> Claimed:
        record = transaction.get(key, db=self._bindings)
        if record is None:
            return Claimed(key, mark, [], {})
        return Claimed(key, mark, unpack(record), extras(data_of(record)).get("keys", {}))

    def _entries(self, slot: int) -> list[tuple[bytes, bytes]]:
        found, prefix = [], slot.to_bytes(2, "big")
        with self._environment.reading(self._database) as transaction:
            cursor = transaction.cursor()
            if cursor.set_range(prefix):
                for key, stored in cursor:
                    if not key.startswith(prefix):
                        break
                    found.append((key, stored))
        return found


def key_of(binding: Binding) -> tuple[str, str]:
    """What a row without an identifier is found by."""
    return binding.contact, binding.call_id


def name_of_process(pid: int) -> str:
    """A process, and when it began: its number alone may be another one's after a restart. Empty: there is none."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return f"{pid}:{file.read().rpartition(')')[2].split()[19]}"
    except OSError:
        return ""


def is_at_work(claim: str) -> bool:
    """Whether the process that made a claim is still there."""
    return bool(claim) and name_of_process(int(claim.partition(":")[0])) == claim


def stored_keys(record: Record) -> dict[str, str]:
    """The key/value pairs that a record had before."""
    if record.stored is None:
        return {}
    pairs: dict[str, str] = extras(data_of(record.stored)).get("keys", {})
    return pairs
