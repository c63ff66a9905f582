"""Dialogs on disk: each worker writes an LMDB environment of its own, so that none waits for another one's commits.

What begins and ends in one turn of the event loop is committed together, before anything of that turn is sent.
"""
from __future__ import annotations

import hashlib
import pathlib
import struct
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from opensips_py.dialog.record import Dialog, Facts, pack, unpack
from opensips_py.state.environment import LONGEST_KEY, Environment

SMALLEST = 1 << 20
DATABASES = 4
PREFIX, SUFFIX = "dialogs-", ".mdb"
KEY = struct.Struct(">II")  # entry and number
MET = b"database by slots"
CLOCK = b"clock"
AMOUNT = 8  # bytes
LENGTH = 4  # bytes before the part of a record that changes: how long it is
Operation = Callable[[Any], Any]


def key_of(dialog: Dialog) -> bytes:
    """Where a dialog is stored: side by side with those of its slot."""
    return KEY.pack(dialog.entry, dialog.number)


def parts_of_key(key: bytes) -> tuple[int, int]:
    """Entry and number of the dialog under *key*."""
    entry, number = KEY.unpack(key)
    return entry, number


def joined(state: bytes, facts: bytes) -> bytes:
    """A record: what may change, then what does not."""
    return len(state).to_bytes(LENGTH, "little") + state + facts


def split(record: bytes) -> tuple[bytes, bytes]:
    """Both parts of a record."""
    end = LENGTH + int.from_bytes(record[:LENGTH], "little")
    return record[LENGTH:end], record[end:]


def slots_of(record: bytes | None) -> set[int]:
    """The slots of a record."""
    return set(memoryview(record).cast("H")) if record else set()


def share_of(record: bytes) -> tuple[str, int]:
    """A counter of shared profiles, and how much of it is ours."""
    return record[AMOUNT:].decode(), int.from_bytes(record[:AMOUNT], "little", signed=True)


class Store:
    """What one worker has stored, and what it finds when it starts."""

    def __init__(self, folder: str, worker: int, writing: Callable[[bool], object] | None) -> None:
        self.folder, self.worker, self.writing = pathlib.Path(folder), worker, writing
        self.environment = Environment(self.path(worker), writing, SMALLEST, DATABASES)
        self.dialogs = self.environment.database("dialogs")
        self.sizes = self.environment.database("profile sizes")
        self.about = self.environment.database("about")
        self.told = self.environment.database("shared sizes")
        self.watch: Any = None  # the timer of whoever looks at the clock
        self.offset = 0.0  # of the clock of the machine, when somebody looked last
        self.flag_names: Callable[[int], str] = str  # bits of flags as names, in the current configuration

    def path(self, worker: int) -> pathlib.Path:
        """The file of a worker."""
        return self.folder / f"{PREFIX}{worker}{SUFFIX}"

    def close(self) -> None:
        """Leave the file."""
        self.environment.commits.flush()
        self.environment.close()

    @property
    def met(self) -> set[int]:
        """The slots with whose dialogs the table of a database was compared at least once, by whichever worker they
        had then: of others it may know more than is stored."""
        return slots_of(self.environment.get(MET, self.about))

    def note_met(self, slots: Iterable[int]) -> None:
        """The table knows of the dialogs of *slots* from now on."""
        record = array("H", sorted(self.met.union(slots))).tobytes()
        self.environment.submit(lambda transaction: transaction.put(MET, record, db=self.about))

    def clock(self) -> tuple[str, float]:
        """In which boot of the machine somebody looked at the clock last, and its offset then."""
        boot, _, offset = (self.environment.get(CLOCK, self.about) or b"").decode().partition(" ")
        return boot, float(offset or 0)

    def note_clock(self, boot: str, offset: float) -> None:
        """Note what the clock is like."""
        self.environment.submit(lambda transaction: transaction.put(CLOCK, f"{boot} {offset}".encode(), db=self.about))

    def shares(self) -> dict[str, int]:
        """What the store of shared profiles was told."""
        return dict(share_of(value) for _, value in self.records(self.environment, self.told))

    def note_share(self, name: str, amount: int) -> None:
        """The store of shared profiles was told an amount."""
        text, database = name.encode(), self.told
        key = text if len(text) <= LONGEST_KEY else hashlib.sha256(text).digest()

        def operation(transaction: Any) -> None:
            if amount:
                transaction.put(key, amount.to_bytes(AMOUNT, "little", signed=True) + text, db=database)
            else:
                transaction.delete(key, db=database)
        self.environment.submit(operation)

    def pack(self, dialog: Dialog) -> bytes:
        """What may change of a dialog."""
        return pack(dialog, self.flag_names(dialog.user_flags) if dialog.user_flags else "")

    # --- writing ----------------------------------------------------------------------------------------------------

    def insert(self, dialog: Dialog, also: Operation | None = None) -> None:
        """Store a dialog with its facts."""
        key, record, database = key_of(dialog), joined(self.pack(dialog), dialog.facts or b""), self.dialogs

        def operation(transaction: Any) -> None:
            transaction.put(key, record, db=database)
            if also is not None:
                also(transaction)
        self.environment.commits.post(operation)
        dialog.stored = True
        dialog.facts = None

    def update(self, dialog: Dialog, also: Operation | None = None, facts: bytes | None = None) -> None:
        """Store what has changed of a dialog; it is committed soon, with whatever else there is then."""
        self.environment.commits.post(self.updating(dialog, also, facts))

    def update_now(self, dialog: Dialog, also: Operation | None = None) -> None:
        """Store what has changed of a dialog; it is committed then."""
        self.environment.submit(self.updating(dialog, also, None))

    def updating(self, dialog: Dialog, also: Operation | None, facts: bytes | None) -> Operation:
        """The operation that stores what has changed."""
        key, state, database = key_of(dialog), self.pack(dialog), self.dialogs

        def operation(transaction: Any) -> None:
            stored = transaction.get(key, db=database)
            if stored is not None:
                kept = split(stored)[1] if facts is None else facts
                transaction.put(key, joined(state, kept), db=database)
            if also is not None:
                also(transaction)
        return operation

    def delete(self, dialog: Dialog, also: Operation | None = None) -> None:
        """Forget a dialog; its facts are in memory again, once that is committed."""
        key, database = key_of(dialog), self.dialogs

        def operation(transaction: Any) -> None:
            record = transaction.pop(key, db=database)
            if record is not None:
                dialog.facts = split(record)[1]
            if also is not None:
                also(transaction)
        self.environment.commits.post(operation)
        dialog.stored = False

    def run(self, operation: Operation) -> Any:
        """Carry out an operation of its own, and commit it."""
        return self.environment.submit(operation)

    # --- reading ----------------------------------------------------------------------------------------------------

    def facts(self, dialog: Dialog) -> Facts | None:
        """What the INVITE of a dialog and its answer said; None before there is one."""
        if dialog.facts is None:
            self.environment.commits.flush()
        if dialog.facts is not None:
            return Facts(dialog.facts)
        record = self.environment.get(key_of(dialog), self.dialogs) if dialog.stored else None
        return Facts(split(record)[1]) if record is not None else None

    def load(self) -> Iterator[tuple[Dialog, str]]:
        """All dialogs that the worker has stored, each with the names of its flags."""
        self.environment.commits.flush()
        for key, record in self.records(self.environment, self.dialogs):
            dialog, flags = unpack(*parts_of_key(key), split(record)[0])
            dialog.stored = True
            yield dialog, flags

    def records(self, environment: Environment, database: Any) -> list[tuple[bytes, bytes]]:
        """Everything that a database of an environment has."""
        with environment.reading(database) as transaction:
            return [(bytes(key), bytes(value)) for key, value in transaction.cursor()]

    def collect(self, is_ours: Callable[[Dialog], bool], workers: int) -> None:
        """Take over what others have stored and is ours now: there was another number of workers before."""
        for path in self.folder.glob(f"{PREFIX}*{SUFFIX}"):
            if path == self.path(self.worker):
                continue
            other = Environment(path, self.writing, SMALLEST, DATABASES)
            try:
                self.take_from(other, is_ours)
                self.note_met(slots_of(other.get(MET, other.database("about"))))
                if self.worker == 0 and int(path.name[len(PREFIX):-len(SUFFIX)]) >= workers:
                    self.take_shares(other)
            finally:
                other.close()

    def take_shares(self, other: Environment) -> None:
        """Answer for what a worker that there is no more has told the store of shared profiles."""
        theirs = other.database("shared sizes")
        taken = [share_of(value) for _, value in self.records(other, theirs)]
        ours = self.shares()
        for name, amount in taken:
            self.note_share(name, ours.get(name, 0) + amount)
        if taken:
            other.run(lambda transaction: transaction.drop(theirs, delete=False))

    def take_from(self, other: Environment, is_ours: Callable[[Dialog], bool]) -> None:
        """Move what is ours from another environment; whatever stands in both after a crash is ours already."""
        theirs = other.database("dialogs")
        moving = [(key, record) for key, record in self.records(other, theirs)
                  if is_ours(unpack(*parts_of_key(key), split(record)[0])[0])]
        if not moving:
            return

        def put(transaction: Any) -> None:
            for key, record in moving:
                transaction.put(key, record, db=self.dialogs, overwrite=False)

        def forget(transaction: Any) -> None:
            for key, _ in moving:
                transaction.delete(key, db=theirs)
        self.environment.submit(put)
        other.run(forget)
