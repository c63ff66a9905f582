"""The pipes: named counters in memory that all workers share.

There are two tables, one of pipes that count in intervals, one of those that count in a window of slots. Both have room
for a fixed number of pipes, whatever names a script makes of what it receives: in a full bucket the pipe that has been
idle for the longest time gives way. Buckets are chosen by a hash that only this installation can compute. An interval
or slot that is over is noticed by whoever comes next, so no timer has to go through them.
"""
from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opensips_py.modules.ratelimit.algorithms import FEEDBACK, SBT, Gains, controlled
from opensips_py.state import Words
from opensips_py.state.locking import locked

ID, USED, ALGORITHM, LIMIT, INTERVAL, COUNTER, BEFORE, RATE, TOTAL, ERROR, LENGTH, NAME = range(12)
LONGEST = 120  # bytes of a name that are kept to list it
SLOTS = NAME + LONGEST // 8  # words of an entry; slots stand behind them
SLOT = 2  # words of a slot: which period it stands for, and what was counted
WAYS = 8  # pipes of a bucket
WINDOW_WORDS = 128 << 10  # for all pipes with windows
KNOWN = 1 << 14  # names that a process finds without a hash


@dataclass(frozen=True, slots=True)
class Rules:
    """How pipes count: the seconds of an interval and of idleness until a pipe is gone, the slots of a window and the
    seconds of each."""

    interval: float = 10
    expire: float = 3600
    slots: int = 50
    period: float = 0.2


class Table:
    """Entries of *size* words each in *buckets*, from word *first* on."""

    def __init__(self, words: Words, first: int, buckets: int, size: int) -> None:
        self.words, self.first, self.buckets, self.size = words, first, buckets, size

    @property
    def count(self) -> int:
        """How many words it takes."""
        return self.buckets * (1 + WAYS * self.size)

    def lock(self, identity: int) -> int:
        """The place of the lock of a bucket."""
        return self.first + (identity >> 1) % self.buckets

    def places(self, identity: int) -> range:
        """Where the entries of a bucket are."""
        begin = self.first + self.buckets + (identity >> 1) % self.buckets * WAYS * self.size
        return range(begin, begin + WAYS * self.size, self.size)

    def find(self, identity: int) -> int | None:
        """The place of an entry; None where there is none."""
        return next((place for place in self.places(identity) if self.words.load(place) == identity), None)

    def all(self) -> range:
        """Where all entries are."""
        begin = self.first + self.buckets
        return range(begin, begin + self.buckets * WAYS * self.size, self.size)


class Pipes:
    """All pipes, as one process counts them; *words* are the same in every process."""

    def __init__(self, words: Words, chains: int, rules: Rules, hash: Callable[[str], int]) -> None:
        self.words, self.rules, self.hash = words, rules, hash
        self.plain = Table(words, 0, chains, SLOTS)
        self.windows = Table(words, self.plain.count, window_buckets(chains, rules.slots), SLOTS + SLOT * rules.slots)
        self.known: dict[str, int] = {}

    @staticmethod
    def size(chains: int, slots: int) -> int:
        """How many words the tables take."""
        return chains * (1 + WAYS * SLOTS) + window_buckets(chains, slots) * (1 + WAYS * (SLOTS + SLOT * slots))

    def identity(self, name: str) -> int:
        """What stands for *name* in an entry."""
        found = self.known.get(name)
        if found is None:
            if len(self.known) >= KNOWN:
                self.known.clear()
            found = self.known[name] = (self.hash(name) >> 1) | 1
        return found

    @contextmanager
    def pipe(self, name: str) -> Iterator[Pipe | None]:
        """The pipe *name*, kept from other processes inside the block; None where there is none."""
        identity = self.identity(name)
        for table in (self.plain, self.windows):
            with locked(self.words, table.lock(identity)):
                found = self.alive(table, identity)
                if found is not None:
                    yield found
                    return
        yield None

    @contextmanager
    def made(self, name: str, algorithm: int, limit: int) -> Iterator[Pipe]:
        """The pipe *name* with *limit*, made by *algorithm* where there is none, for the block alone."""
        identity = self.identity(name)
        own, other = (self.windows, self.plain) if algorithm == SBT else (self.plain, self.windows)
        with locked(self.words, other.lock(identity)):
            found = self.alive(other, identity)
            if found is not None:
                self.words.store(found.place + LIMIT, limit)
                yield found
                return
        with locked(self.words, own.lock(identity)):
            found = self.alive(own, identity) or self.begin(own, identity, name, algorithm)
            self.words.store(found.place + LIMIT, limit)
            yield found

    def alive(self, table: Table, identity: int) -> Pipe | None:
        """A pipe in *table* that has not been idle for too long."""
        place = table.find(identity)
        if place is None or time.monotonic() - self.words.load(place + USED) / 1000 > self.rules.expire:
            return None
        return Pipe(self.words, place, self.rules)

    def begin(self, table: Table, identity: int, name: str, algorithm: int) -> Pipe:
        """A new pipe in place of its own remains, of a free entry or of the one that has been idle for longest."""
        words = self.words
        place = table.find(identity)
        if place is None:
            place = min(table.places(identity), key=lambda each: (words.load(each) != 0, words.load(each + USED)))
        for word in range(table.size):
            words.store(place + word, 0)
        data = name.encode("utf-8", "surrogateescape")[:LONGEST]
        words.write(place + NAME, data)
        words.store(place + LENGTH, len(data))
        words.store(place + ALGORITHM, algorithm)
        words.store(place + ID, identity)
        made = Pipe(words, place, self.rules)
        made.touch()
        return made

    def names(self) -> list[str]:
        """The names of all pipes there are."""
        oldest = int((time.monotonic() - self.rules.expire) * 1000)
        words, found = self.words, []
        for table in (self.plain, self.windows):
            for place in table.all():
                if words.load(place) and words.load(place + USED) >= oldest:
                    data = words.read(place + NAME, min(max(words.load(place + LENGTH), 0), LONGEST))
                    found.append(data.decode("utf-8", "surrogateescape"))
        return found


class Pipe:
    """One pipe while its lock is held."""

    __slots__ = ("place", "rules", "words")

    def __init__(self, words: Words, place: int, rules: Rules) -> None:
        self.words, self.place, self.rules = words, place, rules

    @property
    def algorithm(self) -> int:
        """How it decides."""
        return self.words.load(self.place + ALGORITHM)

    @property
    def limit(self) -> int:
        """What it may have."""
        return self.words.load(self.place + LIMIT)

    @property
    def counter(self) -> int:
        """What it has counted in this interval, or in its window."""
        if self.algorithm == SBT:
            return sum(counted for _, counted in self.window())
        self.roll()
        return self.words.load(self.place + COUNTER)

    @property
    def before(self) -> int:
        """What it had counted at the end of the last interval."""
        self.roll()
        return self.words.load(self.place + BEFORE)

    @property
    def rate(self) -> int:
        """The percentage of messages that it drops, where FEEDBACK decides."""
        return self.words.load(self.place + RATE)

    def touch(self) -> None:
        """It is in use."""
        self.words.store(self.place + USED, int(time.monotonic() * 1000))

    def count(self) -> int:
        """Count one message; how many there are now."""
        self.touch()
        self.add(1)
        return self.counter

    def add(self, amount: int) -> None:
        """Change the counter, which does not fall below 0."""
        words, place = self.words, self.place
        if self.algorithm == SBT:
            period = self.period()
            place = self.slot(period)
            if words.load(place) != period:
                words.store(place, period)
                words.store(place + 1, 0)
            words.store(place + 1, max(words.load(place + 1) + amount, 0))
            return
        self.roll()
        words.store(place + COUNTER, max(words.load(place + COUNTER) + amount, 0))

    def follow(self, counter: int, before: int) -> None:
        """Take over what was counted elsewhere, in this interval and in the one before."""
        self.roll()
        self.words.store(self.place + COUNTER, counter)
        self.words.store(self.place + BEFORE, before)

    def reset(self) -> None:
        """Let the counter begin again at 0."""
        words, place = self.words, self.place
        words.store(place + COUNTER, 0)
        if self.algorithm == SBT:
            for slot in range(self.rules.slots):
                words.store(place + SLOTS + slot * SLOT + 1, 0)

    def roll(self) -> None:
        """Begin a new interval where the last one is over."""
        words, place = self.words, self.place
        interval = int(time.monotonic() / self.rules.interval)
        held = words.load(place + INTERVAL)
        if held != interval:
            words.store(place + BEFORE, words.load(place + COUNTER) if held == interval - 1 else 0)
            words.store(place + COUNTER, 0)
            words.store(place + INTERVAL, interval)

    def begins_interval(self) -> bool:
        """Whether nothing has been counted in this interval yet."""
        return self.words.load(self.place + INTERVAL) != int(time.monotonic() / self.rules.interval)

    def control(self, gains: Gains, load: float) -> None:
        """Let the controller follow the *load*, a fraction of all processors: once in an interval."""
        if self.algorithm != FEEDBACK or not self.begins_interval():
            return
        words, place = self.words, self.place
        error = self.limit / 100 - load
        total, rate = controlled(gains, error, number(words.load(place + TOTAL)), number(words.load(place + ERROR)))
        words.store(place + TOTAL, word(total))
        words.store(place + ERROR, word(error))
        words.store(place + RATE, rate)

    # A window

    def period(self) -> int:
        """The number of the slot of time that it is now."""
        return int(time.monotonic() / self.rules.period)

    def slot(self, period: int) -> int:
        """Where the slot of *period* is."""
        return self.place + SLOTS + period % self.rules.slots * SLOT

    def window(self) -> list[tuple[int, int]]:
        """The slots of the window that hold something: how many periods ago they were, and what they hold."""
        words, now = self.words, self.period()
        found = []
        for ago in range(self.rules.slots):
            place = self.slot(now - ago)
            if words.load(place) == now - ago and words.load(place + 1):
                found.append((ago, words.load(place + 1)))
        return found


def window_buckets(chains: int, slots: int) -> int:
    """How many buckets the table of windows has; none where not even one has room."""
    return min(chains, WINDOW_WORDS // (1 + WAYS * (SLOTS + SLOT * slots)))


def word(value: float) -> int:
    """A number with a point as a word."""
    result: int = struct.unpack("=q", struct.pack("=d", value))[0]
    return result


def number(value: int) -> float:
    """The number with a point that a word holds."""
    result: float = struct.unpack("=d", struct.pack("=q", value))[0]
    return result
