"""Rows between tables and files: JSON (a row a line), CSV, or the files of db_text."""
from __future__ import annotations

import base64
import contextlib
import csv
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import peewee

from opensips_py.db import catalog, textfile
from opensips_py.db.creation import FLAVOURS, Flavour
from opensips_py.db.database import Database
from opensips_py.db.failures import QueryError
from opensips_py.db.schema import Table, known_versions, schema
from opensips_py.db.session import Row, Session
from opensips_py.db.values import FORMAT, as_bytes, as_text, moment, timestamp

NULL = "\\N"  # in CSV, where nothing is an empty text
AT_ONCE = 1000
WRAPPED: Any = peewee.__exception_wrapper__  # type: ignore[attr-defined]
DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\Z")
SAYS = ("table_name", "table_version")
Names = Sequence[str]


@dataclass(frozen=True)
class Form:
    """A way to write rows: *write* takes the columns as the database has them, *read* gives names and rows."""

    ending: str
    write: Callable[[IO[str], Sequence[catalog.FoundColumn], Iterable[Row]], int]
    read: Callable[[IO[str]], tuple[Names, Iterator[Row]]]


class FileError(Exception):
    """A file that cannot be read or written; no trouble of the database."""


@contextlib.contextmanager
def files_of(path: Path) -> Iterator[None]:
    """Say which file is the trouble: errors of writing do not."""
    try:
        yield
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from error


class Counted:
    """Rows that are counted while they pass."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows, self.number = rows, 0

    def __iter__(self) -> Iterator[Row]:
        for each in self.rows:
            self.number += 1
            yield each


def plain(value: Any) -> Any:
    """A value as JSON can have it."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"base64": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, datetime):
        return value.strftime(FORMAT)
    if isinstance(value, Decimal):
        return float(value)
    return str(value) if isinstance(value, date) else value


def value_of(found: Any) -> Any:
    """A value as the database takes it."""
    return base64.b64decode(found["base64"]) if isinstance(found, dict) else found


def write_json(file: IO[str], columns: Sequence[catalog.FoundColumn], rows: Iterable[Row]) -> int:
    """A JSON object a line."""
    names, counted = [each.name for each in columns], Counted(rows)
    for row in counted:
        file.write(json.dumps(dict(zip(names, map(plain, row), strict=True)), ensure_ascii=False) + "\n")
    return counted.number


def read_json(file: IO[str]) -> tuple[Names, Iterator[Row]]:
    """The rows of JSON objects; the first one says the columns."""
    objects = (parsed(number, line) for number, line in enumerate(file, 1) if line.strip())
    first = next(objects, None)
    if first is None:
        return (), iter(())
    names = tuple(first)

    def rows() -> Iterator[Row]:
        yield tuple(value_of(each) for each in first.values())
        for each in objects:
            if set(each) != set(names):
                raise ValueError(f"{file.name}: all rows must have the same columns, {', '.join(names)}")
            yield tuple(value_of(each[name]) for name in names)
    return names, rows()


def parsed(number: int, line: str) -> dict[str, Any]:
    """A line of JSON; ValueError says which one is none."""
    try:
        found = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"line {number} is no row")
    return found


def write_csv(file: IO[str], columns: Sequence[catalog.FoundColumn], rows: Iterable[Row]) -> int:
    """CSV with a line of names; NULL is \\N, and bytes are in base64 behind \\B."""
    out, counted = csv.writer(file, lineterminator="\n"), Counted(rows)
    out.writerow([each.name for each in columns])
    out.writerows([cell(plain(each)) for each in row] for row in counted)
    return counted.number


def cell(value: Any) -> Any:
    """A value in CSV."""
    if value is None:
        return NULL
    if isinstance(value, dict):
        return "\\B" + value["base64"]
    return "\\" + value if isinstance(value, str) and value.startswith("\\") else value


def meant(text: str) -> Any:
    """What a cell of CSV means."""
    if not text.startswith("\\"):
        return text
    if text == NULL:
        return None
    return base64.b64decode(text[2:]) if text.startswith("\\B") else text[1:]


def read_csv(file: IO[str]) -> tuple[Names, Iterator[Row]]:
    """The rows of a CSV file."""
    lines = csv.reader(file)
    names = tuple(next(lines, ()))

    def rows() -> Iterator[Row]:
        for number, line in enumerate(lines, 2):
            if len(line) != len(names):
                raise ValueError(f"{file.name}: line {number} has {len(line)} values for {len(names)} columns")
            yield tuple(meant(each) for each in line)
    return names, rows()


KINDS = {"number": "int", "moment": "int", "real": "double"}


def write_text(file: IO[str], columns: Sequence[catalog.FoundColumn], rows: Iterable[Row]) -> int:
    """A file of db_text: moments become numbers, seconds since 1970."""
    made = [textfile.TextColumn(each.name, "long" if each.size == 8 and each.family == "number"
                                else KINDS.get(each.family, "string"), each.null, each.counts) for each in columns]
    moments = [each.family == "moment" for each in columns]
    counted = Counted(rows)
    file.writelines(textfile.lines(made, (numbered(row, moments) for row in counted)))
    return counted.number


def numbered(row: Row, moments: Sequence[bool]) -> Row:
    """A row with its moments as numbers."""
    return tuple(int(moment(value)) if is_moment and value is not None else value
                 for value, is_moment in zip(row, moments, strict=True))


def read_text(file: IO[str]) -> tuple[Names, Iterator[Row]]:
    """The rows of a file of db_text."""
    made = textfile.columns(file.readline())
    return tuple(each.name for each in made), textfile.rows(made, file)


FORMS = {"json": Form(".jsonl", write_json, read_json), "csv": Form(".csv", write_csv, read_csv),
         "text": Form("", write_text, read_text)}


def files_made(database: Database, folder: Path, tables: Mapping[str, Table], versions: str) -> int:
    """Make the files of tables that are not there yet, and say their versions; how many they were."""
    folder.mkdir(parents=True, exist_ok=True)
    header = textfile.columns_of(schema("4.0")["version"])
    columns = {versions: header, **{name: textfile.columns_of(each) for name, each in tables.items()}}
    for name, made in columns.items():
        beside = folder / f".{name}.made"
        beside.write_text("".join(textfile.lines(made, ())), encoding="utf-8")
        with contextlib.suppress(FileExistsError):
            os.link(beside, folder / name)  # as a whole, and never over one that is there
        beside.unlink()
    known = {name for name, in database.select(versions, ("table_name",))}
    rows = [(name, each.version) for name, each in tables.items() if name not in known]
    database.insert_many(versions, ("table_name", "table_version"), rows)
    return len(rows)


def guessed(path: Path) -> str:
    """The name of the form of a file, by its ending."""
    return {".jsonl": "json", ".json": "json", ".csv": "csv"}.get(path.suffix, "text")


SNAPSHOT = {  # has all tables as they are at one moment; a transaction has begun already
    "postgres": ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",),
    "mysql": ("ROLLBACK", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
              "START TRANSACTION WITH CONSISTENT SNAPSHOT")}


def export(session: Session, scheme: str, versions: str, wanted: Mapping[str, str] | None, folder: Path,
           form: Form) -> dict[str, int]:
    """Write tables, all of OpenSIPS's where *wanted* says none; how many rows each has. Files appear when they are
    whole."""
    flavour = FLAVOURS.get(scheme) or FLAVOURS["sqlite"]
    with files_of(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for each in SNAPSHOT.get(flavour.name, ()):
        session.query(each)
    there = catalog.tables(session, flavour)
    names = list(wanted) if wanted is not None else [each for each in there if known_versions(each) or each == versions]
    counts = {}
    for name in names:
        if name not in there:
            raise QueryError(f"there is no table {name}")
        columns = catalog.table(session, flavour, name).columns
        rows = streamed(session, scheme, f"SELECT {', '.join(flavour.quoted(each.name) for each in columns)} "
                                         f"FROM {flavour.quoted(name)}")
        counts[name] = written(folder / f"{name}{form.ending}", form, columns, rows)
    return counts


def written(path: Path, form: Form, columns: Sequence[catalog.FoundColumn], rows: Iterable[Row]) -> int:
    """Write a file; nothing of it is seen before it is whole."""
    beside = path.with_name(f".{path.name}.new")
    with files_of(path):
        try:
            with open(beside, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                count = form.write(file, columns, rows)
            os.replace(beside, path)
        finally:
            with contextlib.suppress(OSError):
                beside.unlink()
    return count


def streamed(session: Any, scheme: str, statement: str) -> Iterator[Row]:
    """The rows of a statement, some at a time: a table may be larger than memory."""
    with contextlib.closing(cursor(session.raw, scheme)) as made:
        with session.translated(), WRAPPED:
            made.execute(statement)
        while some := fetched(session, made):
            yield from some


def fetched(session: Any, made: Any) -> Sequence[Row]:
    """The next rows of a cursor."""
    with session.translated(), WRAPPED:
        return made.fetchmany(AT_ONCE)  # type: ignore[no-any-return]


def cursor(raw: Any, scheme: str) -> Any:
    """A cursor whose rows stay in the server until they are fetched."""
    if scheme == "mysql":
        from pymysql.cursors import SSCursor
        return raw.cursor(SSCursor)
    return raw.cursor("export") if scheme.startswith("postgres") else raw.cursor()


def take(session: Session, scheme: str, versions: str, files: Iterable[tuple[Path, Form]], *,
         clear: bool) -> dict[str, int]:
    """Add the rows of files to the tables that bear their names; how many each has got. The table of versions gets
    those that it does not have: what the others are like is not for files to say."""
    flavour = FLAVOURS.get(scheme) or FLAVOURS["sqlite"]
    there = set(catalog.tables(session, flavour))
    counts: dict[str, int] = {}
    for path, form in files:
        name = path.name.removesuffix(form.ending) if form.ending else path.name
        if name not in there:
            raise QueryError(f"there is no table {name}")
        if clear and name != versions:
            session.delete(name, {})
        with files_of(path), open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            found, rows = form.read(file)
            table = catalog.table(session, flavour, name)
            new = unsaid(session, table, found, rows) if name == versions and set(found) >= set(SAYS) else rows
            counts[name] = added(session, table, found, new)
            counting(session, flavour, table)
    return counts


def unsaid(session: Session, table: catalog.FoundTable, names: Names, rows: Iterable[Row]) -> Iterator[Row]:
    """The rows of the table of versions that are not there yet; QueryError where one is there with another version."""
    known = {as_text(name): int(found) for name, found in session.select(table.name, ("table_name", "table_version"))}
    for row in rows:
        found = dict(zip(names, row, strict=True))
        name, version = as_text(found["table_name"]), int(found["table_version"])
        if name not in known:
            yield row
        elif known[name] != version:
            raise QueryError(f"table {name} has version {known[name]} here, and {version} in the file")


def counting(session: Session, flavour: Flavour, table: catalog.FoundTable) -> None:
    """Have PostgreSQL number rows beyond those that came with numbers; never anew what others were given."""
    for each in table.columns if flavour.name == "postgres" else ():
        if each.counts and (sequence := catalog.postgres_sequence(session, table.name, each)):
            session.query(f"SELECT setval(found.sequence, found.most) FROM (SELECT CAST(? AS regclass) AS sequence, "
                          f"(SELECT MAX({flavour.quoted(each.name)}) FROM {flavour.quoted(table.name)}) AS most) "
                          "AS found WHERE found.most > COALESCE(pg_sequence_last_value(found.sequence), 0)",
                          (sequence,))


def added(session: Session, table: catalog.FoundTable, names: Names, rows: Iterator[Row]) -> int:
    """Add rows to a table; how many."""
    if not names:
        return 0
    if strange := [each for each in names if table.column(each) is None]:
        raise QueryError(f"table {table.name} has no column {', '.join(strange)}")
    there = [found for each in names if (found := table.column(each)) is not None]
    counted = Counted(rows)
    session.insert_many(table.name, [each.name for each in there], (
        tuple(map(fit, there, row)) for row in counted))
    return counted.number


def fit(column: catalog.FoundColumn, value: Any) -> Any:
    """A value of a file as a column takes it."""
    if column.family == "moment" and isinstance(value, int):
        return timestamp(value)
    if isinstance(value, str) and column.family == "binary":
        return as_bytes(value)
    if isinstance(value, str) and column.family == "number" and DATE.match(value):
        return int(moment(value))
    return value
