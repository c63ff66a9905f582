"""A registrar with an SQL database, both of which may go and come back."""
from __future__ import annotations

import pathlib
from typing import Any

from opensips_py.db import Database, timestamp
from tests.db.databases import create, opened
from tests.modules.place import START, Place

COLUMNS = ("username", "domain", "contact")


class Office:
    """*mode* is a preset or a number of db_mode; workers come one after the other, on one state directory."""

    def __init__(self, folder: pathlib.Path, place: Any) -> None:
        self.folder, self.place = folder, place
        self.file = folder / "o.sqlite"
        self.worker: Any = None
        self.wall = START

    def time(self) -> float:
        """The time of the test, for what asks before it can be told otherwise."""
        return float(self.worker.wall if self.worker is not None else self.wall)

    @property
    def url(self) -> str:
        return f"sqlite://{self.file}"

    def create(self, dialect: str = "4.0") -> Database:
        """Make the database, with no contact in it."""
        return create(self.url, "location", dialect=dialect)

    def open(self, mode: str = "single-instance-sql-write-through", settings: str = "", dialect: Any = "4.0",
             body: str = 'save("location");', routes: str = "") -> Place:
        """A worker, in place of the one before."""
        name, value = ("db_mode", mode) if mode.isdigit() else ("working_mode_preset", f'"{mode}"')
        return self.open_with(f'modparam("usrloc", "{name}", {value})\n{settings}', dialect, body, routes)

    def open_with(self, settings: str, dialect: Any = "4.0", body: str = 'save("location");',
                  routes: str = "") -> Place:
        """The same, with nothing but *settings*."""
        lines = (f'loadmodule "db_sqlite.so"\nmodparam("db_sqlite", "busy_timeout", 50)\n'
                 f'modparam("usrloc", "db_url", "{self.url}")\n{settings}')
        if self.worker is not None:
            self.wall = self.worker.wall
        self.worker = None
        made: Place = self.place(body, lines, dialect, routes)
        made.wall = self.wall
        _ = made.table
        self.worker = made
        return made

    @property
    def database(self) -> Database:
        """The database as somebody else sees it."""
        return opened(self.url)

    def rows(self, *columns: str) -> list[Any]:
        """What the table has."""
        return sorted(self.database.select("location", columns or COLUMNS))

    def add(self, contact: str, **values: Any) -> None:
        """A row that somebody else has written; of version 1013, unless *expires* is a time of day."""
        row = {"contact_id": 77, "username": "alice", "domain": "example.com", "expires": int(START) + 600,
               "callid": "call-1", "cseq": 1, "last_modified": timestamp(START), "user_agent": "x", **values}
        self.database.insert("location", {"contact": contact, **{name: each for name, each in row.items()
                                                                 if each is not None}})

    def lose(self) -> None:
        """The database goes away."""
        self.file.rename(self.file.with_suffix(".gone"))
        self.used.close()  # connections that are open would not notice

    def find(self) -> None:
        """It is back, and asked at once."""
        self.file.with_suffix(".gone").rename(self.file)
        if self.worker is not None:
            self.used.breaker.succeeded()

    @property
    def used(self) -> Any:
        """The database as the worker has it."""
        return self.worker.module("db_sqlite").open(self.url)

    def marks(self) -> int:
        """Of how many addresses-of-record the database has not been told everything."""
        found: int = self.worker.table.marks.count()
        return found
