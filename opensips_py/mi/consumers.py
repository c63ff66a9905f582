"""What becomes of log lines on their way to standard error and to syslog: levels and silence, set while running."""
from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Annotated, Any

from opensips_py.errors import MIError
from opensips_py.module import Between, OneOf, mi
from opensips_py.script.levels import PYTHON, clipped

Consumer = Annotated[str, OneOf("stderror", "syslog", "event")]
Level = Annotated[int, Between(-3, 4)]
NOT_FOUND = 404


class Muted(logging.Filter):
    """Lets no line pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether *record* passes."""
        return False


def handler(consumer: str) -> logging.Handler:
    """What takes the lines for *consumer* in this process."""
    for each in logging.getLogger().handlers:
        if each.get_name() == consumer:
            return each
    raise MIError(NOT_FOUND, f"nothing is logged to {consumer}")


def filter_level(consumer: str, level: int | None) -> int:
    """Let only lines up to *level* pass, if one is given (0: all); returns what it is."""
    taking = handler(consumer)
    if level is not None:
        taking.setLevel(PYTHON[clipped(level)] if level else logging.NOTSET)
    return next((ours for ours, theirs in PYTHON.items() if theirs == taking.level and taking.level), 0)


def mute(consumer: str, state: int | None) -> int:
    """Let no line pass (1) or let them pass (0), if a state is given; returns what it is."""
    taking = handler(consumer)
    muted = [each for each in taking.filters if isinstance(each, Muted)]
    if state is not None:
        for each in muted:
            taking.removeFilter(each)
        muted = [Muted()] if state else []
        for each in muted:
            taking.addFilter(each)
    return int(bool(muted))


class LogCommands:
    """Commands for the places that log lines go to; they work in every process."""

    everywhere: Callable[..., dict[int, Any]]  # calls an operation in all processes

    @mi(None, v40="core:log_level_filter")
    def log_level_filter(self, consumer: Consumer, level_filter: Level | None = None) -> Any:
        """Up to which level lines go to *consumer*; with *level_filter*, sets it (0: no filter)."""
        levels = self.everywhere("log_level_filter", consumer, level_filter)
        return {"Log level filter": levels[0]} if level_filter is None else None

    @mi(None, v40="core:log_mute_state")
    def log_mute_state(self, consumer: Consumer, mute_state: Annotated[int, Between(0, 1)] | None = None) -> Any:
        """Whether no line goes to *consumer*; with *mute_state*, sets it."""
        states = self.everywhere("log_mute_state", consumer, mute_state)
        return {"mute state": states[0]} if mute_state is None else None
