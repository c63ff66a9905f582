"""Who sends how much: a table of sources in memory that all workers share.

The table has room for a fixed number of sources, whatever a flood brings. Its buckets are chosen by a hash that only
this installation can compute; in a full bucket the source that has been silent for the longest time gives way, and one
that is over the limit only to others that are not yet known to be. A source counts in units of time: this one and the
last, in one word that is changed as a whole. Nothing has to be cleaned up, for a count of an older unit is none.
"""
from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from opensips_py.module import ReturnCode
from opensips_py.state import Words
from opensips_py.state.locking import locked

ID, STATE, HIGH, LOW, ENTRY = range(5)  # words of an entry, and how many they are
WAYS = 8  # sources of a bucket
BUCKETS = 4096
IPV4 = -1  # in place of the upper half of an IPv6 address: no address begins with so many ones (RFC 4291, 2.4)
MOST = 0xFFFF  # a count goes no further
EPOCHS = (1 << 22) - 1  # units of time after which their numbers begin again: 97 days, at two seconds
VERSION = 0xFF << 54  # who counts sees by it that the entry has become another's
KNOWN = 1 << 14  # entries that a process finds without a hash


class Checked(ReturnCode):
    """What a message of a source means."""

    PASSED, BLOCKED, DETECTED = 1, -1, -2


@dataclass(frozen=True, slots=True)
class Limit:
    """How many messages of a source pass in *unit* seconds, and for how many units one is remembered."""

    unit: int
    density: int
    memory: int


class Sources:
    """The sources, as one process counts them; *words* are the same in every process."""

    def __init__(self, words: Words, limit: Limit, hash: Callable[[bytes], int]) -> None:
        self.words, self.limit, self.hash = words, limit, hash
        self.known: dict[int, tuple[int, int]] = {}  # an address, the place of its entry and what stands there

    @staticmethod
    def size() -> int:
        """How many words the table takes."""
        return BUCKETS * (1 + WAYS * ENTRY)

    def now(self) -> int:
        """The number of the unit of time that it is now."""
        return int(time.monotonic() / self.limit.unit) & EPOCHS

    def count(self, address: int) -> Checked:
        """Count a message of *address*; whether it passes."""
        words, now, density = self.words, self.now(), self.limit.density
        while True:
            place, identity = self.known.get(address) or self.entry(address)
            state = words.load(place + STATE)
            if words.load(place + ID) != identity:
                del self.known[address]  # another source has taken its place
                continue
            before, counted = rolled(state, now)
            if words.cas(place + STATE, state, packed(state, now, before, min(counted + 1, MOST))):
                break
        if before > density or counted > density:
            return Checked.BLOCKED
        return Checked.DETECTED if counted == density else Checked.PASSED

    def is_blocked(self, address: int) -> bool:
        """Whether messages of *address* do not pass."""
        found = self.find(address)
        return found is not None and self.is_over(self.words.load(found + STATE), self.now())

    def is_over(self, state: int, now: int) -> bool:
        """Whether a source in *state* is over the limit."""
        return max(rolled(state, now)) > self.limit.density

    def remove(self, address: int) -> bool:
        """Forget *address*; whether it was known."""
        words = self.words
        with locked(words, self.lock(self.identity(address))):
            place = self.find(address)
            if place is not None:
                words.store(place + ID, 0)
                words.store(place + STATE, packed(words.load(place + STATE) + (1 << 54), 0, 0, 0))
        return place is not None

    # Entries

    def identity(self, address: int) -> int:
        """What stands for *address* in its entry."""
        return (self.hash(address.to_bytes(17, "big")) >> 1) | 1

    def lock(self, identity: int) -> int:
        """The place of the lock of a bucket."""
        return (identity >> 1) % BUCKETS

    def places(self, identity: int) -> range:
        """Where the entries of a bucket are."""
        first = BUCKETS + self.lock(identity) * WAYS * ENTRY
        return range(first, first + WAYS * ENTRY, ENTRY)

    def find(self, address: int) -> int | None:
        """The place of the entry of *address*; None where it has none."""
        identity = self.identity(address)
        return next((place for place in self.places(identity) if self.words.load(place + ID) == identity), None)

    def entry(self, address: int) -> tuple[int, int]:
        """The place of the entry of *address*, made where there is none, and what stands there."""
        identity, words = self.identity(address), self.words
        place = self.find(address)
        if place is None:
            with locked(words, self.lock(identity)):
                place = self.find(address)  # another process may have been faster
                if place is None:
                    place = max(self.places(identity), key=self.dispensable)
                    self.begin(place, identity, address)
        if len(self.known) >= KNOWN:
            self.known.clear()
        self.known[address] = place, identity
        return place, identity

    def dispensable(self, place: int) -> tuple[bool, bool, int]:
        """How well the entry at *place* can be done without: a free one best, then the one that is silent longest."""
        state, now = self.words.load(place + STATE), self.now()
        return not self.words.load(place + ID), not self.is_over(state, now), age(state, now)

    def begin(self, place: int, identity: int, address: int) -> None:
        """Give the entry at *place* to *address*; whoever is about to count for its old owner sees that."""
        words = self.words
        words.store(place + ID, 0)
        words.store(place + STATE, packed(words.load(place + STATE) + (1 << 54), self.now(), 0, 0))
        high, low = address >> 64, address & 0xFFFFFFFFFFFFFFFF
        words.store(place + HIGH, signed(high & 0xFFFFFFFFFFFFFFFF) if address >> 128 else IPV4)
        words.store(place + LOW, signed(low))
        words.store(place + ID, identity)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The sources that are remembered, each as address, counts and age in seconds."""
        now = self.now()
        table = self.words.read(BUCKETS, BUCKETS * WAYS * ENTRY * 8)
        for identity, state, high, low in struct.iter_unpack("=qqqq", table):
            silent = age(state, now)
            if identity and silent <= self.limit.memory:
                before, counted = rolled(state, now)
                yield {"address": restored(high, low), "requests": counted, "before": before,
                       "blocked": self.is_over(state, now), "silent": silent * self.limit.unit}


def age(state: int, now: int) -> int:
    """How many units ago a source has sent something."""
    return (now - (state >> 32 & EPOCHS)) & EPOCHS


def rolled(state: int, now: int) -> tuple[int, int]:
    """What a source has sent in the unit before *now*, and in this one."""
    silent = age(state, now)
    if not silent:
        return state >> 16 & MOST, state & MOST
    return (state & MOST if silent == 1 else 0), 0


def packed(state: int, now: int, before: int, counted: int) -> int:
    """The state of the entry that had *state*, with other counts."""
    return state & VERSION | now << 32 | before << 16 | counted


def signed(word: int) -> int:
    """64 bits as words hold them."""
    return word - (1 << 64) if word >> 63 else word


def restored(high: int, low: int) -> int:
    """The address again, as keys of addresses have it: that of IPv6 has a 1 before its 128 bits."""
    word = low & 0xFFFFFFFFFFFFFFFF
    return word if high == IPV4 else 1 << 128 | (high & 0xFFFFFFFFFFFFFFFF) << 64 | word
