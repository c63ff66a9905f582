"""What compiled routes call for the rare and the roundabout: failures, loops without end, asynchronous calls."""
from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gevent

from opensips_py.errors import MalformedMessage
from opensips_py.module.run import Run
from opensips_py.restraint import Restraint
from opensips_py.script import kept
from opensips_py.script.pvars_run import RouteError
from opensips_py.sip import Uri, address_host, is_ip

if TYPE_CHECKING:
    from opensips_py.script.operators import Value

log = logging.getLogger("opensips_py.script")
complaints = Restraint(log, level=logging.ERROR)
CompiledRoute = Callable[[Run], int]
SCHEMES = ("sip:", "sips:", "tel:")


def failed(what: str, place: str) -> bool:
    """Log the exception at hand, which left *what* at *place* of the script; counts as false.

    A value that does not fit is the message's fault: one line, and not without end.
    """
    error = sys.exception()
    if isinstance(error, (MalformedMessage, ValueError)):
        complaints.say("%s: %s: %s", place, what, error)
    else:
        log.exception("%s: %s failed", place, what)
    return False


def incomputable(target: str, place: str) -> None:
    """Log that an assignment did not take place: a number and a text, or NULL, do not go together."""
    complaints.say("%s: %s keeps its value: what is assigned cannot be computed", place, target)


def too_many_loops(limit: int, place: str) -> None:
    """Log that a while loop was cut short."""
    log.error("%s: the loop ended after %d rounds, see max_while_loops", place, limit)


def set_returned(run: Run, values: tuple[Value, ...]) -> None:
    """Keep what a route returned behind its code, for $return."""
    if run.extra is None:
        run.extra = {}
    run.extra["return"] = values


def call_route(run: Run, routes: dict[str, CompiledRoute], name: Value, place: str) -> int:
    """Call the route that a variable names."""
    route = routes.get(str(name))
    if route is None:
        log.error("%s: there is no route[%s]", place, name)
        return -1
    return route(run)


def within(seconds: Value, function: Callable[..., Any], arguments: tuple[Any, ...], late_code: int = False) -> Any:
    """Call a function that waits; *late_code*, which may be false, when it has not ended after *seconds*."""
    late = gevent.Timeout(seconds if type(seconds) is int else None)
    try:
        with late:
            return function(*arguments)
    except gevent.Timeout as timeout:
        if timeout is not late:
            raise
        return late_code


def launch(run: Run, prepare: Callable[[Run], tuple[Any, ...]], report: CompiledRoute | None,
           parameter: Value) -> None:
    """Call a function beside the run, which goes on; *report* is called with the result in $rc.

    *prepare* gives function and arguments, as they are now, for a run that starts with copies of the variables.
    """
    child = Run(run.services, run.generation, run.kind, run.message, run.request)
    child.variables = dict(run.variables)
    child.avps = {key: list(values) for key, values in run.avps.items()}
    kept.copy(run, child)
    child.beside = True
    function, *arguments = prepare(child)
    run.services.spawn(launched, child, function, arguments, report, parameter)


def launched(run: Run, function: Callable[..., Any], arguments: list[Any], report: CompiledRoute | None,
             parameter: Value) -> None:
    """What launch() does beside the run that called it."""
    try:
        try:
            result = function(*arguments)
        except Exception:
            result = failed(getattr(function, "__name__", "the function"), "launch")
        run.beside = False
        run.rc = 1 if result is True or result is None else -1 if result is False else int(result)
        if report is not None:
            run.parameters.append((parameter,))
            report(run)
    except Exception:
        failed("the report route", "launch")
    finally:
        run.finish()


def assertion_failed(run: Run, text: str, place: str, error_route: CompiledRoute | None, abort: bool) -> int:
    """An assert() that does not hold: the error route runs and the script ends, with *abort* the whole server."""
    log.critical("%s: assertion failed: %s", place, text)
    if error_route is not None:
        run.extra = {**(run.extra or {}), RouteError: RouteError(text, 500, "Server Internal Error")}
        error_route(run)
    if abort:
        try:
            run.services.control.ask("stop", status=1)  # else this process alone would end, and be replaced
        finally:
            os.abort()
    return 0


def is_own(run: Run, text: Value) -> bool:
    """value == myself: whether a URI, or host and port, is one of ours."""
    if type(text) is not str or not text:
        return False
    if not text.lower().startswith(SCHEMES):
        text = f"sip:[{text}]" if ":" in text and is_ip(text) else f"sip:{text}"
    try:
        uri = Uri.parse(text)
    except MalformedMessage:
        return False
    return bool(run.services.transports.is_local(uri.host, uri.port, None))


def is_host(run: Run, address: Value, name: str) -> bool:
    """address == host.name: whether the name has the address."""
    run.park()
    targets = run.services.resolver.resolve(Uri.parse(f"sip:{name}"))
    return any(address_host(target.address) == address for target in targets)


def family(run: Run) -> str | None:
    """The operand `af`: INET or INET6."""
    return None if run.message is None else "INET6" if ":" in run.message.source_host else "INET"
