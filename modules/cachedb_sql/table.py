"""A cache as rows of a table.

A value stands as a text, and where it is a number also as that. What grows is the number, in the database itself; the
text follows while the row is locked by the same transaction.
"""
from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from opensips_py.db import Conflict, Database, DatabaseError, QueryError, Session, Unavailable
from opensips_py.db.changes import Increase
from opensips_py.db.conditions import Comparison
from opensips_py.db.values import as_text
from opensips_py.module import Cache, CacheError
from opensips_py.module.glob import glob as pattern_of

T = TypeVar("T")
NUMBERS = range(-(1 << 31), 1 << 31)  # that the column of counters takes
ATTEMPTS = 3  # at a row that others make at the same time


class NoNumber(QueryError):
    """The value is no number."""


@dataclass(frozen=True)
class Columns:
    """The names of the table and its columns."""

    table: str = "cachedb"
    key: str = "keyname"
    value: str = "value"
    counter: str = "counter"
    expires: str = "expires"


class TableCache(Cache):
    """The values in a table."""

    def __init__(self, database: Database, columns: Columns) -> None:
        self.database, self.columns = database, columns

    def fetch(self, key: str) -> str | None:
        names = self.columns
        rows = self._run(lambda session: session.select(names.table, (names.value, names.expires), {names.key: key}))
        now = time.time()
        return next((as_text(value) for value, expires in rows if not expires or expires > now), None)

    def store(self, key: str, value: str, expires: int) -> None:
        names = self.columns
        row = {names.key: key, names.value: value, names.counter: number(value) or 0, names.expires: ending(expires)}
        self._run(lambda session: session.replace(names.table, row, (names.key,)))

    def remove(self, key: str) -> None:
        self._run(lambda session: session.delete(self.columns.table, {self.columns.key: key}))

    def counter(self, key: str) -> int | None:
        found = self.fetch(key)
        counted = None if found is None else number(found)
        if found is not None and counted is None:
            raise ValueError(f"the value of {key} is no number")
        return counted

    def add(self, key: str, amount: int, expires: int) -> int:
        for attempt in range(ATTEMPTS):
            try:
                return self._run(lambda session: self._added(session, key, amount, expires), together=True)
            except NoNumber:
                raise ValueError(f"the value of {key} is no number") from None
            except Conflict as error:
                if attempt == ATTEMPTS - 1:
                    raise CacheError(str(error)) from None
        raise AssertionError

    def keys(self, glob: str) -> Iterator[str]:
        wanted, now, names = pattern_of(glob), time.time(), self.columns
        for key, expires in self._run(lambda session: session.select(names.table, (names.key, names.expires))):
            if wanted.matches(as_text(key)) and (not expires or expires > now):
                yield as_text(key)

    def clean(self, now: float) -> None:
        """Remove what is over."""
        self.database.delete(self.columns.table, {self.columns.expires: over(now)})

    def _added(self, session: Session, key: str, amount: int, expires: int) -> int:
        """Add, in a transaction; what the value is then."""
        names = self.columns
        same = {names.key: key}
        session.delete(names.table, {**same, names.expires: over(time.time())})
        changes: dict[str, Any] = {names.counter: Increase(amount)}
        if expires:
            changes[names.expires] = ending(expires)
        if not session.update(names.table, changes, same):
            session.insert(names.table, {**same, names.value: str(amount), names.counter: amount,
                                         names.expires: ending(expires)})
            return amount
        (value, counted), = session.select(names.table, (names.value, names.counter), same)
        if as_text(value) not in ("", str(counted - amount)):
            raise NoNumber("no number")
        session.update(names.table, {names.value: str(counted)}, same)
        return int(counted)

    def _run(self, operation: Callable[[Session], T], together: bool = False) -> T:
        try:
            return self.database.run(operation, together=together)
        except Unavailable as error:
            raise CacheError(str(error), outcome=error.outcome) from None
        except DatabaseError as error:
            if together and isinstance(error, (NoNumber, Conflict)):
                raise
            raise CacheError(str(error)) from None


def over(now: float) -> Comparison:
    """The condition that a time is given, and over."""
    return Comparison(lambda column, limit: (column > 0) & (column <= limit), int(now))


def ending(expires: int) -> int:
    """When something ends that lives for so many seconds from now on; 0 for ever."""
    return int(time.time()) + expires if expires else 0


def number(text: str) -> int | None:
    """A text as a number that the column of counters takes; None where it is none."""
    try:
        value = int(text)
    except ValueError:
        return None
    return value if value in NUMBERS and str(value) == text else None
