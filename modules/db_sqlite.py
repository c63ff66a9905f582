"""SQLite: a database in one file, without a server."""
from __future__ import annotations

import functools
import os
import sqlite3
from typing import Annotated, Any

import peewee

from opensips_py.db import Database, DatabaseUrl
from opensips_py.db.driver import Driver
from opensips_py.db.pooled import PooledDatabase
from opensips_py.db.sqlite import SqliteSession, read_as_written
from opensips_py.module import Between, DatabaseDriver, Watching, param, param_setter

CONNECTIONS = 4  # of one worker: there is one writer at a time anyhow
GONE = ("unable to open", "disk i/o error", "not a database", "malformed")
PASSING = ("disk is full", "is locked", "readonly", "interrupted")
Milliseconds = Annotated[int, Between(0, 60_000)]


class Session(SqliteSession):
    """A session that knows what SQLite says when its file is the trouble, not the statement."""

    def is_lost(self, error: Exception) -> bool:
        return any(each in str(error).lower() for each in GONE)

    def is_passing(self, error: Exception) -> bool:
        return any(each in str(error).lower() for each in PASSING)


class DbSqlite(DatabaseDriver, name="db_sqlite", provides=("sqldb", "database:sqlite")):
    """Keep tables in an SQLite file: `sqlite:///path/to/file`. Workers read beside each other and write one after the
    other; a worker that has to wait for the disk goes on serving calls."""

    alloc_limit: Annotated[int, Between(1, 1 << 20)] = param(
        10, "Accepted without effect: rows are taken as they come, there is no buffer to grow.")
    busy_timeout: Milliseconds = param(500, "Milliseconds that a write waits for another one to end.")

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.pragmas: list[str] = []
        self.extensions: list[tuple[str, str]] = []

    @param_setter()
    def exec_pragma(self, text: str) -> None:
        """A pragma for each new connection, such as `cache_size=2000`. The journal is write-ahead unless one says
        otherwise."""
        self.pragmas.append(text)

    @param_setter()
    def load_extension(self, text: str) -> None:
        """A library for each new connection: its path, and behind a semicolon the function that starts it."""
        path, _, entry = text.partition(";")
        self.extensions.append((path.strip(), entry.strip()))

    def make(self, url: DatabaseUrl) -> Database:
        first = ["PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", *(f"PRAGMA {each}" for each in self.pragmas)]
        connect = functools.partial(connection, url.database, self.busy_timeout / 1000, tuple(self.extensions))
        driver = Driver(connect, Session, give_up=give_up, threads=True, first=first)
        return PooledDatabase(url, driver, Watching(self), size=CONNECTIONS)


def connection(path: str, timeout: float, extensions: tuple[tuple[str, str], ...]) -> Any:
    """An open connection. A file that is not there is not made: its tables would be missing all the same."""
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {path}: `opensips-py db create` makes it")
    made: Any = peewee.SqliteDatabase(path, timeout=timeout, thread_safe=False, check_same_thread=False)
    made.connect()
    raw: sqlite3.Connection = made.connection()
    read_as_written(raw)
    for library, entry in extensions:
        raw.enable_load_extension(True)
        raw.execute("SELECT load_extension(?, ?)", (library, entry)) if entry else raw.load_extension(library)
        raw.enable_load_extension(False)
    return made


def give_up(made: Any) -> None:
    """Have whatever still runs in a thread end; the connection is closed when that thread lets go of it."""
    made.connection().interrupt()
