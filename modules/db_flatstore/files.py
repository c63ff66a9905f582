"""Files that rows are appended to, by threads: a disk that is slow holds up nobody else."""
from __future__ import annotations

import glob
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from opensips_py.blocking import Busy
from opensips_py.db import Answer, Database, DatabaseUrl, QueryError, Row, Session, Unavailable, Where
from opensips_py.module import run_blocking

T = TypeVar("T")
PATIENCE = 10.0  # seconds that the disk may take
LAST = 4 << 20  # bytes in which a line is looked for
FULL = 16384  # bytes that are written together where rows need not be in the file at once
ONLY = "flatstore only takes rows: it gives none back and changes none"


@dataclass(frozen=True)
class Style:
    """How rows are written."""

    delimiter: str
    flush: bool
    shared: bool = False  # other processes append to the same files


@dataclass
class File:
    """One file, opened when the first row comes."""

    descriptor: int
    path: str
    waiting: list[bytes] = field(default_factory=list)

    def flush(self) -> None:
        """Write what waits; what is not written goes on waiting."""
        data = b"".join(self.waiting)
        while data:
            done = os.write(self.descriptor, data)
            data = data[done:]
            self.waiting = [data] if data else []


class FlatDatabase(Database):
    """A folder of such files; *name_of* gives the path of a table's file, *every* the pattern of the names of those
    of all processes."""

    can = frozenset(("insert",))

    def __init__(self, url: DatabaseUrl, style: Style, name_of: Callable[[str], str],
                 every: Callable[[str], str] = str) -> None:
        self.url, self.style, self.name_of, self.every = url, style, name_of, every
        self.files: dict[str, File] = {}
        self.lock = threading.Lock()  # held by threads of the pool, and never while one waits for the hub

    def run(self, operation: Callable[[Session], T], *, together: bool = False, patience: float | None = None) -> T:
        session = FlatSession(self.style)
        result = operation(session)
        if session.lines:
            allowed = PATIENCE if patience is None else patience
            paths = {table: self.name_of(table) for table in session.lines if table not in self.files}
            try:
                run_blocking(self.append, session.lines, paths, deadline=allowed)
            except TimeoutError:
                raise Unavailable(f"{self.url} took longer than {allowed:g} s", outcome=False) from None
            except (Busy, OSError) as error:
                raise Unavailable(f"{self.url}: {error}") from error
        return result

    def append(self, lines: Mapping[str, bytes], paths: Mapping[str, str]) -> None:
        """Append lines to the files of their tables: all, or where the disk does not take them, none."""
        with self.lock:
            before: list[tuple[File, int, list[bytes]]] = []
            try:
                for table, data in lines.items():
                    file = self.files.get(table) or self.opened(table, paths[table])
                    before.append((file, os.fstat(file.descriptor).st_size, list(file.waiting)))
                    file.waiting.append(data)
                    if self.style.flush or sum(map(len, file.waiting)) >= FULL:
                        file.flush()
            except OSError:
                for file, size, waiting in before:
                    file.waiting = waiting
                    if not self.style.shared:
                        os.ftruncate(file.descriptor, size)
                raise

    def occurrences(self, rows: Sequence[tuple[str, Mapping[str, Any]]]) -> list[int]:
        """How often each of *rows* is among the last lines of its table, in the files of all processes."""
        wanted = [(glob.escape(os.path.dirname(self.name_of(table))), self.every(table),
                   line(tuple(values.values()), self.style.delimiter)) for table, values in rows]
        try:
            return run_blocking(self.count, wanted, deadline=PATIENCE)
        except TimeoutError:
            raise Unavailable(f"{self.url} took longer than {PATIENCE:g} s") from None
        except (Busy, OSError) as error:
            raise Unavailable(f"{self.url}: {error}") from error

    def count(self, wanted: Sequence[tuple[str, str, bytes]]) -> list[int]:
        """Look for lines at the ends of files."""
        with self.lock:
            ends: dict[str, list[bytes]] = {}
            for folder, pattern, _ in wanted:
                if pattern not in ends:
                    ends[pattern] = [each for path in glob.glob(os.path.join(folder, pattern)) for each in end_of(path)]
            return [ends[pattern].count(sought) for _, pattern, sought in wanted]

    def opened(self, table: str, path: str) -> File:
        """The file of a table, opened now."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        file = self.files[table] = File(os.open(path, flags, 0o664), path)
        return file

    def rotate(self) -> list[str]:
        """Close all files; their paths."""
        return run_blocking(self.close_all, deadline=PATIENCE)

    def close_all(self) -> list[str]:
        """Write what waits, and close."""
        with self.lock:
            closed = list(self.files.values())
            self.files.clear()
            for each in closed:
                try:
                    each.flush()
                finally:
                    os.close(each.descriptor)
        return [each.path for each in closed]

    def close(self) -> None:
        self.close_all()


class FlatSession:
    """Gathers what one operation adds; nothing is written unless all of it can be."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.lines: dict[str, bytes] = {}

    def insert(self, table: str, values: Mapping[str, Any], returning: str = "") -> Any:
        """Append a row."""
        if returning:
            raise QueryError("rows of flatstore have no numbers")
        self.insert_many(table, tuple(values), [tuple(values.values())])
        return 0

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Append rows."""
        if not table or "/" in table or "\0" in table:
            raise QueryError(f"{table!r} is no name of a table")
        added = b"".join(line(row, self.style.delimiter) for row in rows)
        self.lines[table] = self.lines.get(table, b"") + added

    def columns(self, table: str) -> list[str]:
        """Not to be had."""
        raise QueryError(ONLY)

    def select(self, table: str, columns: Sequence[str], where: Where | None = None, order: Sequence[str] = (),
               limit: int = 0) -> list[Row]:
        """Not to be had."""
        raise QueryError(ONLY)

    def update(self, table: str, values: Mapping[str, Any], where: Where) -> int:
        """Not to be had."""
        raise QueryError(ONLY)

    def delete(self, table: str, where: Where) -> int:
        """Not to be had."""
        raise QueryError(ONLY)

    def replace(self, table: str, values: Mapping[str, Any], key: Sequence[str]) -> None:
        """Not to be had."""
        raise QueryError(ONLY)

    def query(self, statement: str, values: Sequence[Any] = ()) -> Answer:
        """Not to be had."""
        raise QueryError(ONLY)


def end_of(path: str) -> list[bytes]:
    """The last lines of a file."""
    with open(path, "rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - LAST))
        return file.readlines()


def line(row: Row, delimiter: str) -> bytes:
    """A row as a line."""
    return delimiter.join(shown(each, delimiter) for each in row).encode("utf-8") + b"\n"


def shown(value: Any, delimiter: str) -> str:
    """A value in a line."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return str(int(value.timestamp()))
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return f"{value:f}"
    data = value if isinstance(value, (bytes, bytearray)) else str(value).encode("utf-8", "surrogateescape")
    text = data.decode("latin-1")
    if text.isascii() and text.isprintable() and delimiter not in text and "\\" not in text:
        return text
    return "".join(sign if is_plain(sign, delimiter) else escaped(sign) for sign in text)


def is_plain(sign: str, delimiter: str) -> bool:
    """Whether a byte may stand in a line as it is."""
    return sign not in (delimiter, "\\") and " " <= sign <= "~"


def escaped(sign: str) -> str:
    """A byte that may not."""
    return f"\\x{ord(sign):02X}"
