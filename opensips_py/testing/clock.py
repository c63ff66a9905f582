"""Time that passes when a test says so."""
from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

REAL_TIME, REAL_MONOTONIC = time.time, time.monotonic
BOOTED = 1000.0  # what the monotonic clock shows at the beginning


class Clock:
    """The wall clock and the monotonic one of a test: both stand still between two calls of `pass_time`."""

    def __init__(self, start: float) -> None:
        self.start = start  # seconds since the epoch
        self.passed = 0.0

    def time(self) -> float:
        """Seconds since the epoch."""
        return self.start + self.passed

    def monotonic(self) -> float:
        """Seconds of a clock that nobody sets."""
        return BOOTED + self.passed

    def pass_time(self, seconds: float) -> None:
        """Move both clocks on."""
        self.passed += seconds

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Have time.time() and time.monotonic() show this clock inside the block."""
        before = time.time, time.monotonic, time.monotonic_ns
        SHOWN.append(self)
        time.time, time.monotonic, time.monotonic_ns = shown_time, shown_monotonic, shown_monotonic_ns
        try:
            yield
        finally:
            SHOWN.remove(self)
            time.time, time.monotonic, time.monotonic_ns = before


# What is imported while a clock is shown may keep these for good: they show the real time afterwards.
SHOWN: list[Clock] = []


def shown_time() -> float:
    """time.time() of the clock shown."""
    return SHOWN[-1].time() if SHOWN else REAL_TIME()


def shown_monotonic() -> float:
    """time.monotonic() of the clock shown."""
    return SHOWN[-1].monotonic() if SHOWN else REAL_MONOTONIC()


def shown_monotonic_ns() -> int:
    """time.monotonic_ns() of the clock shown."""
    return round(shown_monotonic() * 1e9)
