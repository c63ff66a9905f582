"""The journal: rows on their way into a database, in the state directory until it is known that they are there.

Whoever writes them is the process that has put them there. A row is marked before it is sent; of one that is marked
when its process is gone nobody knows whether the database has it, so it is looked for before it is sent once more. What
a process leaves that is no more, another one takes over.

A call that ends is noted together with its rows, so that it is not accounted again if its end is told twice. Its rows
may be held back, until what ends it has been answered; those of a process that is gone are written as they are.
"""
from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opensips_py.modules.acc.rows import Moment, Row

if TYPE_CHECKING:
    from opensips_py.state.environment import Environment

LIMIT = 500_000  # rows
AT_ONCE = 500  # rows of a process that one transaction takes over
ROWS, HELD, CALLS = "accounting", "held back", "accounted calls"
FRESH, SENT = b"0", b"1"
KEY = struct.Struct(">QQ")  # whose, and in which order
OWNER = struct.Struct(">Q")
Places = Sequence[tuple[str, Row]]  # tables and rows


@dataclass(frozen=True, slots=True)
class Entry:
    """A row in the journal; *sent*: it may be in the database."""

    key: bytes
    table: str
    row: Row
    sent: bool


class Full(Exception):
    """The journal has no room for more."""


class Accounted(Exception):
    """That call has been accounted."""


def process(pid: int) -> int:
    """What tells a process from all others that have its number in time; 0 where there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            state, *rest = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0
    if state in (b"Z", b"X"):  # dead, and nobody has asked how it ended
        return 0
    begun = int(rest[18])
    return pid << 32 | begun & 0xFFFFFFFF


class Journal:
    """The rows of all processes of this server; *limit* is how many there may be."""

    def __init__(self, environment: Environment, limit: int = LIMIT, alive: Callable[[int], int] = process) -> None:
        self.environment, self.limit, self.alive = environment, limit, alive
        self.rows, self.held, self.calls = (environment.database(name) for name in (ROWS, HELD, CALLS))
        self.me = process(os.getpid())
        self.order = time.time_ns()

    def __len__(self) -> int:
        """How many rows wait."""
        return self.environment.entries(self.rows)

    def key(self) -> bytes:
        """A key behind all others of this process."""
        self.order += 1
        return KEY.pack(self.me, self.order)

    def add(self, rows: Places, call: bytes = b"", *, hold: bool = False) -> list[bytes]:
        """Put rows into the journal; their keys. Full where they find no room; Accounted where *call* was accounted
        before."""
        if rows and len(self) + len(rows) > self.limit:
            raise Full(f"{self.limit} rows wait")
        added = [(self.key(), FRESH + encoded(table, row)) for table, row in rows]
        database = self.held if hold else self.rows

        def put(transaction: Any) -> None:
            if call and not transaction.put(call, OWNER.pack(self.me), db=self.calls, overwrite=False):
                raise Accounted
            for key, value in added:
                transaction.put(key, value, db=database)
        self.environment.submit(put)
        return [key for key, _ in added]

    def release(self, keys: Iterable[bytes], rows: Places) -> None:
        """Put *rows* in place of those that were held back under *keys*."""
        keys, added = list(keys), [(self.key(), FRESH + encoded(table, row)) for table, row in rows]

        def put(transaction: Any) -> None:
            for key in keys:
                transaction.delete(key, db=self.held)
            for key, value in added:
                transaction.put(key, value, db=self.rows)
        self.environment.submit(put)

    def take(self, count: int) -> list[Entry]:
        """The oldest rows of this process, marked as sent from now on; each says whether it was so before."""
        def mark(transaction: Any) -> list[Entry]:
            found = []
            for key, value in self.of(transaction, self.rows, self.me, count):
                found.append(entry(key, value))
                if value[:1] == FRESH:
                    transaction.put(key, SENT + value[1:], db=self.rows)
            return found
        return self.environment.submit(mark)

    def forget(self, keys: Iterable[bytes]) -> None:
        """These are in the database, or not to be had there."""
        self.delete(self.rows, list(keys))

    def forget_calls(self, calls: Iterable[bytes]) -> None:
        """Nobody will tell the end of these any more."""
        self.delete(self.calls, list(calls))

    def delete(self, database: Any, keys: Sequence[bytes]) -> None:
        """Take keys out."""
        def take_out(transaction: Any) -> None:
            for key in keys:
                transaction.delete(key, db=database)
        if keys:
            self.environment.submit(take_out)

    def of(self, transaction: Any, database: Any, owner: int, count: int) -> list[tuple[bytes, bytes]]:
        """Keys and values of one process."""
        found: list[tuple[bytes, bytes]] = []
        prefix = OWNER.pack(owner)
        cursor = transaction.cursor(db=database)
        more = cursor.set_range(prefix)
        while more and len(found) < count and cursor.key().startswith(prefix):
            found.append((bytes(cursor.key()), bytes(cursor.value())))
            more = cursor.next()
        return found

    def gone(self, database: Any) -> list[int]:
        """Processes that have left something and are no more."""
        found = []
        with self.environment.reading() as transaction:
            cursor = transaction.cursor(db=database)
            more = cursor.first()
            while more:
                owner, _ = KEY.unpack(cursor.key())
                found.append(owner)
                more = cursor.set_range(OWNER.pack(owner + 1))
        return [each for each in found if each != self.me and self.alive(each >> 32) != each]

    def adopt(self) -> int:
        """Take over what processes have left that are no more; how many rows, at most AT_ONCE of each."""
        left = [(database, owner) for database in (self.rows, self.held) for owner in self.gone(database)]

        def move(transaction: Any) -> int:
            moved = 0
            for database, owner in left:
                for key, value in self.of(transaction, database, owner, AT_ONCE):
                    transaction.delete(key, db=database)
                    transaction.put(self.key(), value, db=self.rows)
                    moved += 1
            return moved
        return self.environment.submit(move) if left else 0

    def old_calls(self) -> list[bytes]:
        """Accounted calls that processes have noted which are no more."""
        with self.environment.reading(self.calls) as transaction:
            noted = [(bytes(call), OWNER.unpack(owner)[0]) for call, owner in transaction.cursor()]
        gone = {owner for _, owner in noted if owner != self.me and self.alive(owner >> 32) != owner}
        return [call for call, owner in noted if owner in gone]


def encoded(table: str, row: Row) -> bytes:
    """A row as the journal has it."""
    values = [[name, {"at": int(value)} if isinstance(value, Moment) else value] for name, value in row]
    return json.dumps([table, values], ensure_ascii=False, separators=(",", ":")).encode()


def entry(key: bytes, value: bytes) -> Entry:
    """What the journal has, as a row."""
    table, values = json.loads(value[1:])
    row = tuple((name, Moment(each["at"]) if isinstance(each, dict) else each) for name, each in values)
    return Entry(key, table, row, value[:1] == SENT)
