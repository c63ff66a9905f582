"""Timers: the wheel, and what turns it in a running worker."""
from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from opensips_py._timers import Timer, Wheel

__all__ = ["Ticker", "Timer", "Wheel"]

log = logging.getLogger(__name__)


class Ticker:
    """Turns a wheel by one timer of the event loop, and keeps turning it whatever a callback raises."""

    def __init__(self, wheel: Wheel, loop: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self.wheel = wheel
        self.clock = clock
        self.latest = 0.0  # seconds by which the worst turn so far came too late
        self.also: Callable[[], object] | None = None  # what else is to be done at each turn: it costs no wake-up then
        self._expected = 0.0
        self._watcher = loop.timer(wheel.tick, wheel.tick)

    def start(self) -> None:
        """Begin to turn the wheel."""
        self._expected = self.clock() + self.wheel.tick
        self._watcher.start(self._turn, update=True)

    def stop(self) -> None:
        """Let the wheel stand still; its timers stay pending."""
        self._watcher.stop()
        self._watcher.close()

    def _turn(self) -> None:
        # gevent stops a watcher whose callback raises, and a worker without its clock answers nothing any more.
        try:
            now = self.clock()
            self.latest = max(self.latest, now - self._expected)
            self._expected = now + self.wheel.tick
            if self.also is not None:
                self.also()
            self.wheel.advance(now)
        except BaseException:
            log.exception("a timer's callback failed; the other timers go on")
