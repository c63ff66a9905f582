"""A directory in shared memory: every process finds the same number for the same name."""
from __future__ import annotations

import hashlib
import os

from opensips_py.state._words import Words

LOCK, COUNT, HEADER = 0, 1, 8  # words
ENTRY = 16  # words per name
LONGEST = ENTRY * 8 - 8  # bytes of a name; the first word is its length


class SharedNames:
    """Numbers for names, handed out once and for good, to whichever process asks first."""

    def __init__(self, words: Words, capacity: int) -> None:
        if len(words) < self.size(capacity):
            raise ValueError("the directory does not fit into these words")
        self._words = words
        self._capacity = capacity
        self._known: dict[bytes, int] = {}

    @staticmethod
    def size(capacity: int) -> int:
        """How many words a directory of *capacity* names takes."""
        return HEADER + ENTRY * capacity

    def number(self, name: str) -> int:
        """The number of *name*, a new one if no process has asked for it before."""
        key = name.encode()
        if len(key) > LONGEST:
            key = hashlib.blake2b(key, digest_size=32).hexdigest().encode()
        found = self._find(key)
        if found is not None:
            return found
        self._lock()
        try:
            found = self._find(key)
            return self._append(key) if found is None else found
        finally:
            self._words.store(LOCK, 0)

    def __len__(self) -> int:
        return self._words.load(COUNT)

    def names(self) -> list[str]:
        """All names that have a number, in the order of their numbers; of one too long to be kept, its hash."""
        self._find(b"")
        return [key.decode() for key in self._known]

    def _find(self, key: bytes) -> int | None:
        for index in range(len(self._known), self._words.load(COUNT)):
            place = HEADER + ENTRY * index
            self._known[self._words.read(place + 1, self._words.load(place))] = index
        return self._known.get(key)

    def _append(self, key: bytes) -> int:
        index = self._words.load(COUNT)
        if index >= self._capacity:
            raise MemoryError(f"there is no room for more than {self._capacity} shared names")
        place = HEADER + ENTRY * index
        self._words.write(place + 1, key)
        self._words.store(place, len(key))
        self._words.store(COUNT, index + 1)  # last: who sees the count sees the entry
        self._known[key] = index
        return index

    def _lock(self) -> None:
        # Held for a microsecond, at start-up or when a module is added; a holder that was killed is passed over.
        me = os.getpid()
        while not self._words.cas(LOCK, 0, me):
            holder = self._words.load(LOCK)
            if holder and not is_running(holder) and self._words.cas(LOCK, holder, me):
                return
            os.sched_yield()  # not time.sleep(): gevent's would leave the process to others, which the hub must not


def is_running(pid: int) -> bool:
    """Whether there is a process *pid*."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
