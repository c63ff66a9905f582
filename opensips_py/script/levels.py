"""Log levels as the script counts them, and how each becomes one of the logging module."""
from __future__ import annotations

import logging

from opensips_py.module.trace import CURRENT

ALERT, CRIT, ERR, WARN, NOTICE, INFO, DBG = -3, -2, -1, 1, 2, 3, 4
NOTICE_LEVEL = 25  # between INFO and WARNING; the logging module has no notice
NAMES = {"L_ALERT": ALERT, "L_CRIT": CRIT, "L_ERR": ERR, "L_WARN": WARN, "L_NOTICE": NOTICE, "L_INFO": INFO,
         "L_DBG": DBG}
PYTHON = {ALERT: logging.CRITICAL, CRIT: logging.CRITICAL, ERR: logging.ERROR, WARN: logging.WARNING,
          NOTICE: NOTICE_LEVEL, INFO: logging.INFO, DBG: logging.DEBUG}

logging.addLevelName(NOTICE_LEVEL, "NOTICE")


def level_of(text: str) -> int:
    """The level that L_ERR, ERR or a number stands for; ValueError for anything else."""
    word = text.strip().upper()
    if word in NAMES or f"L_{word}" in NAMES:
        return NAMES.get(word) or NAMES[f"L_{word}"]
    try:
        return clipped(int(word))
    except ValueError:
        raise ValueError(f'"{text}" is no log level: {", ".join(NAMES)}') from None


def clipped(level: int) -> int:
    """A level within those that exist; 0 counts as warning."""
    return WARN if level == 0 else max(ALERT, min(level, DBG))


class Levels:
    """How much this process logs: *log* for the program, *xlog* for the script's own messages."""

    def __init__(self, log: int = NOTICE, xlog: int = NOTICE, default: int = NOTICE, coloured: bool = False,
                 longest: int = 4096) -> None:
        self.log = self.configured_log = clipped(log)  # debug=7 and the like are usual
        self.xlog = self.configured_xlog = clipped(xlog)
        self.default = default  # of an xlog() without a level
        self.coloured = coloured
        self.longest = longest  # characters of a line of xlog()
        self.raised: int | None = None  # the level of some calls that are logged more of
        self.root = logging.getLogger("opensips_py")

    def set_log(self, level: int | None) -> None:
        """Log up to *level* from now on; None: as configured."""
        self.log = self.configured_log if level is None else clipped(level)
        self.root.setLevel(PYTHON[self.log if self.raised is None else max(self.log, self.raised)])

    def raise_to(self, level: int | None) -> None:
        """Let single calls be logged up to *level*; None: no longer."""
        self.raised = level
        self.set_log(self.log)

    def is_raised(self, level: int) -> bool:
        """Whether *level* is logged for the call at hand, though not for others."""
        account = CURRENT.get() if self.raised is not None else None
        return account is not None and account.level is not None and level <= account.level

    def set_xlog(self, level: int | None) -> None:
        """Let xlog() print up to *level* from now on; None: as configured."""
        self.xlog = self.configured_xlog if level is None else clipped(level)
