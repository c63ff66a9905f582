"""Tables with the types that the scripts of OpenSIPS itself give them."""
from __future__ import annotations

from dataclasses import replace

from opensips_py.db import Database, schema
from opensips_py.db.creation import FLAVOURS, MYSQL, POSTGRES, SQLITE, statements
from tests.db.databases import create

TYPES = {
    "sqlite": replace(SQLITE, types={**SQLITE.types, "string": "CHAR(@)", "unsigned short": "SMALLINT(5)",
                                     "float": "FLOAT(10,2)", "char": "SMALLINT"}),
    "postgres": replace(POSTGRES, types={**POSTGRES.types, "unsigned int": "INTEGER", "unsigned short": "SMALLINT"}),
    "mysql": replace(MYSQL, types={**MYSQL.types, "string": "CHAR(@)", "int": "INT(11)",
                                   "unsigned int": "INT(10) UNSIGNED", "unsigned short": "SMALLINT(5) UNSIGNED",
                                   "unsigned long": "BIGINT(10) UNSIGNED", "float": "FLOAT(10,2)"},
                     counting={**MYSQL.counting, "unsigned int": "INT(10) UNSIGNED AUTO_INCREMENT PRIMARY KEY"})}


def emptied(url: str) -> Database:
    """The database without a table."""
    made = create(url)
    kind = made.url.scheme
    everything = {"sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
                  "postgres": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
                  "mysql": "SHOW TABLES"}[kind]
    for name, in made.query(everything).rows:
        made.query(f"DROP TABLE {FLAVOURS[kind].quoted(name)}")
    return made


def as_upstream(url: str, *tables: str, dialect: str = "2.1") -> Database:
    """A database with nothing in it but *tables*, as OpenSIPS *dialect* makes them."""
    made = emptied(url)
    for name in ("version", *tables):
        for each in statements(schema(dialect)[name], TYPES[made.url.scheme]):
            made.query(each)
    made.insert_many("version", ("table_name", "table_version"),
                     [(name, schema(dialect)[name].version) for name in tables])
    return made
