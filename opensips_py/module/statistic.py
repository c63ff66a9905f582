"""Counters and gauges as module code sees them."""
from __future__ import annotations

from typing import Protocol


class Counter(Protocol):
    """A number that several workers count together; *value* is the sum."""

    @property
    def value(self) -> int: ...

    def add(self, n: int = 1) -> None:
        """Count *n* more (a gauge: also less)."""

    def reset(self) -> None:
        """Start again at zero."""


class Tally:
    """A counter of this process alone: what a module counts with until it is started."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def add(self, n: int = 1) -> None:
        """Count *n* more."""
        self.value += n

    def reset(self) -> None:
        """Start again at zero."""
        self.value = 0
