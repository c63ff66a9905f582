"""Core functions that write to the log."""
from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING

from opensips_py.module.kinds import Format
from opensips_py.module.marks import script
from opensips_py.module.run import Route
from opensips_py.script.formatting import shown
from opensips_py.script.levels import DBG, ERR, PYTHON, Levels, level_of

if TYPE_CHECKING:
    from opensips_py.module.run import Run

output = logging.getLogger("opensips_py.script")
lines = logging.getLogger("opensips_py.script.lines")
lines.setLevel(logging.DEBUG)  # Levels says what is written
BARE = {"bare": True}  # the line of a script stands in the log as it is


class LogFunctions:
    """Functions that write to the log."""

    levels: Levels

    @script(Route.ANY)
    def xlog(self, run: Run, first: Format, second: Format | None = None) -> bool:
        """Write a text with pseudo-variables to the log: xlog(text), or xlog(level, text)."""
        if second is None:
            self.write(self.levels.default, first, run)
        else:
            self.write(known_level(text_of(first, run)), second, run)
        return True

    @script(Route.ANY)
    def xdbg(self, run: Run, text: Format) -> bool:
        """Write a text with pseudo-variables to the log at level L_DBG."""
        self.write(DBG, text, run)
        return True

    @script(Route.ANY, name="log")
    def write_log(self, run: Run, first: Format, second: Format | None = None) -> bool:
        """Write a text to the log: log(text), or log(level, text)."""
        return self.xlog(run, first, second)

    def write(self, level: int, text: Format, run: Run) -> None:
        """Write *text* unless *level* is above that of xlog(); only then is it put together."""
        if level > self.levels.xlog and not self.levels.is_raised(level):
            return
        line = text_of(text, run).rstrip("\r\n")
        if len(line) > self.levels.longest:
            output.error("xlog: a line of %d characters is longer than xlog_buf_size", len(line))
        else:
            lines.log(PYTHON[level], "%s", line, extra=BARE)

    @script(Route.ANY)
    def setdebug(self, level: int | None = None) -> bool:
        """Log up to *level* in this process from now on; without it, as configured."""
        self.levels.set_log(level)
        return True

    @script(Route.ANY, dialect="4.0")
    def avp_print(self, run: Run) -> bool:
        """Write all AVPs to the log."""
        for name, values in run.avps.items():
            for value in values:
                output.info("AVP %s: %s", name, value)
        return True


def text_of(text: Format | str | int, run: Run) -> str:
    """A text argument in *run*; one given by a variable is there already."""
    value = text(run) if callable(text) else text
    return shown(value)


@lru_cache(256)
def known_level(text: str) -> int:
    """The log level that *text* names; an unknown one counts as L_ERR."""
    try:
        return level_of(text)
    except ValueError:
        return ERR
