"""The copy of a table, or of some of its rows, in a cache."""
from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import gevent

from opensips_py.db import Database, DatabaseError, Row, Unavailable
from opensips_py.db.values import as_text
from opensips_py.module import Cache, CacheError
from opensips_py.modules.sql_cacher.entry import Entry

NUMBERS = range(-(1 << 31), 1 << 31)  # that fit an int of OpenSIPS
Value = int | str | None
Values = dict[str, Value]


class Copy:
    """One entry: its table and its cache. *expire* is how long whole copies are kept, *chunk* how many rows are put
    away before other work runs."""

    def __init__(self, entry: Entry, database: Database, cache: Cache, expire: int, chunk: int,
                 big_as_text: bool) -> None:
        self.entry, self.database, self.cache = entry, database, cache
        self.expire, self.chunk, self.big_as_text = expire, chunk, big_as_text
        self._columns = entry.columns

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are cached; DatabaseError where the table has to tell, and cannot."""
        if not self._columns:
            names = self.database.run(lambda session: session.columns(self.entry.table))
            self._columns = tuple(each for each in names if each != self.entry.key)
        return self._columns

    def row(self, key: str) -> Values | None:
        """The row with *key*: from the cache, or from the table where rows are cached when they are asked for, and
        where the copy is not there. None where there is none; CacheError, DatabaseError."""
        found = self.cache.fetch(self.entry.place(key))
        if found is not None:
            return unpacked(found)
        if self.entry.on_demand or not self.is_whole():
            return self.read(key)
        return None

    def is_whole(self) -> bool:
        """Whether all rows of the table are in the cache."""
        return self.cache.fetch(self.entry.id) is not None

    def read(self, key: str) -> Values | None:
        """Read the row with *key* from the table into the cache; one that is gone leaves the cache."""
        wanted: Any = key
        if self.entry.key_is_number:
            if not key.lstrip("-").isdecimal():
                return None
            wanted = int(key)
        columns = self.columns
        rows = self.database.select(self.entry.table, columns, {self.entry.key: wanted}, limit=1)
        if not rows:
            self.cache.remove(self.entry.place(key))
            return None
        values = self.values(columns, rows[0])
        self.store(key, values)
        return values

    def read_all(self) -> int:
        """Read the whole table into the cache, and take out what is no longer in it; how many rows it has."""
        columns, entry = self.columns, self.entry
        rows = self.database.select(entry.table, (entry.key, *columns))
        kept = set()
        for number, (key, *row) in enumerate(rows):
            if key is None:
                continue
            text = as_text(key)
            self.store(text, self.values(columns, tuple(row)))
            kept.add(text)
            if number % self.chunk == self.chunk - 1:
                gevent.sleep(0)
        self.cache.store(entry.id, str(len(kept)), self.expire)
        self.forget(kept)
        return len(kept)

    def forget(self, kept: set[str] | frozenset[str] = frozenset()) -> None:
        """Take out all rows but those *kept*."""
        for key in list(self.keys()):
            if key not in kept:
                self.cache.remove(self.entry.place(key))

    def keys(self) -> Iterator[str]:
        """The keys of the rows in the cache."""
        return (self.entry.key_of(place) for place in self.cache.keys(self.entry.place("*")))

    def rows(self) -> Iterator[Values]:
        """All rows in the cache."""
        for place in self.cache.keys(self.entry.place("*")):
            found = self.cache.fetch(place)
            if found is not None:
                yield unpacked(found)

    def store(self, key: str, values: Values) -> None:
        """Put a row into the cache."""
        text = json.dumps(values, separators=(",", ":"), ensure_ascii=False)
        self.cache.store(self.entry.place(key), text, self.entry.expire if self.entry.on_demand else self.expire)

    def values(self, columns: tuple[str, ...], row: Row) -> Values:
        """A row as variables may hold it."""
        return {name: self.value(each) for name, each in zip(columns, row, strict=True)}

    def value(self, value: Any) -> Value:
        """A column as a variable may hold it: a number, a text, or NULL; moments are seconds since 1970."""
        if value is None:
            return None
        if isinstance(value, int):
            return str(value) if self.big_as_text and value not in NUMBERS else int(value)
        if isinstance(value, datetime):
            return int(value.timestamp())
        return as_text(value)


def unpacked(text: str) -> Values:
    """A row as the cache has it."""
    found: Values = json.loads(text)
    return found


FAILURES = (CacheError, DatabaseError, ValueError)
__all__ = ["FAILURES", "Copy", "Unavailable", "Value"]
