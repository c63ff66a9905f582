"""Shared variables: one number or text by name, the same in all processes, in memory that outlives each of them.

A number is one word, so that reading it is one load. A text lies in one of two buffers of its variable; its word says
which one, how long and how new it is. A writer fills the other buffer and then turns the word, so whoever reads never
waits for a writer, not even for one that died, and only looks again where two texts came meanwhile.
"""
from __future__ import annotations

import os

from opensips_py.state import Records, Words
from opensips_py.state.names import LONGEST, is_running

STATE, LOCK, WRITES, PLACES = range(4)  # words of a record; the last is the first of several
SIZES = (64, 512, 4096, 32768, 262144)  # bytes that a text of each class may have
RECORD = PLACES + len(SIZES)
UNSET, NUMBER, TEXT = range(3)  # the two lowest bits of the state
HEAP = 256 << 10  # words for texts, and for RECORD words of each variable
LARGEST = 1 << 61

Value = int | str


class SharedVariables:
    """All shared variables of the server; *words* are the same in every process."""

    def __init__(self, words: Words, capacity: int) -> None:
        self.words = words
        self.capacity = capacity
        self.records = Records(words, capacity)
        self._known: dict[str, int] = {}

    @staticmethod
    def size(capacity: int) -> int:
        """How many words *capacity* variables take."""
        return Records.size(capacity, HEAP + RECORD * capacity)

    def names(self) -> list[str]:
        """Those that have been set or read."""
        return self.records.names()

    def place(self, name: str) -> int:
        """Where the variable *name* is; it is made where there is none."""
        found = self._known.get(name)
        if found is None:
            if len(name.encode("utf-8", "surrogateescape")) > LONGEST:
                raise ValueError(f"the name of a shared variable has at most {LONGEST} bytes")
            found = self._known[name] = self.records.place(name, RECORD)
        return found

    def get(self, name: str) -> Value:
        """The value of *name*; 0 until it is set."""
        place = self.place(name)
        words = self.words
        while True:
            state = words.load(place)
            kind = state & 3
            if kind != TEXT:
                return state >> 2 if kind == NUMBER else 0
            buffer, size, length = state >> 2 & 1, state >> 3 & 7, state >> 6 & 0xFFFFFF
            data = words.read(words.load(place + PLACES + size) + buffer * SIZES[size] // 8, length)
            if words.cas(place, state, state):  # not a load: that might come before the last byte has been read
                return data.decode("utf-8", "surrogateescape")

    def set(self, name: str, value: Value) -> None:
        """Let *name* be *value*."""
        self._change(name, value, only_unset=False)

    def begin(self, name: str, value: Value) -> None:
        """Let *name* be *value*, unless somebody has set it already."""
        self._change(name, value, only_unset=True)

    def _change(self, name: str, value: Value, only_unset: bool) -> None:
        place = self.place(name)
        words = self.words
        self._lock(place)
        try:
            if not only_unset or words.load(place) == UNSET:
                words.store(place, self._number(value) if isinstance(value, int) else self._text(place, value))
        finally:
            words.store(place + LOCK, 0)

    def _number(self, value: int) -> int:
        if not -LARGEST <= value < LARGEST:
            raise ValueError(f"{value} is too large for a shared variable")
        return value << 2 | NUMBER

    def _text(self, place: int, value: str) -> int:
        data = value.encode("utf-8", "surrogateescape")
        size = next((number for number, most in enumerate(SIZES) if len(data) <= most), None)
        if size is None:
            raise ValueError(f"a shared variable holds at most {SIZES[-1]} bytes, not {len(data)}")
        words = self.words
        if not words.load(place + PLACES + size):
            words.store(place + PLACES + size, self.records.take(2 * SIZES[size] // 8))
        state = words.load(place)
        buffer = 1 - (state >> 2 & 1) if state & 3 == TEXT else 0  # not the one that somebody may be reading
        number = words.fetch_add(place + WRITES, 1) + 1
        words.write(words.load(place + PLACES + size) + buffer * SIZES[size] // 8, data)
        return (number & 0xFFFFFFFF) << 30 | len(data) << 6 | size << 3 | buffer << 2 | TEXT

    def _lock(self, place: int) -> None:
        # Held for a microsecond and never across a switch; a holder that was killed is passed over.
        me = os.getpid()
        while not self.words.cas(place + LOCK, 0, me):
            holder = self.words.load(place + LOCK)
            if holder and not is_running(holder) and self.words.cas(place + LOCK, holder, me):
                return
            os.sched_yield()
