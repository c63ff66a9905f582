"""The files of a database of text, and what workers tell each other of them."""
from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from opensips_py.db import QueryError
from opensips_py.db.textfile import TextColumn

LOCK = ".lock"
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

    def put(self, table: str, beside: str) -> None:
        """Put what was prepared in the place of a table's file, and tell the other workers."""
        os.replace(beside, self.file(table))
        signature = self.signature(table)
        self.read[table] = (signature, self.read[table][1])
        told = os.path.join(self.path, f".{table}.written")
        with open(f"{told}.new", "w", encoding="ascii") as file:
            file.write(" ".join(map(str, signature)))
        os.replace(f"{told}.new", told)
