"""The tables of OpenSIPS as statements of SQL, for each kind of database that can keep them."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from opensips_py.db.schema import Column, Index, Table


@dataclass(frozen=True)
class Flavour:
    """How one kind of database writes tables; *types* are patterns over the size of a column."""

    name: str
    quote: str
    types: dict[str, str]
    counting: dict[str, str]  # types of columns that number rows themselves
    transactional: bool = True  # tables are made and changed within transactions

    def quoted(self, name: str) -> str:
        """A name as an identifier."""
        return self.quote + name.replace(self.quote, self.quote * 2) + self.quote

    def column(self, name: str) -> str:
        """A column of a new table. The scripts of OpenSIPS do not quote: PostgreSQL keeps small letters then."""
        return self.quoted(name.lower() if self.name == "postgres" else name)

    def type_of(self, column: Column) -> str:
        """The type of a column, its key included where it numbers rows."""
        if column.autoincrement:
            return self.counting.get(column.type, self.counting["unsigned int"])
        return self.types[column.type].replace("@", column.size or "255")


SQLITE = Flavour("sqlite", '"', {
    "string": "VARCHAR(@)", "text": "TEXT", "int": "INTEGER", "unsigned int": "INTEGER", "unsigned long": "INTEGER",
    "unsigned short": "INTEGER", "char": "INTEGER", "float": "REAL", "double": "REAL", "datetime": "DATETIME",
    "binary": "BLOB",
}, {"unsigned int": "INTEGER PRIMARY KEY AUTOINCREMENT"})
POSTGRES = Flavour("postgres", '"', {
    "string": "VARCHAR(@)", "text": "TEXT", "int": "INTEGER", "unsigned int": "BIGINT", "unsigned long": "BIGINT",
    "unsigned short": "INTEGER", "char": "SMALLINT", "float": "REAL", "double": "DOUBLE PRECISION",
    "datetime": "TIMESTAMP WITHOUT TIME ZONE", "binary": "BYTEA",
}, {"unsigned int": "SERIAL PRIMARY KEY", "unsigned long": "BIGSERIAL PRIMARY KEY"})
MYSQL = Flavour("mysql", "`", {
    "string": "VARCHAR(@)", "text": "TEXT", "int": "INT", "unsigned int": "INT UNSIGNED",
    "unsigned long": "BIGINT UNSIGNED", "unsigned short": "SMALLINT UNSIGNED", "char": "TINYINT", "float": "FLOAT",
    "double": "DOUBLE", "datetime": "DATETIME", "binary": "BLOB",
}, {"unsigned int": "INT UNSIGNED AUTO_INCREMENT PRIMARY KEY",
    "unsigned long": "BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY"}, transactional=False)
TEXT = replace(SQLITE, name="text")  # files, whose rows SQLite holds in memory
FLAVOURS = {"text": TEXT, "sqlite": SQLITE, "postgres": POSTGRES, "postgresql": POSTGRES, "mysql": MYSQL}
WITHOUT_DEFAULT = {("mysql", "text"), ("mysql", "binary")}
LONGEST_KEY = 191  # characters of a text that MySQL can have in a key


def statements(table: Table, flavour: Flavour) -> Iterator[str]:
    """What makes *table* and its indexes."""
    lines = [definition(each, flavour) for each in table.columns]
    plain = [each.name for each in table.columns if each.primary and not each.autoincrement]
    if plain:
        kind = "UNIQUE" if any(each.autoincrement for each in table.columns) else "PRIMARY KEY"
        lines.append(f"{kind} ({', '.join(map(flavour.column, plain))})")
    yield f"CREATE TABLE {flavour.quoted(table.name)} (\n    " + ",\n    ".join(lines) + "\n)"
    for each in table.indexes:
        yield index(table, each, flavour)


def definition(column: Column, flavour: Flavour) -> str:
    """One column."""
    parts = [flavour.column(column.name), flavour.type_of(column)]
    if not column.autoincrement:
        parts.append("NULL" if column.null else "NOT NULL")
        if column.has_default and (flavour.name, column.type) not in WITHOUT_DEFAULT:
            parts.append("DEFAULT " + ("NULL" if column.default is None else literal(column)))
    return " ".join(parts)


def literal(column: Column) -> str:
    """The default of a column as SQL."""
    text = str(column.default)
    if column.type in ("string", "text", "datetime", "binary"):
        return "'" + text.replace("'", "''") + "'"
    return text or "0"


def index(table: Table, found: Index, flavour: Flavour) -> str:
    """One index; its name says the table, for most databases have one space of names for all."""
    kinds = {each.name: each for each in table.columns}
    long = {"text", "binary"}
    columns = ", ".join(
        flavour.column(each) + (f"({LONGEST_KEY})" if flavour.name == "mysql" and kinds[each].type in long else "")
        for each in found.columns)
    unique = "UNIQUE " if found.unique else ""
    name = flavour.quoted(f"{table.name}_{found.name}")
    return f"CREATE {unique}INDEX {name} ON {flavour.quoted(table.name)} ({columns})"
