"""Writing: a queue for each file, and one runner at a time that empties it."""
from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable

from opensips_py.module import run_blocking

QUEUE = 10_000  # lines that wait for the disk
BATCH = 1000  # lines that are written at once
PATIENCE = 10.0  # seconds that the disk may take
Done = Callable[[bool], None]


class File:
    """A file as this process writes it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.path = ""
        self.fd = -1
        self.rotations = 0  # the one that this descriptor belongs to
        self.generation = -1  # of the configuration by which its path was made
        self.waiting: deque[tuple[bytes, Done | None]] = deque()
        self.is_busy = False

    def add(self, line: bytes, done: Done | None) -> None:
        """Have *line* written; OSError where too many wait already."""
        if len(self.waiting) >= QUEUE:
            raise OSError(f"{len(self.waiting)} lines wait for the disk")
        self.waiting.append((line, done))

    def take(self, most: int) -> list[tuple[bytes, Done | None]]:
        """The lines that come next."""
        return [self.waiting.popleft() for _ in range(min(most, BATCH, len(self.waiting)))]

    def open(self, path: str, rotations: int, mode: int) -> int:
        """Write to *path* from now on; how many bytes are there already."""
        self.close()
        found = run_blocking(opened, path, mode, deadline=PATIENCE)
        if isinstance(found, OSError):
            raise found
        self.fd = found
        self.path, self.rotations = path, rotations
        return os.fstat(found).st_size

    def write(self, data: bytes) -> None:
        """Write *data*."""
        error = run_blocking(written, self.fd, data, deadline=PATIENCE)
        if error is not None:
            raise error

    def close(self) -> None:
        """Give the descriptor back."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def flush(self) -> None:
        """Write what waits, here and now: the process ends."""
        if self.fd >= 0 and self.waiting:
            written(self.fd, b"".join(line for line, _ in self.waiting))
            self.waiting.clear()


# In a thread, where an exception would be printed: errors are what these return.

def opened(path: str, mode: int) -> int | OSError:
    """A descriptor that appends to *path*; a file that is new has *mode*, whatever the umask."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
    try:
        fd = os.open(path, flags | os.O_CREAT | os.O_EXCL, mode)
        os.fchmod(fd, mode)
        return fd
    except FileExistsError:
        pass
    except OSError as error:
        return error
    try:
        return os.open(path, flags)
    except OSError as error:
        return error


def written(fd: int, data: bytes) -> OSError | None:
    """Append *data*, in one piece as far as the system lets it."""
    try:
        while data:
            data = data[os.write(fd, data):]
    except OSError as error:
        return error
    return None
