"""A database as modules use it."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from opensips_py.db.session import Answer, Row, Session, Where
from opensips_py.db.url import DatabaseUrl

T = TypeVar("T")
ALL = frozenset(("select", "insert", "update", "delete", "replace", "query"))


class Watcher(Protocol):
    """Who is told how a database is."""

    def lost(self, database: Database, error: str) -> None:
        """It does not answer any more."""

    def back(self, database: Database) -> None:
        """It answers again."""

    def done(self, database: Database, operation: Callable[[Session], Any], seconds: float, result: Any = None) -> None:
        """An operation has taken *seconds*, and given *result*; it may be one that is Asked."""


class Asked(Generic[T]):
    """An operation on one table, or a statement, with what there is to tell of it."""

    __slots__ = ("carry_out", "columns", "table", "verb", "where")

    def __init__(self, carry_out: Callable[[Session], T], verb: str, table: str, columns: Sequence[str] = (),
                 where: Where | None = None) -> None:
        self.carry_out, self.verb, self.table, self.columns, self.where = carry_out, verb, table, columns, where

    def __call__(self, session: Session) -> T:
        return self.carry_out(session)

    def __str__(self) -> str:
        return f"{self.verb} {self.table}" if self.verb else self.table


class Database:
    """What all databases have; *can* names the operations that this one knows."""

    url: DatabaseUrl
    can: frozenset[str] = ALL

    @property
    def dialect(self) -> str:
        """Whose SQL it speaks: the scheme of its URL."""
        return self.url.scheme

    @property
    def pause(self) -> float:
        """Seconds for which it is not asked, because it did not answer."""
        return 0.0

    def run(self, operation: Callable[[Session], T], *, together: bool = False, patience: float | None = None) -> T:
        """Carry out *operation* and wait for it, at most *patience* seconds; *together*: all that it does, or nothing.

        It may run in another thread: it must not touch what belongs to the event loop. DatabaseError says why not.
        """
        raise NotImplementedError

    def close(self) -> None:
        """End all connections."""

    def select(self, table: str, columns: Sequence[str], where: Where | None = None, order: Sequence[str] = (),
               limit: int = 0) -> list[Row]:
        """See Session.select."""
        return self.run(Asked(lambda session: session.select(table, columns, where, order, limit), "select from", table,
                              columns, where))

    def insert(self, table: str, values: Mapping[str, Any], returning: str = "") -> Any:
        """See Session.insert."""
        return self.run(Asked(lambda session: session.insert(table, values, returning), "insert into", table, (),
                              values))

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """See Session.insert_many."""
        self.run(Asked(lambda session: session.insert_many(table, columns, rows), "insert into", table))

    def update(self, table: str, values: Mapping[str, Any], where: Where) -> int:
        """See Session.update."""
        return self.run(Asked(lambda session: session.update(table, values, where), "update", table, (), where))

    def delete(self, table: str, where: Where) -> int:
        """See Session.delete."""
        return self.run(Asked(lambda session: session.delete(table, where), "delete from", table, (), where))

    def replace(self, table: str, values: Mapping[str, Any], key: Sequence[str]) -> None:
        """See Session.replace."""
        self.run(Asked(lambda session: session.replace(table, values, key), "replace in", table, (), values))

    def occurrences(self, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[int]:
        """How often each of *rows*, with its table, is there; for who does not know whether it was written."""
        def look(session: Session) -> list[int]:
            return [len(session.select(table, tuple(values)[:1], values)) for table, values in rows]
        return self.run(look)

    def query(self, statement: str, values: Sequence[Any] = ()) -> Answer:
        """See Session.query."""
        return self.run(Asked(lambda session: session.query(statement, values), "", statement))
