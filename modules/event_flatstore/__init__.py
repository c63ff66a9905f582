"""Write events into files, a line each."""
from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from opensips_py.blocking import Busy
from opensips_py.module import ConfigError, Event, MIError, Module, Route, Run, mi, param, param_setter, process_state
from opensips_py.module.declare import Dialect
from opensips_py.module.kinds import Format
from opensips_py.modules.event_flatstore.book import CAPACITY, LONGEST, Book
from opensips_py.modules.event_flatstore.files import BATCH, Done, File
from opensips_py.restraint import Restraint

PROTOCOL = "flatstore"
NOT_FOUND = 404
UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


class E_FLATSTORE_ROTATION(Event):
    """A file was closed and opened anew."""

    timestamp: int
    reason: str
    filename: str
    old_filename: str


class Files:
    """The files of this process; the module of each generation in turn writes them."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.owner: EventFlatstore | None = None
        self.generation = 0


class FlatstoreCarrier:
    """Sockets ``flatstore:path``."""

    def __init__(self, module: EventFlatstore) -> None:
        self.module = module

    def check(self, address: str) -> str | None:
        """What is wrong with a path."""
        if not address or "\0" in address or len(address.encode("utf-8", "surrogateescape")) > LONGEST // 2:
            return f"flatstore:{address}: a path is needed, of {LONGEST // 2} bytes at most"
        if os.path.isdir(address):
            return f"{address} is a directory"
        return None if self.module.has_room(address) else f"{self.module.max_open_sockets} files are open already"

    def send(self, address: str, event: str, values: Any) -> None:
        """Write the event."""
        self.deliver(address, event, values, None)

    def deliver(self, address: str, event: str, values: Any, done: Done | None) -> None:
        """Write the event, and tell whether that was possible."""
        self.module.write(address, self.module.line(event, values), done)


class EventFlatstore(Module, name="event_flatstore", events=[E_FLATSTORE_ROTATION]):
    """Append events to files: a subscriber `flatstore:/path/to/file` gets a line for each, the name of the event and
    its values with a delimiter between them. Line ends inside of values are written as \\n and \\r. Workers write
    beside the calls that they serve, all into the same file, which is opened anew when it is rotated: by
    management, by time, or when it has so many lines or bytes. Without a suffix that changes, that is the same file
    again, unless somebody has moved it away."""

    max_open_sockets: int = param(100, "Files that are open at a time; more subscriptions are refused.")
    delimiter: str = param(",", "What stands between the values of a line.")
    escape_delimiter: str = param(
        "", "What is written for a delimiter inside a value, as long; empty: a blank for the first character of one.")
    file_permissions: str = param("644", "Permissions of files that are made, an octal number.")
    suppress_event_name: bool = param(0, "Whether lines begin with the first value in place of the event.")
    rotate_period: int = param(0, "Seconds of a period, counted from 1970, after which a file is rotated; 0: never.")
    suffix: Format | None = param(None, "What the name of the file has behind the path of the socket; may hold "
                                  "variables, which are read when the file is opened.")
    shared: Files = process_state(Files)

    def __init__(self, dialect: Dialect = "4.0") -> None:
        super().__init__(dialect)
        self.most_lines = self.most_bytes = 0

    @param_setter()
    def rotate_count(self, value: int | str) -> None:
        """Lines after which a file is rotated; 0: never. A number that is too large for modparam is a text."""
        self.most_lines = amount(str(value), "rotate_count", {})

    @param_setter()
    def rotate_size(self, value: int | str) -> None:
        """Bytes after which a file is rotated; 0: never. In a text, k, m and g stand for KiB, MiB and GiB."""
        self.most_bytes = amount(str(value), "rotate_size", UNITS)

    def load(self) -> None:
        """Check the parameters."""
        if not self.delimiter:
            raise ConfigError("something has to stand between values", self.name, "delimiter")
        if self.escape_delimiter and len(self.escape_delimiter) != len(self.delimiter):
            raise ConfigError("it is as long as the delimiter", self.name, "escape_delimiter")
        if not 0 < self.max_open_sockets <= CAPACITY:
            raise ConfigError(f"there are 1 to {CAPACITY} files", self.name, "max_open_sockets")
        try:
            self.mode = int(self.file_permissions, 8)
        except ValueError:
            self.mode = -1
        if not 0 < self.mode <= 0o777:
            raise ConfigError(f"{self.file_permissions} is no octal number of permissions", self.name,
                              "file_permissions")

    def start(self) -> None:
        """Take subscriptions from now on."""
        self.complaints = Restraint(self.log, level=logging.ERROR)
        self.book = Book(self.services.shared_words("event_flatstore", Book.size()))
        self.shared.owner = self
        self.shared.generation += 1
        self.services.events.register(PROTOCOL, FlatstoreCarrier(self))

    def stop(self) -> None:
        """Write what waits, unless the next generation does."""
        if self.shared.owner is self:
            for file in self.shared.files.values():
                file.flush()
                if not file.is_busy:  # a thread may be writing this very moment
                    file.close()
            self.shared.files.clear()

    @mi(None, "evi_flat_rotate", v40="event_flatstore:rotate")
    def rotate_by_hand(self, path_to_file: str) -> None:
        """Have all processes open the file *path_to_file*, named as in the socket, anew: somebody has moved it."""
        if path_to_file not in self.book.names():
            raise MIError(NOT_FOUND, f"nobody writes to {path_to_file}")
        self.rotate(path_to_file, self.book.page(path_to_file).rotations, "mi")

    # Lines

    def line(self, event: str, values: Any) -> bytes:
        """An event as a line."""
        given = values.values() if isinstance(values, Mapping) else values
        parts = [*([] if self.suppress_event_name else [event]), *(self.escaped(each) for each in given)]
        return (self.delimiter.join(parts) + "\n").encode("utf-8", "surrogateescape")

    def escaped(self, value: Any) -> str:
        """A value as it may stand in a line."""
        text = "" if value is None else str(value)
        if not isinstance(value, int):
            text = (text.replace(self.delimiter, self.escape_delimiter) if self.escape_delimiter
                    else text.replace(self.delimiter[0], " "))
        return text.replace("\r", "\\r").replace("\n", "\\n")

    # Files

    def has_room(self, address: str) -> bool:
        """Whether one more file may be open; those that nobody is subscribed with any more are closed."""
        files = self.shared.files
        heard = {row["socket"] for rows in self.services.events.subscribers().values() for row in rows}
        for each in list(files):
            if not files[each].is_busy and not any(f"{PROTOCOL}:{each}" in socket.split() for socket in heard):
                files.pop(each).close()
        if address in files:
            return True
        if len(files) >= self.max_open_sockets:
            return False
        files[address] = File(address)
        return True

    def write(self, address: str, line: bytes, done: Done | None) -> None:
        """Have *line* written, beside the caller."""
        file = self.shared.files.get(address)
        if file is None:
            file = self.shared.files[address] = File(address)
        file.add(line, done)
        if not file.is_busy:
            file.is_busy = True
            self.services.spawn(self.drain, file)

    def drain(self, file: File) -> None:
        """Write all that waits for a file."""
        try:
            while file.waiting:
                owner = self.shared.owner or self  # a reload may come in between
                owner.write_some(file)
        finally:
            file.is_busy = False

    def write_some(self, file: File) -> None:
        """Write as many lines as belong into the file that is open, and open another one where it is time."""
        lines: list[tuple[bytes, Done | None]] = []
        try:
            page = self.follow(file)
            lines = file.take(max(self.most_lines - page.lines, 1) if self.most_lines else BATCH)
            data = b"".join(line for line, _ in lines)
            file.write(data)
            total, size = page.wrote(len(lines), len(data))
        except (OSError, Busy) as error:
            if isinstance(error, TimeoutError):
                file.fd = -1  # a thread may go on writing there
            lines = lines or file.take(BATCH)  # they have no place to go to
            self.complaints.say("%d events for %s are lost: %s", len(lines), file.path or file.address, error)
            settle(lines, arrived=False)
            return
        settle(lines, arrived=True)
        if self.most_lines and total >= self.most_lines:
            self.rotate(file.address, file.rotations, "count")
        elif self.most_bytes and size >= self.most_bytes:
            self.rotate(file.address, file.rotations, "size")

    def follow(self, file: File) -> Any:
        """Have the descriptor of *file* where the file is now; its page in the book."""
        page = self.book.page(file.address)
        seen, path = page.path()
        if not seen or (file.generation != self.shared.generation and path != self.path_of(file.address)):
            self.reopen(file.address, seen)
        elif self.rotate_period and page.period != self.period():
            self.rotate(file.address, seen, "period")
        file.generation = self.shared.generation
        seen, path = page.path()
        if file.fd < 0 or file.rotations != seen:
            page.begins_with(file.open(path, seen, self.mode))
        return page

    def rotate(self, address: str, seen: int, reason: str) -> None:
        """Have all processes open a file anew, and tell of it, unless another process was faster."""
        changed = self.reopen(address, seen)
        if changed is not None:
            event = E_FLATSTORE_ROTATION(int(time.time()), reason, *changed)
            self.services.spawn(self.raise_event, event)  # its route may wait, and the next lines shall not

    def reopen(self, address: str, seen: int) -> tuple[str, str] | None:
        """Have all processes open a file anew; its new path and its old one, None where another process was faster."""
        path = self.path_of(address)
        before = self.book.page(address).rotate(seen, path, self.period())
        return None if before is None else (path, before)

    def path_of(self, address: str) -> str:
        """Where the file is that a socket names, if it is opened now."""
        if self.suffix is None:
            return address
        suffix: Callable[[Run], str | None] = self.suffix
        path = address + (suffix(Run(self.services, self.services.generation, Route.EVENT, None)) or "")
        return path.encode("utf-8", "surrogateescape")[:LONGEST].decode("utf-8", "surrogateescape")

    def period(self) -> int:
        """The number of the period that it is now."""
        return int(time.time()) // self.rotate_period if self.rotate_period else 0


def settle(lines: list[tuple[bytes, Done | None]], *, arrived: bool) -> None:
    """Tell those who want to know what became of their lines."""
    for _, done in lines:
        if done is not None:
            done(arrived)


def amount(text: str, parameter: str, units: Mapping[str, int]) -> int:
    """A number, with a unit behind it where there are *units*."""
    unit = units.get(text[-1:].lower(), 1)
    digits = text[:-1] if unit > 1 else text
    if not digits.isascii() or not digits.isdigit():
        raise ConfigError(f"{text} is no number" + (" with k, m or g behind it" if units else ""),
                          "event_flatstore", parameter)
    return int(digits) * unit
