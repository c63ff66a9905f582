"""A key-value store in a table of a database."""
from __future__ import annotations

import time
from typing import Annotated, Any

from opensips_py.db import DatabaseError
from opensips_py.module import (
    Between,
    Cache,
    CacheDbUrl,
    CacheDriver,
    CacheUrl,
    ConfigError,
    database,
    driver,
    form_of,
    param,
    param_setter,
    timer,
    uses,
)
from opensips_py.module.cachedb import COUNTERS, KEYS, VALUES
from opensips_py.modules.cachedb_sql.table import Columns, TableCache

KIND = "cachedb"  # of the table, in the schemas of OpenSIPS


class CacheDbSql(CacheDriver, name="cachedb_sql", provides=("cachedb", "cachedb:sql")):
    """Keep values under keys in a database, where other servers find them, too. `sql:name-mysql://user:password@host/db`
    is the URL of a store that scripts call `sql:name-mysql`: behind the dash stands that of the database.

    Counters are kept in their own column as well; adding to one is safe whoever does so at the same time."""

    can = frozenset((VALUES, COUNTERS, KEYS))

    drivers: Any = uses("class:sqldb", optional=True)

    db_table: str = param("cachedb", "The table.")
    key_column: str = param("keyname", "Column of keys.")
    value_column: str = param("value", "Column of values.")
    counter_column: str = param("counter", "Column of the same values as numbers.")
    expires_column: str = param("expires", "Column of the times when values end, in seconds since 1970; 0: never.")
    cache_clean_period: Annotated[int, Between(1, 1 << 31)] = param(
        60, "Seconds between two searches for values whose time is over.")

    @param_setter("cachedb_url")
    def add_cachedb_url(self, url: CacheDbUrl) -> None:
        """The URL of a store, `sql:name-` and that of its database; may be given many times."""
        self.add_url(url)

    @property
    def columns(self) -> Columns:
        """The table and its columns."""
        return Columns(self.db_table, self.key_column, self.value_column, self.counter_column, self.expires_column)

    def settings(self) -> tuple[object, ...]:
        return (self.columns,)

    def check(self, url: CacheUrl) -> None:
        """Refuse a URL without that of a database whose driver is loaded."""
        if url.scheme != "sql" or "-" not in url.group:
            raise ConfigError(f'{url} is no URL of a database: those look like "sql:name-mysql://user:password@host/db"',
                              self.name, "cachedb_url")
        driver(self, database_url(url), "cachedb_url")

    def verify(self) -> None:
        """Refuse a table of a version that nobody knows."""
        for url in self.urls.values():
            form_of(self, database(self, database_url(CacheUrl.parse(url)), "cachedb_url"), self.db_table, KIND)

    def make(self, url: CacheUrl) -> Cache:
        return TableCache(database(self, database_url(url), "cachedb_url"), self.columns)

    @timer("cache_clean_period", scope="first")
    def clean(self) -> None:
        """Remove the values whose time is over."""
        for each in self.opened.values():
            store: Any = each.cache
            try:
                store.clean(time.time())
            except DatabaseError as error:
                self.log.error("%s: %s", each.url, error)


def database_url(url: CacheUrl) -> str:
    """The URL of the database behind that of a store."""
    return f"{url.group.partition('-')[2]}:{url.rest}"
