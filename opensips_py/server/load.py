"""How busy a process is: the share of a processor that it takes, over one second, one minute and ten."""
from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

PERIODS = (1.0, 60.0, 600.0)  # seconds
TURN = 1.0  # seconds between two readings
Reading = tuple[float, float]  # when, and the processor time taken until then


class LoadMeter:
    """The load of this process, in percent, over each of PERIODS; before a period is over, over what there is of it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic,
                 used: Callable[[], float] = time.process_time) -> None:
        self.clock, self.used = clock, used
        self.readings: deque[Reading] = deque([(clock(), used())])

    def read(self) -> tuple[int, int, int]:
        """Take a reading; the load until now."""
        now, used = self.clock(), self.used()
        self.readings.append((now, used))
        while len(self.readings) > 2 and now - self.readings[1][0] >= PERIODS[-1]:
            self.readings.popleft()
        last, minute, ten = (self.since(now - period, now, used) for period in PERIODS)
        return last, minute, ten

    def since(self, then: float, now: float, used: float) -> int:
        """The load between the last reading before *then* and now."""
        began, before = self.readings[0]
        for at, taken in reversed(self.readings):
            if at <= then:
                began, before = at, taken
                break
        passed = now - began
        return min(100, round(100 * (used - before) / passed)) if passed > 0 else 0
