"""Keeps the log readable while somebody floods the server: so many lines a second, then their number."""
from __future__ import annotations

import logging
import time
from collections.abc import Callable

LINES = 20  # a second


class Restraint:
    """Lets *lines* messages of one kind into *log* each second, at *level*; what goes beyond is summed up later."""

    def __init__(self, log: logging.Logger, lines: int = LINES, clock: Callable[[], float] = time.monotonic,
                 level: int = logging.INFO) -> None:
        self._log, self._lines, self._clock, self._level = log, lines, clock, level
        self._second = 0
        self._said = 0

    def say(self, message: str, *values: object) -> None:
        """Log one line, or only count it."""
        second = int(self._clock())
        if second != self._second:
            self.sum_up()
            self._second, self._said = second, 0
        self._said += 1
        if self._said <= self._lines:
            self._log.log(self._level, message, *values)

    def sum_up(self) -> None:
        """Say how many lines were left out."""
        if self._said > self._lines:
            self._log.log(self._level, "%d further messages of that kind within a second", self._said - self._lines)
