"""Statistics over a window of time: sums, averages and percentages that forget what is older.

The window is divided into slots. Each worker counts in a ring of its own, so that nobody writes where another does; who
reads adds up the slots of all rings that are young enough. A slot's first word says which time it stands for, and it is
written last when a slot begins again.
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from opensips_py.module import ConfigError
from opensips_py.state import Records, Words

STAMP, SUM, WEIGHT, SLOT = range(4)  # words of a slot, and how many they are
RESETS, HEADER = 0, 1  # words before the rings
EPOCHS = 1 << 44  # slots since the machine was started, below the number of resets
HEAP = 512 << 10  # words for all series
CAPACITY = 1024  # series

ALGORITHMS = ("accumulate", "average", "percentage")
Algorithm = Literal["accumulate", "average", "percentage"]


@dataclass(frozen=True, slots=True)
class Profile:
    """How the series of one profile are counted."""

    name: str
    algorithm: str = "accumulate"
    group: str = ""
    window: int = 60  # seconds
    slots: int = 60
    percentage_factor: int = 100
    hash_size: int = 8

    @classmethod
    def parse(cls, text: str) -> Profile:
        """The profile ``name: attribute=value ...``; ConfigError where it is malformed."""
        name, colon, rest = text.partition(":")
        given: dict[str, str] = {}
        for each in rest.split():
            key, equals, value = each.partition("=")
            if not equals or key not in ATTRIBUTES:
                raise ConfigError(f'"{each}" is no attribute of a profile: there are {", ".join(ATTRIBUTES)}')
            given[key] = value
        if not name.strip() or (rest and not colon):
            raise ConfigError(f'"{text}" names no profile')
        algorithm = given.pop("algorithm", "accumulate")
        if algorithm not in ALGORITHMS:
            raise ConfigError(f"{algorithm} is no algorithm: there are {', '.join(ALGORITHMS)}")
        group = given.pop("group", name.strip())
        sizes = {key: positive(key, value) for key, value in given.items()}
        sizes.setdefault("slots", sizes.get("window", 60))
        return cls(name.strip(), algorithm, group, **sizes)

    @property
    def layout(self) -> str:
        """What series must agree in to share memory."""
        return f"{self.name}/{self.window}/{self.slots}"


ATTRIBUTES = ("algorithm", "hash_size", "group", "window", "slots", "percentage_factor")


def positive(key: str, value: str) -> int:
    """A number above 0."""
    if not value.isdecimal() or not int(value):
        raise ConfigError(f"{key} is a number above 0, not {value}")
    return int(value)


class Series:
    """One series, as one worker counts it and reads it."""

    def __init__(self, profile: Profile, words: Words, place: int, own: int, workers: int,
                 clock: Callable[[], float]) -> None:
        self.profile = profile
        self.words = words
        self.place = place
        self.clock = clock
        self.rings = [place + HEADER + ring * profile.slots * SLOT for ring in range(workers)]
        self.own = self.rings[own]

    @staticmethod
    def size(profile: Profile, workers: int) -> int:
        """How many words a series takes."""
        return HEADER + workers * profile.slots * SLOT

    def epoch(self) -> int:
        """The number of the slot of time that it is now, never 0."""
        return int(self.clock() * self.profile.slots / self.profile.window) + 1

    def stamp(self, epoch: int) -> int:
        """What the slot of *epoch* is marked with, since the last reset."""
        return self.words.load(self.place + RESETS) % (1 << 18) * EPOCHS + epoch

    def update(self, value: int) -> None:
        """Count *value* in."""
        words, epoch = self.words, self.epoch()
        slot, stamp = self.own + epoch % self.profile.slots * SLOT, self.stamp(epoch)
        if words.load(slot + STAMP) != stamp:
            words.store(slot + STAMP, 0)
            words.store(slot + SUM, 0)
            words.store(slot + WEIGHT, 0)
            words.store(slot + STAMP, stamp)
        percentage = self.profile.algorithm == "percentage"
        words.add(slot + SUM, max(value, 0) if percentage else value)
        words.add(slot + WEIGHT, abs(value) if percentage else 1)

    def reset(self) -> None:
        """Begin again."""
        self.words.add(self.place + RESETS, 1)

    @property
    def value(self) -> int:
        """The sum, average or percentage of what was counted within the window."""
        total = weight = 0
        epoch = self.epoch()
        for age in range(self.profile.slots):
            wanted = self.stamp(epoch - age)
            for ring in self.rings:
                one, other = self.read(ring + (epoch - age) % self.profile.slots * SLOT, wanted)
                total, weight = total + one, weight + other
        if self.profile.algorithm == "accumulate":
            return total
        factor = self.profile.percentage_factor if self.profile.algorithm == "percentage" else 1
        quotient = abs(total) * factor // weight if weight else 0
        return quotient if total >= 0 else -quotient

    def read(self, slot: int, wanted: int) -> tuple[int, int]:
        """Sum and weight of a slot, if it stands for the time that is wanted."""
        words = self.words
        if words.load(slot + STAMP) != wanted:
            return 0, 0
        found = words.load(slot + SUM), words.load(slot + WEIGHT)
        return found if words.load(slot + STAMP) == wanted else (0, 0)


class Book:
    """The series of all profiles, in memory that the workers share."""

    def __init__(self, words: Words, own: int, workers: int, clock: Callable[[], float]) -> None:
        self.records = Records(words, CAPACITY)
        self.own, self.workers, self.clock = own, workers, clock

    @staticmethod
    def size() -> int:
        """How many words it takes."""
        return Records.size(CAPACITY, HEAP)

    def series(self, profile: Profile, name: str) -> Series:
        """The series *name* of *profile*; it is made where there is none."""
        place = self.records.place(f"{profile.layout}:{name}", Series.size(profile, self.workers))
        return Series(profile, self.records.words, place, self.own, self.workers, self.clock)

    def names(self, profile: Profile) -> list[str]:
        """The names of the series that *profile* has, in whichever worker they were counted."""
        first = f"{profile.layout}:"
        return [name.removeprefix(first) for name in self.records.names() if name.startswith(first)]
