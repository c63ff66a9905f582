"""Key-value stores: what a cachedb_* module brings, and where the functions of the core find it.

Such a module says ``provides=("cachedb", "cachedb:SCHEME")``, so that scripts are checked for it, and registers a Cache
for each of its connections when it starts: under ``SCHEME``, and under ``SCHEME:GROUP`` where its URL names a group.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

Row = Sequence[int | str | None]


class CacheError(OSError):
    """An operation that a store did not carry out; *outcome* is false where nobody knows whether it did."""

    def __init__(self, message: str, *, outcome: bool = True) -> None:
        super().__init__(message)
        self.outcome = outcome


class Cache:
    """One connection to a store. Each operation may wait, ends by a deadline, and raises CacheError where the store
    fails, NotImplementedError where it knows nothing like that."""

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
        """Add to the number at *key*, which begins as 0; what it is then. ValueError where it is no number.

        It lives for *expires* seconds from now on; 0 leaves that as it was, and a new one lives for ever.
        """
        raise NotImplementedError("counters")

    def query(self, text: str) -> list[Row] | None:
        """The rows that the store answers to *text*, in its own language; None where it says that there is nothing."""
        raise NotImplementedError("raw queries")

    def map_fetch(self, key: str) -> dict[str, str]:
        """The fields of the map at *key*; empty where there is none, ValueError where something else is there."""
        raise NotImplementedError("maps")

    def map_change(self, key: str, stored: Mapping[str, str], removed: Iterable[str] = (), expires: int = 0) -> None:
        """Set and remove fields of the map at *key*, all at once; what others do to other fields meanwhile stays.

        The map lives for *expires* seconds from now on; 0 leaves that as it was. One without fields is gone.
        """
        raise NotImplementedError("maps")

    def keys(self, glob: str) -> Iterator[str]:
        """The keys that *glob* fits (* is anything, ? a character), in no order. What comes or goes while they are
        told may be among them or not."""
        raise NotImplementedError("lists of keys")

    def close(self) -> None:
        """Close what is open and idle; the next operation opens it again."""


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
