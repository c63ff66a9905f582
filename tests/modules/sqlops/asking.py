"""Scripts that ask a database, and what it has then."""
from __future__ import annotations

from typing import Any

from opensips_py.db import Database
from tests.db.databases import create
from tests.modules.bench import Bench, options

PEOPLE = (("alice", "secret", 7), ("bob", "", -3), ("carol", None, None))
TABLE = {"sqlite": "CREATE TABLE people (name VARCHAR(32) PRIMARY KEY, word VARCHAR(64), age INTEGER)",
         "postgres": "CREATE TABLE people (name VARCHAR(32) PRIMARY KEY, word VARCHAR(64), age INTEGER)",
         "mysql": "CREATE TABLE people (name VARCHAR(32) PRIMARY KEY, word VARCHAR(64), age INTEGER)"}


def peopled(url: str) -> Database:
    """A database with the table `people`, and the one of AVPs."""
    made = create(url, "usr_preferences")
    made.query("DROP TABLE IF EXISTS people")
    made.query(TABLE[made.dialect])
    made.insert_many("people", ("name", "word", "age"), PEOPLE)
    return made


class Asking:
    """A database and the scripts that ask it."""

    def __init__(self, url: str, dialect: Any = "4.0") -> None:
        self.url, self.dialect = url, dialect
        self.database = peopled(url)
        self.benches: list[Bench] = []
        self.module = "sqlops" if dialect == "4.0" else "avpops"

    def bench(self, body: str, settings: str = "", routes: str = "") -> Bench:
        """A script; what a function gives is in $var(rc) behind it."""
        driver = self.url.partition(":")[0]
        made = Bench(f"db_{driver} {self.module}", body,
                     f'modparam("{self.module}", "db_url", "{self.url}")\n{settings}', routes, dialect=self.dialect)
        made.registry.globals = {"db_max_async_connections": 2}
        self.benches.append(made)
        return made

    def run(self, body: str, settings: str = "", message: str = "") -> Any:
        """The run of a request."""
        bench = self.bench(body, settings)
        return bench.run_on(bench.message(message or options()))

    def variables(self, body: str, settings: str = "", message: str = "") -> dict[str, Any]:
        """The variables of a run."""
        return dict(self.run(body, settings, message).variables)

    def avps(self, body: str, settings: str = "", message: str = "") -> dict[str, list[Any]]:
        """The AVPs of a run, the newest values first."""
        return dict(self.run(body, settings, message).avps)

    def people(self) -> list[tuple[Any, ...]]:
        """The rows of `people`."""
        return self.database.select("people", ("name", "word", "age"), order=("name",))

    def stored(self, *columns: str) -> list[tuple[Any, ...]]:
        """The rows of `usr_preferences`."""
        return self.database.select("usr_preferences", columns, order=("id",))

    def close(self) -> None:
        """End all connections."""
        self.database.close()
        for bench in self.benches:
            for database in getattr(bench.module(f"db_{self.url.partition(':')[0]}"), "databases", {}).values():
                database.close()
