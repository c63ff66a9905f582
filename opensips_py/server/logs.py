"""Where log lines go, and OpenSIPS's levels for them."""
from __future__ import annotations

import logging
import logging.handlers
import os
import sys

from opensips_py.server.boot import Logging

# OpenSIPS's -3 (alert) to 4 (debug); its 0 is between error and warning and prints as warnings do.
LEVELS = {-3: 60, -2: logging.CRITICAL, -1: logging.ERROR, 0: logging.WARNING, 1: logging.WARNING, 2: 25,
          3: logging.INFO, 4: logging.DEBUG}
NAMES = {60: "ALERT", logging.CRITICAL: "CRITICAL", logging.ERROR: "ERROR", logging.WARNING: "WARNING",
         25: "NOTICE", logging.INFO: "INFO", logging.DEBUG: "DBG"}
PRIORITIES = {"ALERT": "alert", "CRITICAL": "critical", "ERROR": "error", "WARNING": "warning", "NOTICE": "notice",
              "INFO": "info", "DBG": "debug"}


def to_python(level: int) -> int:
    """The Python level of OpenSIPS's *level*; beyond the ends the nearest."""
    return LEVELS[max(-3, min(4, level))]


def from_python(level: int) -> int:
    """OpenSIPS's level of Python's *level*."""
    return next((ours for ours in (4, 3, 2, 1, -1, -2, -3) if LEVELS[ours] >= level), -3)


class Formatter(logging.Formatter):
    """Lines as OpenSIPS's: level, source, text."""

    def __init__(self, with_time: bool) -> None:
        stamp = "%(asctime)s [%(process)d] " if with_time else ""
        super().__init__(stamp + "%(levelname)s:%(name)s:%(funcName)s: %(message)s", "%b %d %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """One line for *record*; the package's own name is left out."""
        if record.name.startswith("opensips_py."):
            record = logging.makeLogRecord({**record.__dict__, "name": record.name.rsplit(".", 1)[1]})
        return super().format(record)


class Syslog(logging.handlers.SysLogHandler):
    """The system log, with OpenSIPS's level names as priorities."""

    def mapPriority(self, levelName: str) -> str:
        """The syslog priority of a level."""
        return PRIORITIES.get(levelName, "info")


def syslog(settings: Logging) -> logging.Handler | None:
    """A handler for the system log, or none where the machine has no system log."""
    facility = settings.facility.removeprefix("LOG_").lower()
    known = logging.handlers.SysLogHandler.facility_names
    if not os.path.exists("/dev/log"):
        return None
    handler = Syslog("/dev/log", known.get(facility, known["daemon"]))
    handler.ident = f"{settings.name}[{os.getpid()}]: "
    return handler


def set_up(settings: Logging) -> None:
    """Send the log lines of this process where *settings* say."""
    for level, name in NAMES.items():
        logging.addLevelName(level, name)
    handlers: list[logging.Handler] = []
    missing = False
    if settings.to_syslog:
        handler = syslog(settings)
        missing = handler is None
        if handler is not None:
            handler.setFormatter(Formatter(with_time=False))
            handlers.append(handler)
    if settings.to_stderr or missing:
        stream = logging.StreamHandler(sys.stderr)
        stream.setFormatter(Formatter(with_time=True))
        handlers.append(stream)
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    for new in handlers:
        root.addHandler(new)
    root.setLevel(to_python(settings.level))
    if not handlers:
        root.addHandler(logging.NullHandler())
    if missing:
        logging.getLogger(__name__).warning("this machine has no /dev/log: logging to stderr instead")
