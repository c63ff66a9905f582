"""The files of a database of text, and what workers tell each other of them."""
from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from opensips_py.db import QueryError
from opensips_py.db.textfile import Malformed, TextColumn, columns

LOCK, PENDING = ".lock", ".pending"
Signature = tuple[int, int, int]  # inode, size, time of the last change: whether a file is the one that was read


class Folder:
    """One folder as this process knows it; *read* holds what of it is in memory, by table."""

    def __init__(self, path: str, looks: bool) -> None:
        self.path, self.looks = path, looks
        self.read: dict[str, tuple[Signature, tuple[TextColumn, ...]]] = {}

    def file(self, table: str) -> str:
        """The path of a table; QueryError where its name is none of a file here."""
        if not table or "/" in table or "\0" in table or table.startswith("."):
            raise QueryError(f"{table!r} is no name of a table")
        return os.path.join(self.path, table)

    def is_table(self, name: str) -> bool:
        """Whether a file here is a table."""
        with contextlib.suppress(OSError, QueryError, Malformed), open(
                self.file(name), encoding="utf-8", errors="surrogateescape", newline="\n") as file:
            return bool(columns(file.readline(1 << 16)))
        return False

    def signature(self, table: str) -> Signature:
        """What the file of a table is now; QueryError where there is none."""
        try:
            found = os.stat(self.file(table))
        except FileNotFoundError:
            raise QueryError(f"there is no table {table} in {self.path}") from None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def is_outdated(self, table: str, writing: bool) -> bool:
        """Whether a table has to be read: for the first time, or since somebody has changed it. Changes of other
        workers are always seen; those of others where files are looked at, and before a change of our own."""
        if table not in self.read:
            return True
        before = self.read[table][0]
        if self.looks or writing:
            return self.signature(table) != before
        return self.told(table) not in (None, before)

    def told(self, table: str) -> Signature | None:
        """What the file was when a worker wrote it last; None where none has."""
        try:
            with open(os.path.join(self.path, f".{table}.written"), encoding="ascii") as file:
                inode, size, when = map(int, file.read().split())
        except (FileNotFoundError, ValueError):
            return None
        return inode, size, when

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from changing files meanwhile."""
        descriptor = os.open(os.path.join(self.path, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self.finish()
            yield
        finally:
            os.close(descriptor)

    def prepare(self, table: str, lines: Iterable[str]) -> str:
        """Write a table beside its file; the path."""
        beside = os.path.join(self.path, f".{table}.new")
        mode = 0o660
        with contextlib.suppress(FileNotFoundError):
            mode = os.stat(self.file(table)).st_mode & 0o777
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(descriptor)
        return beside

    @property
    def is_pending(self) -> bool:
        """Whether somebody was killed while several files were put in place."""
        return os.path.exists(os.path.join(self.path, PENDING))

    def put(self, prepared: Mapping[str, str]) -> None:
        """Put what was prepared in the places of the tables' files. Several are noted before: who is killed in between
        has done all of it, for whoever comes next finishes it."""
        if len(prepared) > 1:
            self.note(PENDING, "\n".join(prepared))
        for table, beside in prepared.items():
            os.replace(beside, self.file(table))
            self.tell(table)
            self.read[table] = (self.signature(table), self.read[table][1])
        if len(prepared) > 1:
            os.unlink(os.path.join(self.path, PENDING))

    def finish(self) -> None:
        """Put in place what somebody who was killed had noted; others do nothing to files meanwhile."""
        try:
            with open(os.path.join(self.path, PENDING), encoding="utf-8") as file:
                tables = file.read().splitlines()
        except FileNotFoundError:
            return
        for table in tables:
            with contextlib.suppress(FileNotFoundError):
                os.replace(os.path.join(self.path, f".{table}.new"), self.file(table))
                self.tell(table)
        os.unlink(os.path.join(self.path, PENDING))

    def note(self, name: str, content: str) -> None:
        """Write a file of our own: whole, or not at all."""
        path = os.path.join(self.path, name)
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(f"{path}.new", path)

    def tell(self, table: str) -> None:
        """Tell the other workers of the file of a table."""
        signature = self.signature(table)
        told = os.path.join(self.path, f".{table}.written")
        with open(f"{told}.new", "w", encoding="ascii") as file:
            file.write(" ".join(map(str, signature)))
        os.replace(f"{told}.new", told)
