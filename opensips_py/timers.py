"""Timers: the wheel, and what turns it in a running worker."""
from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from opensips_py._timers import Timer, Wheel

__all__ = ["Ticker", "Timer", "Wheel"]

log = logging.getLogger(__name__)
LATE = 0.1  # seconds; a turn that is later follows a standstill, in which messages have come
FIRST = 2  # the highest priority of the event loop


class Ticker:
    """Turns a wheel by one timer of the event loop, and keeps turning it whatever a callback raises.

    After a standstill of the process the wheel is told the time, but fires one turn later: what has come meanwhile is
    read first, so that nothing is repeated whose answer is here already, and no timer counts from before.
    """

    def __init__(self, wheel: Wheel, loop: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self.wheel = wheel
        self.clock = clock
        self.also: Callable[[], object] | None = None  # what else is to be done at each turn: it costs no wake-up then
        self._expected = 0.0
        self._late = False  # whether this turn is the one after a standstill
        self._watcher = loop.timer(wheel.tick, wheel.tick, priority=FIRST)

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
            self._late = not self._late and now - self._expected > LATE
            self._expected = now + self.wheel.tick
            if self.also is not None:
                self.also()
            if self._late:
                self.wheel.set_now(now)
            else:
                self.wheel.advance(now)
        except BaseException:
            log.exception("a timer's callback failed; the other timers go on")
