"""What a running worker offers to modules."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Services(Protocol):
    """The worker as modules see it; the same object for every generation."""

    index: int  # of this worker, 0 upwards; -1 in the management process
    workers: int  # how many share the work
    transports: Any  # opensips_py.transport.Transports
    resolver: Any  # opensips_py.transport.Resolver
    transactions: Any  # opensips_py.transaction.TransactionLayer
    timers: Any  # opensips_py.timers.Wheel
    statistics: Any  # opensips_py.statistics.Statistics
    slots: Any  # opensips_py.state.Slots: identifiers and their owners
    environment: Any  # opensips_py.state.Environment: LMDB
    generation: Any  # the current one: routes, modules, globals
    events: Any  # opensips_py.events: raise and subscribe
    reports: Any  # opensips_py.module.status.StatusReports: what is ready, and what parts report
    mi: Any  # opensips_py.mi.Dispatcher: management commands by name
    links: Any  # opensips_py.server.links.Links: the other processes
    control: Any  # opensips_py.server.control.Control: the supervisor
    boot: Any  # opensips_py.server.boot.Boot: how this process was started
    globals: Any  # the configuration's global parameters, by name
    started: float  # wall clock at start, seconds

    def shared_words(self, name: str, count: int) -> Any:
        """*count* zeroed 64-bit words under *name*, the same in all processes of this server."""

    def spawn(self, function: Callable[..., object], *args: object) -> None:
        """Run *function* in a runner of its own."""

    def run_route(self, kind: Any, name: str, message: Any = None, **context: Any) -> int:
        """Run a route of the current generation by name; returns its code."""

    def owner_call(self, slot: int, operation: str, *args: object) -> Any:
        """Call the *operation* registered by a module in the worker that owns *slot*; waits for the answer."""
