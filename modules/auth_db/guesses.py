"""Who gives wrong passwords, and how often."""
from __future__ import annotations

import time
import zlib
from typing import Protocol

PLACES = 1 << 14  # sources that are told apart; two that share a place are counted together
MANY = 20  # within a minute
COUNT = (1 << 24) - 1  # the low bits of a word; the others say the minute


class Memory(Protocol):
    """Words that all workers share."""

    def load(self, index: int, /) -> int: ...
    def cas(self, index: int, old: int, new: int, /) -> bool: ...


class Guesses:
    """Counts by source and minute, in words that all workers share."""

    def __init__(self, words: Memory) -> None:
        self.words = words

    def wrong(self, source: str) -> bool:
        """Count one of *source*; whether it is the one that makes them many."""
        place = zlib.crc32(source.encode()) % PLACES
        minute = int(time.time()) // 60
        while True:
            old = self.words.load(place)
            count = min((old & COUNT) + 1, COUNT) if old >> 24 == minute else 1
            if self.words.cas(place, old, minute << 24 | count):
                return count == MANY
