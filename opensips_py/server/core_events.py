"""The events of the core: what is logged, and work that took too long."""
from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from opensips_py.module import Event
from opensips_py.server.logs import NAMES, cut, source, to_python

if TYPE_CHECKING:
    from opensips_py.events import Publisher


class E_CORE_LOG(Event):
    """A line was logged; only while the core parameter log_event_enabled is set. A line of xlog() has neither *module*
    nor *function*, and without log_prefix there is no *prefix*."""

    time: str
    pid: int
    level: str
    module: str | None
    function: str | None
    prefix: str | None
    message: str


class E_CORE_THRESHOLD(Event):
    """Work took longer than the threshold that the script sets for it; *time* is microseconds."""

    source: str
    time: int
    extra: str | None
    data: str | None


class EventHandler(logging.Handler):
    """Tells every line of the log as E_CORE_LOG; a line that is written meanwhile is not told."""

    def __init__(self, events: Publisher, prefix: str, longest: int) -> None:
        super().__init__()
        self.set_name("event")
        self.events, self.prefix, self.longest, self.telling = events, prefix, longest, False

    def emit(self, record: logging.LogRecord) -> None:
        """Tell one line."""
        if self.telling or not self.events.is_heard("E_CORE_LOG"):
            return
        self.telling = True
        try:
            when = time.strftime("%b %d %H:%M:%S", time.localtime(record.created))
            bare = getattr(record, "bare", False)  # the script's own line
            self.events.raise_event("E_CORE_LOG", E_CORE_LOG(
                when, record.process or 0, NAMES.get(record.levelno, record.levelname),
                None if bare else source(record), None if bare else record.funcName, self.prefix or None,
                cut(record.getMessage(), self.longest)).values())
        except Exception:
            self.handleError(record)
        finally:
            self.telling = False


def tell_log(events: Publisher, values: Mapping[str, Any]) -> None:
    """Begin or cease to tell the log as events, as the core parameters of a generation have it."""
    root = logging.getLogger()
    root.handlers[:] = [each for each in root.handlers if not isinstance(each, EventHandler)]
    if values["log_event_enabled"]:
        handler = EventHandler(events, str(values["log_prefix"]), values["log_msg_buf_size"])
        if values["log_event_level_filter"]:
            handler.setLevel(to_python(values["log_event_level_filter"]))
        root.addHandler(handler)


class Stopwatch:
    """Reports work that takes longer than *threshold* microseconds: a line in the log, a count, an event."""

    def __init__(self, events: Publisher, threshold: int, what: str, count: Callable[[], object]) -> None:
        self.events, self.threshold, self.what, self.count = events, threshold, what, count

    def report(self, took: float, extra: str = "", data: str = "") -> None:
        """Work took *took* seconds."""
        micros = int(took * 1e6)
        if micros <= self.threshold:
            return
        self.count()
        logging.getLogger(__name__).warning("threshold exceeded: %s took %d us%s", self.what, micros,
                                            f" ({extra})" if extra else "")
        self.events.raise_event("E_CORE_THRESHOLD", E_CORE_THRESHOLD(
            self.what, micros, extra or None, data or None).values())
