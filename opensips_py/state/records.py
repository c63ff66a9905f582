"""Records by name in shared memory, made while the server runs: every process finds the same one."""
from __future__ import annotations

from opensips_py.state._words import Words
from opensips_py.state.names import SharedNames

HEADER = 8  # words; the first one says where free memory begins


class Records:
    """Room for records of whole words in *words*, found by name; what is given out stays so."""

    def __init__(self, words: Words, capacity: int) -> None:
        self.words = words
        self._names = SharedNames(words, capacity)
        self._free = SharedNames.size(capacity)
        self._table = self._free + HEADER
        self._heap = self._table + capacity
        if len(words) <= self._heap:
            raise ValueError("these words have no room for records")
        self._known: dict[str, int] = {}

    @staticmethod
    def size(capacity: int, heap: int) -> int:
        """How many words *capacity* names and records of *heap* words in all take."""
        return SharedNames.size(capacity) + HEADER + capacity + heap

    @property
    def used(self) -> int:
        """How many words the records take."""
        return self.words.load(self._free)

    def names(self) -> list[str]:
        """The names of all records, the oldest first; one too long to be kept stands as its hash."""
        return self._names.names()

    def place(self, name: str, count: int) -> int:
        """The first word of the record *name*: *count* words, zero when somebody asks for the first time."""
        found = self._known.get(name)
        if found is None:
            entry = self._table + self._names.number(name)
            found = self.words.load(entry)
            if not found:
                # Two processes may take room at once; the slower one's stays unused, which happens once per name.
                self.words.cas(entry, 0, self.take(count))
                found = self.words.load(entry)
            self._known[name] = found
        return found

    def take(self, count: int) -> int:
        """The first of *count* words that nobody else has; MemoryError where so many are not left."""
        taken = self._heap + self.words.fetch_add(self._free, count)
        if taken + count > len(self.words):
            self.words.add(self._free, -count)
            raise MemoryError(f"there is no shared memory left for {count * 8} bytes more")
        return taken
