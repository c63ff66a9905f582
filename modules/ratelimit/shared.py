"""Counters of pipes in a key-value store, where several servers count together.

Each interval has a counter of its own, by the clock of the machines: nobody has to set one back, and what was counted
in the last interval stays to be seen for another one.
"""
from __future__ import annotations

import time

from opensips_py.module import Cache

KNOWN = 1 << 14  # names whose last interval a process remembers


class Shared:
    """The counters in *cache*, under *prefix* and the name of the pipe. Everything here waits."""

    def __init__(self, cache: Cache, prefix: str, interval: int) -> None:
        self.cache, self.prefix, self.interval = cache, prefix, interval
        self._before: dict[str, tuple[int, int]] = {}  # name -> an interval, and what was counted in the one before

    def now(self) -> int:
        """The number of the interval that it is."""
        return int(time.time() / self.interval)

    def key(self, name: str, interval: int) -> str:
        """Where the counter of a pipe in an interval is."""
        return f"{self.prefix}{name}:{interval}"

    def count(self, name: str, amount: int = 1) -> int:
        """Count messages; how many there are now. CacheError, ValueError: the store is no help."""
        return self.cache.add(self.key(name, self.now()), amount, 2 * self.interval)

    def counter(self, name: str) -> int:
        """How many messages there are in this interval."""
        return max(self.cache.counter(self.key(name, self.now())) or 0, 0)

    def before(self, name: str) -> int:
        """How many there were in the last one."""
        interval = self.now()
        found = self._before.get(name)
        if found is None or found[0] != interval:
            if len(self._before) >= KNOWN:
                self._before.clear()
            found = self._before[name] = interval, max(self.cache.counter(self.key(name, interval - 1)) or 0, 0)
        return found[1]

    def reset(self, name: str) -> None:
        """Begin again at 0."""
        self.cache.store(self.key(name, self.now()), "0", 2 * self.interval)
