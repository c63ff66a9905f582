"""A collection of values in the node's LMDB environment.

The key of a record is the name of the collection and its own, so that those of a collection lie side by side; one that
is too long for that is hashed, and stands in the record.
"""
from __future__ import annotations

import hashlib
import json
import re
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from opensips_py.module.caches import Cache
from opensips_py.module.glob import glob as pattern_of

T = TypeVar("T")
DATABASE, MARKS = "cachedb_local", "cachedb_local marks"
STARTED = b"started"  # when the server was started that used the collections last
HEADER = struct.Struct("<dBH")  # when it ends (0: never), what it is, bytes of the key that stands in front of it
TEXT, MAP = 0, 1
LONGEST = 511  # bytes of a key
NUMBER = re.compile(r"[+-]?[0-9]+\Z")
CHUNK = 1000  # records that one transaction looks at


@dataclass(frozen=True, slots=True)
class Record:
    """A value with what belongs to it; *key* where the record has to say it."""

    expires: float
    kind: int
    data: bytes
    key: bytes = b""

    def pack(self) -> bytes:
        """As it is stored."""
        return HEADER.pack(self.expires, self.kind, len(self.key)) + self.key + self.data

    @classmethod
    def unpack(cls, stored: bytes) -> Record:
        """What pack() made."""
        expires, kind, length = HEADER.unpack_from(stored)
        start = HEADER.size + length
        return cls(expires, kind, stored[start:], stored[HEADER.size:start])

    def is_alive(self, now: float) -> bool:
        """Whether its time is not over."""
        return self.expires == 0 or self.expires > now

    def text(self) -> str:
        """The value; ValueError where it is a map."""
        if self.kind != TEXT:
            raise ValueError("there is a map under this key")
        return decoded(self.data)

    def fields(self) -> dict[str, str]:
        """The fields of the map; ValueError where it is none."""
        if self.kind != MAP:
            raise ValueError("there is no map under this key")
        found: dict[str, str] = json.loads(self.data)
        return found


class Collection(Cache):
    """One collection as a cache. Nothing here waits."""

    def __init__(self, environment: Any, name: str) -> None:
        self._environment = environment
        self._database = environment.database(DATABASE)
        self._prefix = encoded(name) + b"\0"

    def fetch(self, key: str) -> str | None:
        found = self._alive(self._environment.get(self._place(key)[0], self._database))
        return None if found is None else found.text()

    def store(self, key: str, value: str, expires: int) -> None:
        self._change(key, lambda _: Record(ending(expires), TEXT, encoded(value)))

    def remove(self, key: str) -> None:
        self._change(key, lambda _: None)

    def counter(self, key: str) -> int | None:
        found = self.fetch(key)
        return None if found is None else number(found)

    def add(self, key: str, amount: int, expires: int) -> int:
        def added(before: Record | None) -> Record:
            value = amount + (0 if before is None else number(before.text()))
            return Record(lasting(before, expires), TEXT, b"%d" % value)
        return number(self._change(key, added).text())

    def map_fetch(self, key: str) -> dict[str, str]:
        found = self._alive(self._environment.get(self._place(key)[0], self._database))
        return {} if found is None else found.fields()

    def map_change(self, key: str, stored: Mapping[str, str], removed: Iterable[str] = (), expires: int = 0) -> None:
        gone = set(removed)

        def changed(before: Record | None) -> Record | None:
            fields = {} if before is None else before.fields()
            left = {name: value for name, value in {**fields, **stored}.items() if name in stored or name not in gone}
            return Record(lasting(before, expires), MAP, json.dumps(left).encode()) if left else None
        self._change(key, changed)

    def keys(self, glob: str) -> Iterator[str]:
        wanted, now = pattern_of(glob), time.time()
        for place, record in records(self._environment, self._database, self._prefix):
            name = decoded(record.key or place[len(self._prefix):])
            if record.is_alive(now) and wanted.matches(name):
                yield name

    def shown(self, key: str) -> str | None:
        """The value of *key*, of whatever kind, as a text."""
        found = self._alive(self._environment.get(self._place(key)[0], self._database))
        return None if found is None else decoded(found.data)

    def remove_chunk(self, glob: str) -> None:
        """Remove all keys that *glob* fits."""
        remove(self._environment, self._database, (self._place(each)[0] for each in self.keys(glob)))

    def _place(self, key: str) -> tuple[bytes, bytes]:
        """Where *key* is stored, and what the record has to say of it."""
        text = encoded(key)
        if len(self._prefix) + len(text) <= LONGEST:
            return self._prefix + text, b""
        return self._prefix + b"\0" + hashlib.sha256(text).digest(), text[:0xFFFF]

    def _alive(self, stored: bytes | None) -> Record | None:
        record = None if stored is None else Record.unpack(stored)
        return record if record is not None and record.is_alive(time.time()) else None

    def _change(self, key: str, change: Callable[[Record | None], T]) -> T:
        """Put what *change* makes of the record of *key* in its place; None takes it out. Committed on return."""
        place, name = self._place(key)
        database = self._database

        def operation(transaction: Any) -> T:
            made = change(self._alive(transaction.get(place, db=database)))
            if isinstance(made, Record):
                transaction.put(place, Record(made.expires, made.kind, made.data, name).pack(), db=database)
            else:
                transaction.delete(place, db=database)
            return made
        result: T = self._environment.submit(operation)
        return result


def records(environment: Any, database: Any, prefix: bytes = b"") -> Iterator[tuple[bytes, Record]]:
    """The records whose keys begin with *prefix*; other work may run between two chunks."""
    following: bytes | None = prefix
    while following is not None:
        chunk, following = one_chunk(environment, database, following, prefix)
        yield from ((key, Record.unpack(value)) for key, value in chunk)


def one_chunk(environment: Any, database: Any, start: bytes, prefix: bytes) -> tuple[
        list[tuple[bytes, bytes]], bytes | None]:
    """Up to CHUNK records from *start* on, and where to go on; None: there is no more."""
    chunk: list[tuple[bytes, bytes]] = []
    with environment.reading(database) as transaction:
        cursor = transaction.cursor()
        if cursor.set_range(start) if start else cursor.first():
            for key, value in cursor:
                if not key.startswith(prefix):
                    break
                if len(chunk) == CHUNK:
                    return chunk, bytes(key)
                chunk.append((bytes(key), bytes(value)))
    return chunk, None


def remove(environment: Any, database: Any, places: Iterable[bytes], over: float | None = None) -> None:
    """Take records out, CHUNK with each transaction; with *over*, only those whose time is over then."""
    left = iter(places)
    while some := [place for _, place in zip(range(CHUNK), left, strict=False)]:
        def operation(transaction: Any, some: list[bytes] = some) -> None:
            for place in some:
                stored = transaction.get(place, db=database) if over is not None else None
                if over is None or (stored is not None and not Record.unpack(stored).is_alive(over)):
                    transaction.delete(place, db=database)
        environment.submit(operation)


def clean(environment: Any) -> None:
    """Take out the records of all collections whose time is over."""
    database, now = environment.database(DATABASE), time.time()
    remove(environment, database, (place for place, record in records(environment, database)
                                   if not record.is_alive(now)), now)


def begin(environment: Any, started: str, empties: bool) -> None:
    """Note the server that was *started* then; the first process of it that comes here empties all where that is so."""
    database, marks = environment.database(DATABASE), environment.database(MARKS)

    def operation(transaction: Any) -> None:
        if transaction.get(STARTED, db=marks) != started.encode():
            transaction.put(STARTED, started.encode(), db=marks)
            if empties:
                transaction.drop(database, delete=False)
    environment.submit(operation)


def ending(expires: int) -> float:
    """When something ends that lives for so many seconds from now on; 0 for ever."""
    return time.time() + expires if expires else 0.0


def lasting(before: Record | None, expires: int) -> float:
    """When something ends that was there *before*, or is new."""
    return ending(expires) if expires or before is None else before.expires


def number(text: str) -> int:
    """A text as a number; ValueError where it is none."""
    if not NUMBER.match(text):
        raise ValueError("the value is no number")
    return int(text)


def encoded(text: str) -> bytes:
    """A text as it is stored."""
    return text.encode("utf-8", "surrogateescape")


def decoded(data: bytes) -> str:
    """What encoded() made."""
    return data.decode("utf-8", "surrogateescape")
