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
