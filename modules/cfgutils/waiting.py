"""Functions that hold a script up, and the one that ends the server."""
from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

import gevent

from opensips_py.module import Route, script

if TYPE_CHECKING:
    from opensips_py.module.services import Services


class Waiting:
    """sleep(), usleep() and abort()."""

    services: Services
    log: logging.Logger

    @script(Route.ANY, waits=True, dialect="4.0")
    def sleep(self, time: int) -> bool:
        """Let the script wait for *time* seconds; other work goes on meanwhile."""
        gevent.sleep(max(time, 0))
        return True

    @script(Route.ANY, waits=True, dialect="4.0")
    def usleep(self, time: int) -> bool:
        """Let the script wait for *time* microseconds; other work goes on meanwhile."""
        gevent.sleep(max(time, 0) / 1_000_000)
        return True

    @script(Route.ANY, name="sleep", waits=True, dialect="2.1")
    def sleep_text(self, time: int | str | None) -> bool:
        """Let the script wait for *time* seconds, not at all where that is no number; other work goes on meanwhile."""
        return self.sleep(number(time))

    @script(Route.ANY, name="usleep", waits=True, dialect="2.1")
    def usleep_text(self, time: int | str | None) -> bool:
        """Let the script wait for *time* microseconds, not at all where that is no number; other work goes on
        meanwhile."""
        return self.usleep(number(time))

    @script(Route.ANY, waits=True)
    def abort(self) -> bool:
        """End the server: this process at once, with a core file where the system writes one, the others in order."""
        self.log.critical("abort() ends the server")
        try:
            self.services.control.ask("stop", status=1)  # else this process alone would end, and be replaced
        finally:
            os.abort()


def number(value: int | str | None) -> int:
    """A number, however it is given; 0 for anything else."""
    text = str(value).strip()
    return int(text) if text.lstrip("+-").isdecimal() else 0
