"""A database of each kind that works with SQL, with the tables of one dialect."""
from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from opensips_py.db import Database, DatabaseUrl, schema
from opensips_py.db.creation import FLAVOURS, statements
from opensips_py.module.registry import Registry
from tests.servers import DatabaseServer


def opened(url: str, **settings: Any) -> Database:
    """The database of *url*, by its driver."""
    registry = Registry("4.0")
    registry.globals = {"db_max_async_connections": 10}
    driver: Any = registry.add(f"db_{DatabaseUrl.parse(url).scheme}")
    for name, value in settings.items():
        registry.set_parameter(driver.name, name, value)
    driver.databases = {}
    return driver.open(url)


def create(url: str, *tables: str, dialect: str = "4.0") -> Database:
    """The database of *url* with nothing in it but *tables* and their versions."""
    parsed = DatabaseUrl.parse(url)
    if parsed.scheme == "sqlite":
        sqlite3.connect(parsed.database).close()
    made = opened(url)
    flavour = FLAVOURS[parsed.scheme]
    for name in ("version", *tables):
        made.query(f"DROP TABLE IF EXISTS {flavour.quoted(name)}")
        for each in statements(schema(dialect)[name], flavour):
            made.query(each)
    made.insert_many("version", ("table_name", "table_version"),
                     [(name, schema(dialect)[name].version) for name in tables])
    return made


def url_of(kind: str, request: pytest.FixtureRequest, folder: object) -> str:
    """The URL of a database of *kind*: a file in *folder*, or one at the server that these tests have started."""
    if kind == "sqlite":
        return f"sqlite://{folder}/opensips.sqlite"
    server: DatabaseServer = request.getfixturevalue({"mysql": "mariadb_server", "postgres": "postgres_server"}[kind])
    return server.url
