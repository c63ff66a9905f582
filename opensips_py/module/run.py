"""One run of a route: what compiled routes and script functions work on."""
from __future__ import annotations

import logging
from collections.abc import Callable
from enum import IntFlag
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opensips_py.module.services import Services
    from opensips_py.module.trace import Account
    from opensips_py.sip import Message, Request

log = logging.getLogger(__name__)


class Route(IntFlag):
    """The kinds of route; a script function names those it may be called from."""

    REQUEST = 1
    FAILURE = 2
    ONREPLY = 4
    BRANCH = 8
    ERROR = 16
    LOCAL = 32
    STARTUP = 64
    TIMER = 128
    EVENT = 256
    ANY = 511


REQUEST = Route.REQUEST


class Run:
    """The state of one top-level route run; it ends with the route.

    *message* is what the route works on: the request, or in an onreply route the response. *request* is the request
    of the transaction in every route that has one. AVPs belong to the transaction once there is one, and to the
    run before.
    """

    def __init__(self, services: Services, generation: Any, kind: Route, message: Message | None,
                 request: Request | None = None, transaction: Any = None, branch: Any = None) -> None:
        self.services = services
        self.generation = generation
        self.kind = kind
        self.message: Any = message
        self.request: Any = request if request is not None else message
        self.transaction = transaction
        self.branch = branch  # the client branch at hand in branch, onreply and failure routes
        self.avps: dict[str, list[Any]] = transaction.avps if transaction is not None else {}
        self.variables: dict[str, Any] = {}
        self.rc: int = 1
        self.dropped = False
        self.beside = False  # whether the function at hand was called by async() or launch()
        self.parameters: list[tuple[Any, ...]] = []  # $param of the routes being called, innermost last
        self.parent: Run | None = None
        self.extra: dict[Any, Any] | None = None  # contexts of modules, by their own key
        self.endings: list[Callable[[], object]] | None = None

    @property
    def trace(self) -> Account | None:
        """The account of the call, where the call is traced: report what is used with its note()."""
        return getattr(self.generation, "trace", None)

    def attach(self, transaction: Any) -> None:
        """Make *transaction* the one of this run: what the script has set so far goes over to it."""
        self.transaction = transaction
        transaction.avps.update(self.avps)
        self.avps = transaction.avps

    def park(self) -> None:
        """Called before a function that may wait: a request that can have a transaction gets it first, so that its
        retransmissions and its CANCEL find it (design: events of one transaction run one at a time)."""
        if self.transaction is None and self.kind == REQUEST:
            self.services.transactions.prepare_wait(self)

    def at_end(self, ending: Callable[[], object]) -> None:
        """Have *ending* called when this run is over, however it ends."""
        if self.endings is None:
            self.endings = []
        self.endings.append(ending)

    def finish(self) -> None:
        """The run is over; whoever began it calls this."""
        if self.endings is not None:
            endings, self.endings = self.endings, None
            for each in reversed(endings):
                try:
                    each()
                except Exception:
                    log.exception("the end of a route run")  # the others have something to give back, too
