"""script_trace(): every line of the script that a run executes from then on goes to the log."""
from __future__ import annotations

import linecache
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from opensips_py.module.kinds import Format
from opensips_py.module.marks import script
from opensips_py.module.run import Route
from opensips_py.script.functions_log import text_of
from opensips_py.script.generate import Namespace
from opensips_py.script.levels import PYTHON, Levels, clipped

if TYPE_CHECKING:
    from types import FrameType

    from opensips_py.module.run import Run

output = logging.getLogger("opensips_py.script")


@dataclass(slots=True)
class Tracer:
    """Logs the lines of one run; it hangs on the interpreter's own tracing, so that it costs nothing while off."""

    run: Run
    level: int
    shown: Format | None
    info: str
    outermost: FrameType | None = None
    last: dict[FrameType, int] = field(default_factory=dict)  # a statement is several steps of its line

    def begin(self, frames: list[FrameType]) -> None:
        """Trace the routes being run, and those that they will call."""
        self.outermost = frames[-1]
        for frame in frames:
            frame.f_trace = self
        sys.settrace(self)

    def end(self) -> None:
        """Trace no longer."""
        self.outermost = None
        self.last.clear()
        if sys.gettrace() is self:
            sys.settrace(None)

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if type(frame.f_globals) is not Namespace or frame.f_locals.get("run") is not self.run:
            return None
        if event == "line":
            if frame.f_lineno > frame.f_code.co_firstlineno and self.last.get(frame) != frame.f_lineno:
                self.last[frame] = frame.f_lineno
                self.line(frame)
        elif event == "return":
            self.last.pop(frame, None)
            if frame is self.outermost:
                self.end()
        return self

    def line(self, frame: FrameType) -> None:
        """Log one line of the script."""
        file, number = frame.f_code.co_filename, frame.f_lineno
        tag = f"[{self.info}]" if self.info else ""
        values = f" -> ({text_of(self.shown, self.run)})" if self.shown is not None else ""
        output.log(self.level, "[line %d]%s[%s]%s", number, tag, linecache.getline(file, number).strip(), values)


class TraceFunctions:
    """The function that traces."""

    levels: Levels

    @script(Route.ANY)
    def script_trace(self, run: Run, level: int | None = None, text: Format | None = None, info: str = "") -> bool:
        """Log every line that this run executes from now on at *level*, with *text* evaluated after each and *info* as
        a tag; without arguments, stop. It ends with the route that the run began with."""
        before = sys.gettrace()
        if isinstance(before, Tracer) and before.run is run:
            before.end()
        if level is None:
            return True
        frames = list(routes_on_stack(run))
        if frames and not sys.gettrace():  # a debugger, or the trace of a run that waits, keeps its place
            Tracer(run, PYTHON[clipped(level)], text, info).begin(frames)
        return True


def routes_on_stack(run: Run) -> Iterator[FrameType]:
    """The frames of the routes that *run* is in, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if type(frame.f_globals) is Namespace and frame.f_locals.get("run") is run:
            yield frame
        frame = frame.f_back
