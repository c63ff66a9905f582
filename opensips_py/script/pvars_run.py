"""Pseudo-variables of the run: return codes, route parameters, flags, time, the process."""
from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opensips_py.module.marks import pvar
from opensips_py.module.run import Route
from opensips_py.script import avps
from opensips_py.script.flags import Flags
from opensips_py.script.functions_flags import MessageFlag, branch_flags
from opensips_py.script.generate import Namespace
from opensips_py.script.indexes import Index, Value, pick
from opensips_py.script.levels import Levels

if TYPE_CHECKING:
    from types import FrameType

    from opensips_py.module.run import Run
    from opensips_py.sip import Message

# $C(xy): x is the colour of the letters, y that of the background; capitals are bright.
COLOURS = {letter: number for number, letter in enumerate("srgybpcw")}


@dataclass(slots=True)
class RouteError:
    """What an error_route is run for; the run keeps it in extra[RouteError]."""

    info: str
    code: int = 400
    reason: str = "Bad Request"
    error_class: int = 1
    level: int = 1


def error_of(run: Run) -> RouteError | None:
    """The error of an error_route's run."""
    found: RouteError | None = (run.extra or {}).get(RouteError)
    return found


ROUTE_TYPES = {Route.REQUEST: "route", Route.FAILURE: "failure_route", Route.ONREPLY: "onreply_route",
               Route.BRANCH: "branch_route", Route.ERROR: "error_route", Route.LOCAL: "local_route",
               Route.STARTUP: "startup_route", Route.TIMER: "timer_route", Route.EVENT: "event_route"}


class RunVariables:
    """The pseudo-variables that need no message."""

    flags: Flags
    levels: Levels
    options: dict[str, str]
    identifiers: Iterator[int]

    @pvar("rc", inline="run.rc")
    def return_code(self, run: Run) -> int | None:
        """What the last function or route returned."""
        return run.rc

    retcode = pvar("retcode", inline="run.rc")(return_code.getter)

    @pvar("param")
    def parameter(self, run: Run, name: str) -> Value:
        """A parameter of the route, counted from 1; of an event route also by its name."""
        values: Any = run.parameters[-1] if run.parameters else ()
        if isinstance(values, Mapping):
            if name in values:
                return values[name]  # type: ignore[no-any-return]
            values = list(values.values())
        return values[int(name) - 1] if name.isdecimal() and 0 < int(name) <= len(values) else None

    @pvar("return")
    def returned(self, run: Run, name: int) -> Value:
        """A value that the last route returned behind its code, counted from 0."""
        values: tuple[Any, ...] = (run.extra or {}).get("return", ())
        return values[name] if 0 <= name < len(values) else None

    @pvar("var")
    def variable(self, run: Run, name: str) -> Value:
        """A variable of the script: a number or a text, NULL until it is assigned; it lasts as long as the run."""
        return run.variables.get(name)

    @variable.setter
    def set_variable(self, run: Run, name: str, value: Value) -> None:
        run.variables[name] = value

    @pvar("avp")
    def avp(self, run: Run, name: str, index: Index = None) -> Value:
        """A list of values that belongs to the transaction: assigning puts a value before the others, := replaces
        them, [n] is the n-th newest, [append] the place behind the oldest."""
        return avps.read(run.avps, name, index)

    @avp.setter
    def set_avp(self, run: Run, name: str, index: Index, value: Value) -> None:
        avps.assign(run.avps, name, index, value)

    @pvar("cfg_line")
    def configuration_line(self, run: Run) -> int | None:
        """Line of the configuration that is being executed."""
        return calling_frame()[1]

    @pvar("cfg_file")
    def configuration_file(self, run: Run) -> str | None:
        """File of the configuration that is being executed."""
        return calling_frame()[0]

    @pvar("rT")
    def run_type(self, run: Run) -> str | None:
        """Kind of the route that this run began with."""
        return "request_route" if run.kind == Route.REQUEST else ROUTE_TYPES.get(run.kind)

    # Flags

    @pvar("mf")
    def message_flags(self, run: Run) -> str | None:
        """Names of the message flags that are set."""
        return self.flags.text("message", run.request.flags) if run.request is not None else None

    @pvar("bf")
    def branch_flags(self, run: Run) -> str | None:
        """Names of the branch flags that are set on the branch at hand."""
        if run.request is None:
            return None
        holder, name = branch_flags(run, 0)
        return self.flags.text("branch", getattr(holder, name))

    @pvar("sf")
    def script_flags(self, run: Run) -> str | None:
        """Names of the script flags that are set."""
        return self.flags.text("script", (run.extra or {}).get("script flags", 0))

    @pvar("msg.flag")
    def message_flag(self, run: Run, name: MessageFlag) -> int | None:
        """1 or 0: whether a message flag is set; 1 or 0 sets or resets it."""
        return run.request.flags >> name & 1 if run.request is not None else None

    @message_flag.setter
    def set_message_flag(self, run: Run, name: MessageFlag, value: Value) -> None:
        if run.request is not None:
            run.request.flags = run.request.flags | 1 << name if value else run.request.flags & ~(1 << name)

    @pvar("msg.is_request")
    def is_request(self, message: Message) -> int | None:
        """1 for a request, 0 for a response."""
        return int(message.is_request)

    @pvar("msg.type")
    def message_type(self, message: Message) -> str | None:
        """request or reply."""
        return "request" if message.is_request else "reply"

    @pvar("mi")
    def message_id(self, message: Message) -> int | None:
        """Number of the message among those that this process asked for it."""
        if message.context is None:
            message.context = {}
        if "id" not in message.context:
            message.context["id"] = next(self.identifiers)
        number: int = message.context["id"]
        return number

    # Time

    @pvar("Ts")
    def seconds(self, run: Run) -> int | None:
        """Seconds since 1970."""
        return int(time.time())

    @pvar("Tsm")
    def microseconds(self, run: Run) -> int | None:
        """Microseconds of the current second."""
        return time.time_ns() // 1000 % 1_000_000

    @pvar("TS")
    def start_seconds(self, run: Run) -> int | None:
        """When the server started, in seconds since 1970."""
        return int(run.services.started)

    @pvar("Tf")
    def formatted_now(self, run: Run) -> str | None:
        """Date and time as text."""
        return time.strftime("%a %b %e %H:%M:%S %Y", time.localtime(time.time()))  # the clock of a test shows itself

    @pvar("time")
    def formatted(self, run: Run, name: str) -> str | None:
        """Date and time in the format given, as strftime() takes it."""
        return time.strftime(name, time.localtime(time.time()))

    # The process

    @pvar("pp")
    def process(self, run: Run) -> int | None:
        """Process id."""
        return os.getpid()

    @pvar("argv")
    def argument(self, run: Run, name: str) -> str | None:
        """Value of an option given on the command line with -o name=value."""
        return self.options.get(name)

    @pvar("C")
    def colour(self, run: Run, name: str) -> str | None:
        """Colours for the terminal: letters and background, such as $C(rx) for red; needs xlog_force_color."""
        if len(name) != 2 or not self.levels.coloured:
            return ""
        return "\x1b[" + ";".join([*colour_codes(name[0], 30), *colour_codes(name[1], 40)] or ["0"]) + "m"

    @pvar("log_level")
    def log_level(self, run: Run) -> int | None:
        """Log level of this process; NULL sets it back."""
        return self.levels.log

    @log_level.setter
    def set_log_level(self, run: Run, value: Value) -> None:
        self.levels.set_log(value if type(value) is int else None)

    @pvar("xlog_level")
    def xlog_level(self, run: Run) -> int | None:
        """Log level of xlog() in this process; NULL sets it back."""
        return self.levels.xlog

    @xlog_level.setter
    def set_xlog_level(self, run: Run, value: Value) -> None:
        self.levels.set_xlog(value if type(value) is int else None)

    # error_route

    @pvar("err.class")
    def error_class(self, run: Run) -> int:
        """In error_route, the class of the error: 1 for a message that cannot be read; 0 elsewhere."""
        found = error_of(run)
        return found.error_class if found is not None else 0

    @pvar("err.level")
    def error_level(self, run: Run) -> int:
        """In error_route, how grave the error is."""
        found = error_of(run)
        return found.level if found is not None else 0

    @pvar("err.info")
    def error_info(self, run: Run) -> str:
        """In error_route, what is wrong."""
        found = error_of(run)
        return found.info if found is not None else ""

    @pvar("err.rcode")
    def error_code(self, run: Run) -> int:
        """In error_route, the status to answer with."""
        found = error_of(run)
        return found.code if found is not None else 0

    @pvar("err.rreason")
    def error_reason(self, run: Run) -> str:
        """In error_route, the reason phrase to answer with."""
        found = error_of(run)
        return found.reason if found is not None else ""

    # Routes being run, innermost last

    @pvar("route")
    def route(self, run: Run, index: Index = None) -> Value:
        """The route being run, route[name]; the index counts its callers, * gives all of them, outermost first."""
        names = [f"{kind}[{name}]" if name else kind for kind, name in routes_of(run)]
        return " > ".join(reversed(names)) if index == "*" else pick(names, index)

    @pvar("route.type")
    def route_type(self, run: Run, index: Index = None) -> Value:
        """Kind of the route being run; the index counts its callers."""
        return pick([kind for kind, _ in routes_of(run)], index)

    @pvar("route.name")
    def route_name(self, run: Run, index: Index = None) -> Value:
        """Name of the route being run; the index counts its callers."""
        return pick([name for _, name in routes_of(run)], index)


def colour_codes(letter: str, base: int) -> list[str]:
    """Terminal codes for one letter of $C; x leaves the default."""
    if letter.lower() not in COLOURS:
        return []
    codes = [str(base + COLOURS[letter.lower()])]
    return ["1", *codes] if letter.isupper() else codes


def routes_of(run: Run) -> list[tuple[str, str]]:
    """Kind and name of the routes being run, innermost first: those are the compiled functions on the call stack."""
    found = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if type(frame.f_globals) is Namespace:
            function = frame.f_globals[frame.f_code.co_name]
            kind, _, name = function.__qualname__.partition("[")
            found.append((kind, name.removesuffix("]")))
        frame = frame.f_back
    return found


def calling_frame() -> tuple[str | None, int | None]:
    """File and line of the compiled route that is being executed."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and type(frame.f_globals) is not Namespace:
        frame = frame.f_back
    return (frame.f_code.co_filename, frame.f_lineno) if frame is not None else (None, None)
