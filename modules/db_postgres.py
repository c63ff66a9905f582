"""PostgreSQL."""
from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from opensips_py.db import Answer, Database, DatabaseUrl, Row, Where
from opensips_py.db.catalog import postgres_indexes
from opensips_py.db.driver import Driver, is_quiet
from opensips_py.db.pooled import PooledDatabase
from opensips_py.db.sql import SqlSession
from opensips_py.module import Between, DatabaseDriver, Watching, param

try:
    import peewee
    import psycopg
except ImportError as error:
    raise ImportError(f'{error.name} is missing: pip install "opensips-py[postgres]"') from None

PASSING = ("40", "53", "58", "25006", "55P03", "57014")  # beginnings of SQLSTATEs: others are in the way, or no room is
NOTICE = ("SELECT set_config(name, '1000', false) FROM pg_settings "  # what we have given up does not go on for ever
          "WHERE name = 'client_connection_check_interval'")
OURS = {"ssl_ca": "sslrootcert", "ssl_cert": "sslcert", "ssl_key": "sslkey"}


class Session(SqlSession):
    """A session that knows when PostgreSQL has ended a connection."""

    def is_lost(self, error: Exception) -> bool:
        return bool(self.raw.closed or self.raw.broken)

    def is_passing(self, error: Exception) -> bool:
        state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
        return state.startswith(PASSING)

    def taken(self, text: str) -> str:
        return super().taken(text).replace("\0", "\ufffd")  # it has no such sign

    def query(self, statement: str, values: Sequence[Any] = ()) -> Answer:
        # What scripts write has values where PostgreSQL takes no parameters: INTERVAL '5 minutes', concat('a', 'b').
        raw = self.raw
        usual, raw.cursor_factory = raw.cursor_factory, psycopg.ClientCursor
        try:
            return super().query(statement, values)
        finally:
            raw.cursor_factory = usual

    def spelled(self, table: str, name: str) -> str:
        """A column as its table has it: scripts of OpenSIPS do not quote names, which then are in small letters."""
        if name == name.lower():
            return name
        sign, name = name[:name.startswith("-")], name.lstrip("-")  # of an order
        known = self.connection.__dict__.setdefault("spelled", {})
        if table not in known:
            known[table] = set(super().columns(table))
        there = known[table]
        return sign + (name.lower() if name not in there and name.lower() in there else name)

    def spell(self, table: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """*values* by their columns, as the table has them."""
        return {self.spelled(table, name): value for name, value in values.items()}

    def select(self, table: str, columns: Sequence[str], where: Where | None = None, order: Sequence[str] = (),
               limit: int = 0) -> list[Row]:
        return super().select(table, [self.spelled(table, each) for each in columns],
                              where and self.spell(table, where), [self.spelled(table, each) for each in order], limit)

    def insert(self, table: str, values: Mapping[str, Any], returning: str = "") -> Any:
        return super().insert(table, self.spell(table, values), returning)

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        super().insert_many(table, [self.spelled(table, each) for each in columns], rows)

    def update(self, table: str, values: Mapping[str, Any], where: Where) -> int:
        return super().update(table, self.spell(table, values), self.spell(table, where))

    def delete(self, table: str, where: Where) -> int:
        return super().delete(table, self.spell(table, where))

    def put(self, table: str, values: Mapping[str, Any]) -> None:
        values = self.spell(table, values)
        with self.atomic():
            for each in postgres_indexes(self, table.rpartition(".")[2]):
                if each.unique and set(each.columns) <= set(values):
                    self.delete(table, {name: values[name] for name in each.columns})
            self.insert(table, values)


class DbPostgres(DatabaseDriver, name="db_postgres", provides=("sqldb", "database:postgres", "database:postgresql")):
    """Keep tables in PostgreSQL: `postgres://user:password@host:port/database`; without a host, by the local socket."""

    exec_query_threshold: Annotated[int, Between(0, 1 << 40)] = param(
        0, "Microseconds beyond which an operation is logged as slow; 0: none is.")
    max_db_queries: Annotated[int, Between(0, 1 << 20)] = param(
        2, "Accepted without effect: an idle connection that the server has closed is noticed before it is used.")
    timeout: Annotated[int, Between(1, 3600)] = param(5, "Seconds for a connection, and for an operation.")
    use_tls: bool = param(0, "Whether connections are encrypted; the options ssl_ca, ssl_cert and ssl_key of the URL "
                             "name files, and with ssl_ca the server's certificate is verified.")

    def make(self, url: DatabaseUrl) -> Database:
        size = int(self.registry.globals.get("db_max_async_connections", 10))
        connect = functools.partial(connection, url, self.timeout, self.tls(url))
        driver = Driver(connect, Session, is_alive=lambda made: is_quiet(made.connection().fileno()), give_up=give_up,
                        first=(NOTICE,))
        return PooledDatabase(url, driver, Watching(self, self.exec_query_threshold / 1e6), size=size,
                              patience=self.timeout)

    def tls(self, url: DatabaseUrl) -> dict[str, Any]:
        """What libpq is told of encryption."""
        if not self.use_tls:
            return {"sslmode": "disable"} if url.host else {}
        given = {theirs: url.option(ours) for ours, theirs in OURS.items() if url.option(ours)}
        return {"sslmode": "verify-full" if "sslrootcert" in given else "require", **given}


def connection(url: DatabaseUrl, timeout: float, options: dict[str, Any]) -> Any:
    """An open connection."""
    given: dict[str, Any] = {"host": url.host, "port": url.port, "user": url.user, "password": url.password}
    made: Any = peewee.PostgresqlDatabase(
        url.database, thread_safe=False, prefer_psycopg3=True, connect_timeout=max(int(timeout), 2), **options,
        **{name: value for name, value in given.items() if value})
    made.connect()
    return made


def give_up(made: Any) -> None:
    """Close without a word, whatever goes on in it."""
    made.connection().close()
