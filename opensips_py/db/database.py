"""A database as modules use it."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

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

    def done(self, database: Database, operation: str, seconds: float) -> None:
        """An operation has taken *seconds*."""


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
        return self.run(lambda session: session.select(table, columns, where, order, limit))

    def insert(self, table: str, values: Mapping[str, Any], returning: str = "") -> Any:
        """See Session.insert."""
        return self.run(lambda session: session.insert(table, values, returning))

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """See Session.insert_many."""
        self.run(lambda session: session.insert_many(table, columns, rows))

    def update(self, table: str, values: Mapping[str, Any], where: Where) -> int:
        """See Session.update."""
        return self.run(lambda session: session.update(table, values, where))

    def delete(self, table: str, where: Where) -> int:
        """See Session.delete."""
        return self.run(lambda session: session.delete(table, where))

    def replace(self, table: str, values: Mapping[str, Any], key: Sequence[str]) -> None:
        """See Session.replace."""
        self.run(lambda session: session.replace(table, values, key))

    def occurrences(self, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[int]:
        """How often each of *rows*, with its table, is there; for who does not know whether it was written."""
        def look(session: Session) -> list[int]:
            return [len(session.select(table, tuple(values)[:1], values)) for table, values in rows]
        return self.run(look)

    def query(self, statement: str, values: Sequence[Any] = ()) -> Answer:
        """See Session.query."""
        return self.run(lambda session: session.query(statement, values))
