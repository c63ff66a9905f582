"""Functions about time: differences, the exact time, recurrences."""
from __future__ import annotations

import logging
import time
from functools import lru_cache, partial

from opensips_py.module import ReturnCode, Route, Writable, script
from opensips_py.module.declare import Dialect
from opensips_py.module.recurrence import Recurrence
from opensips_py.module.schedule import Condition, parse

LARGEST = 2**31 - 1  # of a script's numbers
SECOND = 1_000_000  # microseconds


class Matched(ReturnCode):
    """Whether a time belongs to a schedule."""

    YES, NO, MALFORMED, FAILED = 1, -1, -2, -3


def parsed(dialect: Dialect, log: logging.Logger, text: str) -> Condition | None:
    """The schedule that *text* writes, a single recurrence in 2.1; None where it is malformed."""
    try:
        return Recurrence.parse(text, zoned=False).holds if dialect == "2.1" else parse(text)
    except ValueError as error:
        log.error("%r is no time recurrence: %s", text, error)
        return None


class Moments:
    """check_time_rec(), ts_usec_delta() and get_accurate_time()."""

    dialect: Dialect
    log: logging.Logger

    def begin_moments(self) -> None:
        """Remember what has been parsed."""
        self.schedule = lru_cache(256)(partial(parsed, self.dialect, self.log))  # no method: it would hold the module

    @script(Route.ANY)
    def check_time_rec(self, time_string: str, timestamp: int | None = None) -> Matched:
        """Whether now, or *timestamp*, falls into a time recurrence: dtstart|dtend|duration|freq|until|interval|byday|
        bymday|byyday|byweekno|bymonth, each as in RFC 2445, empty ones at the end left out. In 4.0 a time zone stands
        before them, and recurrences may be joined with & or /, negated with ! and put into parentheses."""
        schedule = self.schedule(time_string)
        if schedule is None:
            return Matched.MALFORMED
        try:
            holds = schedule(time.time() if timestamp is None else timestamp)
        except (OverflowError, OSError, ValueError) as error:
            self.log.error("time %s cannot be compared: %s", timestamp, error)
            return Matched.FAILED
        return Matched.YES if holds else Matched.NO

    @script(Route.ANY, dialect="4.0")
    def ts_usec_delta(self, t1_sec: int, t1_usec: int, t2_sec: int, t2_usec: int, delta_str: Writable | None = None,
                      delta_int: Writable | None = None) -> bool:
        """The microseconds between two times, as a text and as a number; false where the number is too large."""
        delta = between(t1_sec, t1_usec, t2_sec, t2_usec)
        if delta_str is not None:
            delta_str.set(str(delta))
        if delta_int is None:
            return True
        if delta <= LARGEST:
            delta_int.set(delta)
        return delta <= LARGEST

    @script(Route.ANY, name="ts_usec_delta", dialect="2.1")
    def delta_2_1(self, t1_sec: int, t1_usec: int, t2_sec: int, t2_usec: int, delta: Writable) -> bool:
        """The microseconds between two times, as a number."""
        delta.set(between(t1_sec, t1_usec, t2_sec, t2_usec))
        return True

    @script(Route.ANY, dialect="4.0")
    def get_accurate_time(self, sec: Writable, usec: Writable, str_sec_usec: Writable | None = None) -> bool:
        """The time since 1970 as seconds and microseconds, and as one decimal number."""
        seconds, rest = divmod(time.time_ns() // 1000, SECOND)
        sec.set(seconds)
        usec.set(rest)
        if str_sec_usec is not None:
            str_sec_usec.set(f"{seconds}.{rest:06}")
        return True


def between(t1_sec: int, t1_usec: int, t2_sec: int, t2_usec: int) -> int:
    """Microseconds from one time to the other, whichever comes first."""
    return abs((t1_sec - t2_sec) * SECOND + t1_usec - t2_usec)


