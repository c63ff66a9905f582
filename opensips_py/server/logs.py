"""Where log lines go, and OpenSIPS's levels and formats for them."""
from __future__ import annotations

import json
import logging
import logging.handlers
import os
import sys
import time
from collections.abc import Callable

from opensips_py.server.boot import Logging

# OpenSIPS's -3 (alert) to 4 (debug); its 0 is between error and warning and prints as warnings do.
LEVELS = {-3: 60, -2: logging.CRITICAL, -1: logging.ERROR, 0: logging.WARNING, 1: logging.WARNING, 2: 25,
          3: logging.INFO, 4: logging.DEBUG}
NAMES = {60: "ALERT", logging.CRITICAL: "CRITICAL", logging.ERROR: "ERROR", logging.WARNING: "WARNING",
         25: "NOTICE", logging.INFO: "INFO", logging.DEBUG: "DBG"}
PRIORITIES = {"ALERT": "alert", "CRITICAL": "critical", "ERROR": "error", "WARNING": "warning", "NOTICE": "notice",
              "INFO": "info", "DBG": "debug"}
PACKAGE = "opensips_py."
SYSTEM_LOG = "/dev/log"
ACCOUNTING = "opensips_py.acc"  # its lines may be all that is left of a call
KINDS = 500  # of errors that are told apart


def to_python(level: int) -> int:
    """The Python level of OpenSIPS's *level*; beyond the ends the nearest."""
    return LEVELS[max(-3, min(4, level))]


def source(record: logging.LogRecord) -> str:
    """What wrote a line: the last part of its module."""
    return record.name.rsplit(".", 1)[1] if record.name.startswith(PACKAGE) else record.name


def cut(text: str, longest: int) -> str:
    """*text* up to *longest* bytes; 0: the whole of it."""
    if not longest or len(text) * 4 <= longest or len(data := text.encode("utf-8", "surrogateescape")) <= longest:
        return text
    return data[:longest].decode("utf-8", "ignore")


class Plain(logging.Formatter):
    """Lines as OpenSIPS's: level, source, text; on the terminal time and process before."""

    def __init__(self, prefix: str, with_time: bool) -> None:
        stamp = "%(asctime)s [%(process)d] " if with_time else ""
        head = prefix.replace("%", "%%")
        self._bare = logging.Formatter(f"{stamp}{head}%(message)s", "%b %d %H:%M:%S")
        super().__init__(f"{stamp}{head}%(levelname)s:%(source)s:%(funcName)s: %(message)s", "%b %d %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        """One line for *record*; what the script or accounting writes stands by itself."""
        record.source = source(record)
        if getattr(record, "bare", False):
            return self._bare.format(record).removesuffix("\n")
        return super().format(record)


class Json(logging.Formatter):
    """Lines as JSON documents; with *cee* in the layout of the Common Event Expression."""

    def __init__(self, prefix: str, name: str, cee: bool, longest_text: int = 0, longest: int = 0) -> None:
        super().__init__()
        self.prefix, self.name, self.cee, self.longest_text, self.longest = prefix, name, cee, longest_text, longest

    def format(self, record: logging.LogRecord) -> str:
        """One document for *record*; where it would be too long, its text is shortened until it is not."""
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        text = cut(text, self.longest_text)
        document = self.document(record, text)
        while self.longest and len(document) > self.longest and text:
            text = text[:max(0, len(text) - max(1, (len(document) - self.longest) // 6))]
            document = self.document(record, text)
        return document

    def document(self, record: logging.LogRecord, text: str) -> str:
        """The document for *record* with *text* as its message."""
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(record.created)) + f".{int(record.msecs):03d}"
        if not self.cee:
            return json.dumps({"time": when, "pid": record.process, "level": record.levelname,
                               "module": source(record), "function": record.funcName, "prefix": self.prefix,
                               "message": text})
        return "@cee: " + json.dumps({
            "time": when, "proc": str(record.process), "pname": self.name, "pri": record.levelname,
            "subsys": source(record), "native": {"function": record.funcName, "prefix": self.prefix}, "msg": text})


class Once(logging.Filter):
    """Leaves out most of what says again and again that the same thing fails, as each request does while a database is
    away: after the first lines one a second passes, which tells how many did not."""

    def __init__(self, lines: int = 20, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.lines, self.clock = lines, clock
        # Of each kind of line: when there was one, how many may be written yet, how many were not.
        self.seen: dict[tuple[str, str], tuple[float, float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a line is to be written; each handler asks."""
        if record.levelno < logging.WARNING or not isinstance(record.args, tuple) or record.name == ACCOUNTING or \
                not any(isinstance(each, Exception) for each in record.args):
            return True
        passes: bool | None = getattr(record, "passes", None)
        if passes is None:
            passes = record.passes = self.passes(record)
        return passes

    def passes(self, record: logging.LogRecord) -> bool:
        """Count a line."""
        now, kind = self.clock(), (record.name, record.msg)
        if kind not in self.seen and len(self.seen) >= KINDS:
            self.seen.clear()
        before, left, missing = self.seen.get(kind, (now, self.lines, 0))
        left = min(self.lines, left + now - before)
        if left < 1:
            self.seen[kind] = (now, left, missing + 1)
            return False
        self.seen[kind] = (now, left - 1, 0)
        if missing:
            record.msg = f"{record.msg} (and {missing} times more since this was said last)"
        return True


class Syslog(logging.handlers.SysLogHandler):
    """The system log, with OpenSIPS's level names as priorities; a record that carries a `facility` goes there."""

    def emit(self, record: logging.LogRecord) -> None:
        """Send one line; the caller holds the handler's lock."""
        configured = self.facility
        self.facility = getattr(record, "facility", configured)
        try:
            super().emit(record)
        finally:
            self.facility = configured

    def format(self, record: logging.LogRecord) -> str:
        """One line; bytes of a message that are no UTF-8 would lose it."""
        return super().format(record).encode("utf-8", "surrogateescape").decode("utf-8", "replace")

    def mapPriority(self, levelName: str) -> str:
        """The syslog priority of a level."""
        return PRIORITIES.get(levelName, "info")


def formatter(settings: Logging, form: str, with_time: bool) -> logging.Formatter:
    """How lines look in the format *form*."""
    prefix = f"{settings.prefix}:" if settings.prefix else ""
    if form == "plain_text":
        return Plain(prefix, with_time)
    return Json(prefix, settings.name, form == "json_cee", settings.longest_text, settings.longest_document)


def syslog(settings: Logging) -> logging.Handler | None:
    """A handler for the system log, or none where the machine has no system log."""
    facility = settings.facility.removeprefix("LOG_").lower()
    known = logging.handlers.SysLogHandler.facility_names
    if not os.path.exists(SYSTEM_LOG):
        return None
    handler = Syslog(SYSTEM_LOG, known.get(facility, known["daemon"]))
    handler.set_name("syslog")
    handler.ident = f"{settings.name}[{os.getpid()}]: "
    handler.setFormatter(formatter(settings, settings.syslog_format, with_time=False))
    return handler


def terminal(settings: Logging) -> logging.Handler:
    """A handler for standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name("stderror")
    handler.setFormatter(formatter(settings, settings.stderr_format, with_time=True))
    return handler


def filtered(handler: logging.Handler, level: int) -> logging.Handler:
    """*handler* for lines up to *level* alone; 0: for all."""
    if level:
        handler.setLevel(to_python(level))
    return handler


def drop_output() -> None:
    """Lose what anything prints to standard output."""
    sys.stdout.flush()
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.close(null)


def set_up(settings: Logging) -> None:
    """Send the log lines of this process where *settings* say."""
    for level, name in NAMES.items():
        logging.addLevelName(level, name)
    handlers = []
    system = syslog(settings) if settings.to_syslog else None
    missing = settings.to_syslog and system is None
    if system is not None:
        handlers.append(filtered(system, settings.syslog_filter))
    if settings.to_stderr or missing:
        handlers.append(filtered(terminal(settings), settings.stderr_filter))
    once = Once()
    for each in handlers:
        each.addFilter(once)
    root = logging.getLogger()
    root.handlers[:] = handlers or [logging.NullHandler()]
    root.setLevel(to_python(settings.level))
    if not settings.to_stdout:
        drop_output()
    if missing:
        logging.getLogger(__name__).warning("this machine has no /dev/log: logging to standard error instead")
