"""The operations on tables of text: SQLite in memory carries them out, files keep what they change."""
from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from opensips_py.db import QueryError, Row, Where
from opensips_py.db import textfile as text
from opensips_py.db.catalog import FoundColumn, FoundTable
from opensips_py.db.conditions import Comparison
from opensips_py.db.sqlite import SqliteSession
from opensips_py.modules.db_text.folder import Folder

KINDS = {**dict.fromkeys(text.NUMBERS, "INTEGER"), **dict.fromkeys(text.REALS, "REAL"),
         **dict.fromkeys(text.TEXTS, "TEXT"), **dict.fromkeys(text.BYTES, "BLOB")}
FAMILIES = {"INTEGER": "number", "REAL": "real", "TEXT": "text", "BLOB": "text"}
EMPTY = {"INTEGER": "0", "REAL": "0", "TEXT": "''", "BLOB": "x''"}
AT_ONCE = 1000


def quoted(name: str) -> str:
    """A name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


class Session(SqliteSession):
    """One operation, or several together."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.folder: Folder = connection.folder
        self.changed: set[str] | None = None  # tables that the operations which belong together have changed

    # Files

    def load(self, table: str, writing: bool = False) -> None:
        """Have a table in memory, as its file has it now."""
        if self.folder.is_outdated(table, writing):
            self.read(table)

    def read(self, table: str) -> None:
        """Read a table; what was read before stays where that is not possible."""
        signature = self.folder.signature(table)
        try:
            with open(self.folder.file(table), encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                columns = text.columns(file.readline())
                rows = list(text.rows(columns, file))
        except text.Malformed as error:
            raise QueryError(f"{self.folder.file(table)}: {error}") from None
        with self.translated(), self.atomic():
            self.make(table, columns, rows)
        self.folder.read[table] = (signature, columns)

    def fill(self, table: str, rows: Sequence[Row]) -> None:
        """Put rows into an empty table in memory."""
        if not rows:
            return
        statement = f"INSERT INTO {quoted(table)} VALUES ({', '.join('?' * len(rows[0]))})"
        try:
            self.raw.executemany(statement, rows)
        except UnicodeEncodeError:  # some are no UTF-8: one by one, slowly
            self.connection.execute_sql(f"DELETE FROM {quoted(table)}")
            for each in rows:
                self.send(statement, each)

    def lines(self, table: str) -> Iterator[str]:
        """A table as its file is to be."""
        columns = self.folder.read[table][1]
        cursor = self.raw.execute(f"SELECT {', '.join(quoted(each.name) for each in columns)} FROM {quoted(table)}")
        with contextlib.closing(cursor):
            yield from text.lines(columns, cursor)

    def write(self, tables: Iterable[str]) -> None:
        """Write tables into their files: all beside them first, so that a full disk changes none."""
        with self.translated():
            beside = {each: self.folder.prepare(each, self.lines(each)) for each in sorted(tables)}
            self.folder.put(beside)

    @contextmanager
    def changing(self, table: str) -> Iterator[None]:
        """Change a table in the block: of other processes, nobody does so meanwhile."""
        if self.changed is not None:
            self.load(table, writing=True)
            self.changed.add(table)
            yield
            return
        with self.together():
            assert self.changed is not None
            self.load(table, writing=True)
            self.changed.add(table)
            yield

    @contextmanager
    def together(self) -> Iterator[None]:
        with ExitStack() as stack:
            with self.translated():
                stack.enter_context(self.folder.locked())
            stack.callback(setattr, self, "changed", None)
            self.changed = set()
            before = dict(self.folder.read)
            try:
                with super().together():
                    yield
                    self.write(self.changed)
            except BaseException:
                self.forget(before)
                raise

    def forget(self, before: Mapping[str, Any]) -> None:
        """What was read in a transaction that was taken back is not in memory either."""
        for table in [name for name, value in self.folder.read.items() if before.get(name) is not value]:
            del self.folder.read[table]

    def dump(self) -> list[str]:
        """Write the tables in memory whose files are others; their names."""
        def differs(table: str) -> bool:
            try:
                return self.folder.signature(table) != self.folder.read[table][0]
            except QueryError:
                return True
        with self.translated(), self.folder.locked():
            found = [each for each in self.folder.read if self.folder.told(each) in (None, self.folder.read[each][0])
                     and differs(each)]
            self.write(found)
        return found

    def reload(self, table: str) -> list[str]:
        """Read the tables in memory anew, or one; their names."""
        names = [table] if table else list(self.folder.read)
        for each in names:
            self.read(each)
        return names

    # Operations

    def columns(self, table: str) -> list[str]:
        self.load(table)
        return super().columns(table)

    def select(self, table: str, columns: Sequence[str], where: Where | None = None, order: Sequence[str] = (),
               limit: int = 0) -> list[Row]:
        self.load(table)
        return super().select(table, columns, where and plain(where), order, limit)

    def insert(self, table: str, values: Mapping[str, Any], returning: str = "") -> Any:
        with self.changing(table):
            return super().insert(table, plain(values), returning)

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        with self.changing(table):
            super().insert_many(table, columns, (tuple(map(value_of, each)) for each in rows))

    def update(self, table: str, values: Mapping[str, Any], where: Where) -> int:
        with self.changing(table):
            return super().update(table, plain(values), plain(where))

    def delete(self, table: str, where: Where) -> int:
        with self.changing(table):
            return super().delete(table, plain(where))

    def replace(self, table: str, values: Mapping[str, Any], key: Sequence[str]) -> None:
        with self.changing(table):
            super().replace(table, values, key)

    # Upkeep

    def names(self) -> list[str]:
        """The tables of the folder: files whose first lines say columns."""
        return sorted(filter(self.folder.is_table, os.listdir(self.folder.path)))

    def found(self, table: str) -> FoundTable:
        """What a table is like; from now on it is in memory."""
        self.load(table)
        return FoundTable(table, tuple(FoundColumn(
            each.name, each.kind, FAMILIES[KINDS[each.kind]], 8 if each.kind in ("long", "bigint") else 0, each.null,
            True, each.auto) for each in self.folder.read[table][1]), ())

    def rebuild(self, table: str, columns: Sequence[text.TextColumn], values: str) -> None:
        """Give a table other columns: *values*, as SQL over those that it has."""
        with self.changing(table), self.translated():
            rows = self.connection.execute_sql(f"SELECT {values} FROM {quoted(table)}").fetchall()
            self.make(table, columns, rows)
            self.folder.read[table] = (self.folder.signature(table), tuple(columns))

    def make(self, table: str, columns: Sequence[text.TextColumn], rows: Sequence[Row]) -> None:
        """Make a table in memory, with what is in it."""
        self.connection.execute_sql(f"DROP TABLE IF EXISTS {quoted(table)}")
        self.connection.execute_sql(f"CREATE TABLE {quoted(table)} ({', '.join(map(definition, columns))})")
        self.fill(table, rows)


def definition(column: text.TextColumn) -> str:
    """A column of a table in memory: what a row does not say is 0 or empty where NULL may not be."""
    kind = KINDS[column.kind]
    if column.auto and kind == "INTEGER":
        return f"{quoted(column.name)} INTEGER PRIMARY KEY"
    return f"{quoted(column.name)} {kind}" + ("" if column.null else f" NOT NULL DEFAULT {EMPTY[kind]}")


def value_of(value: Any) -> Any:
    """A value as files have it: moments are seconds since 1970."""
    return int(value.timestamp()) if isinstance(value, datetime) else value


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values, or conditions, as files have them."""
    return {name: compared(each) if isinstance(each, Comparison) else value_of(each) for name, each in values.items()}


def compared(found: Comparison) -> Comparison:
    """A comparison as files have its value."""
    value = found.value
    return replace(found, value=list(map(value_of, value)) if isinstance(value, list) else value_of(value))
