"""Key-value stores: what a cachedb_* module brings, and where the functions of the core find it.

Such a module says ``provides=("cachedb", "cachedb:SCHEME")``, so that scripts are checked for it, and registers a Cache
for each of its connections when it starts: under ``SCHEME``, and under ``SCHEME:GROUP`` where its URL names a group.
"""
from __future__ import annotations

from collections.abc import Sequence

Row = Sequence[int | str | None]


class Cache:
    """One connection to a store. Each operation may wait, and raises OSError where the store fails."""

    def fetch(self, key: str) -> str | None:
        """The value of *key*; None where there is none."""
        raise NotImplementedError("single values")

    def store(self, key: str, value: str, expires: int) -> None:
        """Make *value* that of *key*, for *expires* seconds; 0: for ever."""
        raise NotImplementedError("single values")

    def remove(self, key: str) -> None:
        """Take *key* out; there may be none."""
        raise NotImplementedError("single values")

    def counter(self, key: str) -> int | None:
        """The number at *key*; None where there is none, ValueError where it is no number."""
        raise NotImplementedError("counters")

    def add(self, key: str, amount: int, expires: int) -> int:
        """Add to the number at *key*, which begins as 0; what it is then. ValueError where it is no number."""
        raise NotImplementedError("counters")

    def query(self, text: str) -> list[Row]:
        """The rows that the store answers to *text*, in its own language."""
        raise NotImplementedError("raw queries")


class Caches:
    """The caches of one generation by the names that scripts give them."""

    def __init__(self) -> None:
        self.known: dict[str, Cache] = {}

    def register(self, name: str, cache: Cache) -> None:
        """Let scripts call *cache* by *name*: ``local``, ``redis:cluster1``."""
        self.known[name] = cache

    def find(self, name: str) -> Cache | None:
        """The cache called *name*."""
        return self.known.get(name.strip())


def scheme(name: str) -> str:
    """The kind of cache that *name* asks for."""
    return name.strip().partition(":")[0]
