"""What a database really has: tables, columns, keys and indexes, read from its own catalogue."""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from opensips_py.db.creation import Flavour
from opensips_py.db.session import Session

SHAPE = re.compile(r"\s*([a-z ]+?)\s*(?:\(\s*(\d+)[^)]*\))?(?:\s*(?:unsigned|zerofill|with.*|varying.*))*\s*\Z")
BYTES = {"tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "integer": 4, "serial": 4, "bigint": 8, "bigserial": 8,
         "boolean": 1, "bool": 1, "year": 2}
CHARACTERS = {"char", "varchar", "character", "character varying", "nchar", "nvarchar", "bpchar"}
TEXTS = {"text": 65535, "tinytext": 255, "mediumtext": 1 << 24, "longtext": 1 << 32, "clob": 1 << 32, "enum": 255}
REALS = {"float", "double", "real", "double precision", "numeric", "decimal"}
MOMENTS = {"datetime", "timestamp", "timestamp without time zone", "timestamp with time zone"}


@dataclass(frozen=True)
class FoundColumn:
    """A column as it is. *family* is text, number, real, moment, binary, or the type itself where it is none of these;
    *size* is the characters of a text or the bytes of a number, 0 where nothing limits them."""

    name: str
    declared: str
    family: str
    size: int
    null: bool
    has_default: bool
    counts: bool = False  # numbers rows by itself
    default: str | None = None  # as SQL


@dataclass(frozen=True)
class FoundIndex:
    """An index as it is; *primary*: that of the primary key; *constraint*: it stands for one, and goes with it."""

    name: str
    columns: tuple[str, ...]
    unique: bool
    primary: bool = False
    constraint: bool = False


@dataclass(frozen=True)
class FoundTable:
    """A table as it is."""

    name: str
    columns: tuple[FoundColumn, ...]
    indexes: tuple[FoundIndex, ...]

    def column(self, name: str) -> FoundColumn | None:
        """The column *name*, however it is written: PostgreSQL keeps names that were not quoted in small letters."""
        return next((each for each in self.columns if each.name.lower() == name.lower()), None)


def family(declared: str, flavour: str) -> tuple[str, int]:
    """The family of a type, and its size."""
    found = SHAPE.match(declared.lower())
    name, size = (found[1], int(found[2] or 0)) if found else (declared.lower(), 0)
    limited = flavour != "sqlite"  # SQLite takes what comes, whatever the type says
    if name in BYTES:
        return "number", BYTES[name] if limited else 0
    if name in CHARACTERS:
        return "text", size if limited else 0
    if name in TEXTS:
        return "text", TEXTS[name] if flavour == "mysql" else 0
    if name in REALS:
        return "real", 0
    if name in MOMENTS:
        return "moment", 0
    return ("binary" if "blob" in name or "binary" in name or name == "bytea" else name), 0


def tables(session: Session, flavour: Flavour) -> list[str]:
    """The names of all tables."""
    if flavour.name == "text":
        return session.names()  # type: ignore[attr-defined, no-any-return]
    return sorted(name for name, in session.query(LISTS[flavour.name]).rows)


def table(session: Session, flavour: Flavour, name: str) -> FoundTable:
    """The table *name*."""
    if flavour.name == "text":
        return session.found(name)  # type: ignore[attr-defined, no-any-return]
    columns, indexes = READERS[flavour.name]
    return FoundTable(name, tuple(columns(session, name)), tuple(indexes(session, name)))


LISTS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "postgres": "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() "
                "AND table_type = 'BASE TABLE'",
    "mysql": "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() "
             "AND table_type = 'BASE TABLE'",
}


def quoted(name: str) -> str:
    """A name for a PRAGMA, which takes no bound values."""
    return '"' + name.replace('"', '""') + '"'


def sqlite_columns(session: Session, name: str) -> Iterable[FoundColumn]:
    """The columns of a table of SQLite."""
    rows = session.query(f"PRAGMA table_info({quoted(name)})").rows
    keys = sum(bool(key) for *_, key in rows)
    for _, column, declared, filled, default, key in rows:
        counts = bool(key) and keys == 1 and declared.upper() == "INTEGER"
        yield FoundColumn(column, declared, *family(declared, "sqlite"), not filled and not key, default is not None,
                          counts, default)


def sqlite_indexes(session: Session, name: str) -> Iterable[FoundIndex]:
    """The indexes of a table of SQLite."""
    rows = session.query(f"PRAGMA table_info({quoted(name)})").rows
    key = [(number, column) for _, column, *_, number in rows if number]
    if key:
        yield FoundIndex("", tuple(column for _, column in sorted(key)), unique=True, primary=True)
    for _, index, unique, origin, *_ in session.query(f"PRAGMA index_list({quoted(name)})").rows:
        if origin != "pk":
            columns = session.query(f"PRAGMA index_info({quoted(index)})").rows
            yield FoundIndex(index, tuple(column for *_, column in columns if column), bool(unique))


POSTGRES_COLUMNS = """SELECT column_name, data_type, character_maximum_length, is_nullable, column_default, is_identity
FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ? ORDER BY ordinal_position"""
POSTGRES_INDEXES = """SELECT named.relname, found.indisunique, found.indisprimary,
    EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = found.indexrelid AND contype IN ('p', 'u')),
    (SELECT string_agg(each.attname, chr(1) ORDER BY key.place)
     FROM unnest(found.indkey) WITH ORDINALITY AS key(number, place)
     JOIN pg_attribute AS each ON each.attrelid = found.indrelid AND each.attnum = key.number)
FROM pg_index AS found JOIN pg_class AS named ON named.oid = found.indexrelid
JOIN pg_class AS owner ON owner.oid = found.indrelid JOIN pg_namespace AS space ON space.oid = owner.relnamespace
WHERE space.nspname = current_schema() AND owner.relname = ? ORDER BY 1"""


def postgres_columns(session: Session, name: str) -> Iterable[FoundColumn]:
    """The columns of a table of PostgreSQL."""
    for column, declared, size, null, default, identity in session.query(POSTGRES_COLUMNS, (name,)).rows:
        written = f"{declared}({size})" if size else declared
        kind, width = family(declared, "postgres")
        counts = identity == "YES" or str(default or "").startswith("nextval(")
        yield FoundColumn(column, written, kind, int(size or width), null == "YES", default is not None, counts,
                          default)


def postgres_indexes(session: Session, name: str) -> Iterable[FoundIndex]:
    """The indexes of a table of PostgreSQL."""
    for index, unique, primary, constraint, columns in session.query(POSTGRES_INDEXES, (name,)).rows:
        yield FoundIndex(index, tuple((columns or "").split("\x01")), bool(unique), bool(primary), bool(constraint))


NUMBERED = re.compile(r"nextval\('(.*)'::regclass\)\Z")


def postgres_sequence(session: Session, table: str, column: FoundColumn) -> str | None:
    """The sequence that numbers the rows of a column, as an identifier; None where nobody knows."""
    if found := NUMBERED.match(column.default or ""):
        return found[1].replace("''", "'")
    owned: str | None = session.query("SELECT pg_get_serial_sequence(?, ?)", (quoted(table), column.name)).rows[0][0]
    return owned


MYSQL_COLUMNS = """SELECT column_name, column_type, is_nullable, column_default, extra FROM information_schema.columns
WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position"""
MYSQL_INDEXES = """SELECT index_name, non_unique, column_name FROM information_schema.statistics
WHERE table_schema = DATABASE() AND table_name = ? ORDER BY index_name, seq_in_index"""


def mysql_columns(session: Session, name: str) -> Iterable[FoundColumn]:
    """The columns of a table of MySQL or MariaDB."""
    for column, declared, null, default, extra in session.query(MYSQL_COLUMNS, (name,)).rows:
        text = declared.decode() if isinstance(declared, bytes) else str(declared)
        yield FoundColumn(column, text, *family(text, "mysql"), null == "YES", default is not None or null == "YES",
                          "auto_increment" in str(extra), default)


def mysql_indexes(session: Session, name: str) -> Iterable[FoundIndex]:
    """The indexes of a table of MySQL or MariaDB."""
    found: dict[str, tuple[bool, list[str]]] = {}
    for index, several, column in session.query(MYSQL_INDEXES, (name,)).rows:
        found.setdefault(index, (not int(several), []))[1].append(str(column))
    for index, (unique, columns) in found.items():
        yield FoundIndex(index, tuple(columns), unique, index == "PRIMARY")


READERS = {"sqlite": (sqlite_columns, sqlite_indexes), "postgres": (postgres_columns, postgres_indexes),
           "mysql": (mysql_columns, mysql_indexes)}
