"""What all processes know of a file that events go to: its path now, how often it was rotated, what is in it."""
from __future__ import annotations

from typing import Any

from opensips_py.state import Records, Words
from opensips_py.state.locking import locked

LOCK, ROTATIONS, LINES, BYTES, PERIOD, LENGTH, PATH = range(7)  # words of a record
LONGEST = 1024  # bytes of a path
RECORD = PATH + LONGEST // 8
CAPACITY = 1024  # files that there may have been since the server was started


class Book:
    """The records of all files; *words* are the same in every process."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self.records = Records(words, CAPACITY)

    @staticmethod
    def size() -> int:
        """How many words it takes."""
        return Records.size(CAPACITY, CAPACITY * RECORD)

    def names(self) -> list[str]:
        """The files there have been, as sockets name them."""
        return self.records.names()

    def page(self, name: str) -> Page:
        """The record of a file."""
        return Page(self.words, self.records.place(name, RECORD))


class Page:
    """The record of one file."""

    def __init__(self, words: Words, place: int) -> None:
        self.words: Any = words
        self.place = place

    @property
    def rotations(self) -> int:
        """How often the file was opened anew; 0: nobody has opened it yet."""
        return int(self.words.load(self.place + ROTATIONS))

    @property
    def period(self) -> int:
        """The number of the period in which it was opened."""
        return int(self.words.load(self.place + PERIOD))

    @property
    def lines(self) -> int:
        """How many lines were written since it was opened."""
        return int(self.words.load(self.place + LINES))

    def wrote(self, lines: int, size: int) -> tuple[int, int]:
        """So many lines and bytes were written; how many there are now."""
        return (int(self.words.fetch_add(self.place + LINES, lines)) + lines,
                int(self.words.fetch_add(self.place + BYTES, size)) + size)

    def begins_with(self, size: int) -> None:
        """The file had *size* bytes when the server was started; whoever tells it first is right."""
        if self.rotations == 1:
            self.words.cas(self.place + BYTES, 0, size)

    def path(self) -> tuple[int, str]:
        """How often it was opened anew, and the path that it has since."""
        with locked(self.words, self.place + LOCK):
            return self.rotations, self._path()

    def rotate(self, seen: int, path: str, period: int) -> str | None:
        """Open the file anew, at *path*, unless another process has done so since *seen*; the path that it had, None
        where nothing is done."""
        data = path.encode("utf-8", "surrogateescape")
        with locked(self.words, self.place + LOCK):
            if self.rotations != seen:
                return None
            before = self._path()
            self.words.write(self.place + PATH, data)
            self.words.store(self.place + LENGTH, len(data))
            self.words.store(self.place + LINES, 0)
            self.words.store(self.place + BYTES, 0)
            self.words.store(self.place + PERIOD, period)
            self.words.store(self.place + ROTATIONS, seen + 1)
        return before

    def _path(self) -> str:
        length = min(max(self.words.load(self.place + LENGTH), 0), LONGEST)
        return str(self.words.read(self.place + PATH, length).decode("utf-8", "surrogateescape"))
