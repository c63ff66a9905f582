"""Words of shared memory by name: every process finds the same ones."""
from __future__ import annotations

from opensips_py.state import SharedNames, Words

NAMES = 512
NEXT, OFFSETS = 0, 1  # where the next words are free, and where those of each name begin


class SharedWords:
    """The memory *fd* of *size* bytes, given out word by word; what is given out stays so while the server runs."""

    def __init__(self, fd: int, size: int) -> None:
        self._fd = fd
        names = SharedNames.size(NAMES)
        self._first = names + OFFSETS + NAMES
        self._count = size // 8
        self._names = SharedNames(Words(fd, 0, names), NAMES)
        self._table = Words(fd, names * 8, OFFSETS + NAMES)

    @property
    def size(self) -> int:
        """How many bytes there are in all."""
        return self._count * 8

    @property
    def used(self) -> int:
        """How many bytes are given out, those that the names take included."""
        return (self._first + self._table.load(NEXT)) * 8

    @property
    def areas(self) -> int:
        """How many names have words."""
        return len(self._names)

    def check(self) -> int:
        """Look whether every piece lies within the memory, and none over another; how many pieces there are.

        MemoryError where they do not."""
        pieces = []
        for number, name in enumerate(self._names.names()):
            offset, count = self._table.load(OFFSETS + number), int(name.rpartition("/")[2])
            if offset:  # else its words are being given out at this very moment
                pieces.append((offset, offset + count, name))
        before = self._first
        for begin, end, name in sorted(pieces):
            if begin < before or end > self._count:
                raise MemoryError(f"the shared memory of {name} is not its own")
            before = end
        return len(pieces)

    def words(self, name: str, count: int) -> Words:
        """*count* words under *name*; zero when they are asked for the first time."""
        place = OFFSETS + self._names.number(f"{name}/{count}")
        offset = self._table.load(place)
        if not offset:
            # Two processes may take room at once; the slower one's stays unused, which happens once per name.
            if self._first + self._table.load(NEXT) + count > self._count:
                raise MemoryError(f"there is no shared memory left for {name}")  # and what there is stays for others
            taken = self._first + self._table.fetch_add(NEXT, count)
            if taken + count > self._count:
                raise MemoryError(f"there is no shared memory left for {name}")
            self._table.cas(place, 0, taken)
            offset = self._table.load(place)
        return Words(self._fd, offset * 8, count)
