"""Tracing of calls in one worker: picks them, and lets them run on routes that report every step.

While nothing is traced, a message passes exactly what it passed before there was tracing: what a worker enters with,
and the routes that it runs, are exchanged when the first selector comes and changed back when the last one goes.
"""
from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from opensips_py import blocking
from opensips_py.module.run import Route, Run
from opensips_py.module.trace import CURRENT, Account
from opensips_py.script.tracing import compile_traced
from opensips_py.server.call_levels import CallLevels
from opensips_py.server.selection import Selector
from opensips_py.transaction.user import Happening

if TYPE_CHECKING:
    from opensips_py.script.compiler import Routes
    from opensips_py.script.runtime import CompiledRoute
    from opensips_py.server.generation import Generation
    from opensips_py.server.worker import Worker

    Unnamed = TypeVar("Unnamed", CompiledRoute, CompiledRoute | None)

log = logging.getLogger(__name__)

RING = 50  # accounts that a worker keeps
CALL_ID = re.compile(rb"(?im)^(?:call-id|i)[ \t]*:[ \t]*([^\s]+)")
COMPILING = 30.0  # seconds
SWEEP = 1.0  # seconds between two looks at what is over
WATCHED = (Happening.FAILURE | Happening.CANCELLED | Happening.ACKNOWLEDGED | Happening.TIMED_OUT | Happening.DELETED)
TOLD = {Happening.CANCELLED: "the caller cancelled", Happening.ACKNOWLEDGED: "the answer was acknowledged",
        Happening.TIMED_OUT: "no ACK came", Happening.DELETED: "the transaction is over"}


class Compiled:
    """The routes of one generation so that they report; who runs by them holds this, and with it they go."""

    def __init__(self, generation: Generation) -> None:
        self.number = generation.number
        self.routes: Routes | None = None
        self.routes = compile_traced(generation.configuration)

    def __del__(self) -> None:
        if self.routes is not None:
            self.routes.namespace.clear()  # functions and their names hold each other, see Generation


class TracedGeneration:
    """A generation as one traced call works with it: the same but for its routes, which report to *trace*."""

    def __init__(self, base: Generation, account: Account, compiled: Compiled | None) -> None:
        self.base = base  # which lasts as long as anybody holds it
        self.number, self.configuration, self.registry = base.number, base.configuration, base.registry
        self.globals, self.timers = base.globals, base.timers
        self.trace = account
        self._compiled = compiled
        self._routes = (compiled.routes if compiled is not None else None) or base.configuration.routes

    def route(self, kind: Route, name: str = "") -> CompiledRoute | None:
        """The route *name* of *kind*, if there is one."""
        found = self._routes.get(kind, name)
        if found is None:
            return None
        account, route = self.trace, found

        def within(run: Run) -> int:
            before = CURRENT.set(account)
            try:
                return route(run)
            finally:
                CURRENT.reset(before)
        return within


class Tracing:
    """The selectors and the accounts of one worker."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.selectors: dict[str, Selector] = {}
        self.accounts: dict[str, Account] = {}  # by Call-ID, the oldest first
        self.levels = CallLevels()
        self._followed: set[str] = set()  # Call-IDs whose messages are still taken
        self._compiled: Compiled | None = None  # of the generation in use
        self._lines = Lines()
        self._sweeps = False
        links = worker.links
        links.on_call("trace_on", self.select)
        links.on_call("trace_off", self.deselect)
        links.on_call("trace_status", self.status)
        links.on_call("explain", self.explain)
        links.on_send("trace_call", self.follow_call)

    @property
    def active(self) -> bool:
        """Whether any message has to be looked at."""
        return bool(self.selectors)

    # What management asks

    def select(self, conditions: dict[str, Any]) -> None:
        """Pick calls by *conditions*, the attributes of a Selector, from now on."""
        selector = Selector(**conditions)
        self.prepare(self.worker.generation)
        self.selectors[selector.name] = selector
        self.switch()
        if not self._sweeps:
            self._sweeps = True
            self.worker.timers.start(SWEEP, self.sweep)

    def deselect(self, name: str) -> list[str]:
        """Take one selector away, or all; their names."""
        gone = [each for each in self.selectors if name in ("", each)]
        for each in gone:
            del self.selectors[each]
        self.switch()
        return gone

    def status(self) -> dict[str, Any]:
        """What is picked, and the calls of which there are accounts."""
        return {"selectors": [each.row() for each in self.selectors.values()],
                "calls": [each.summary() for each in self.accounts.values() if each.records]}

    def explain(self, call_id: str) -> dict[str, Any] | None:
        """The account of a call; None where this worker has none."""
        account = self.accounts.get(call_id)
        return account.data() if account is not None and account.records else None

    # Life

    def prepare(self, generation: Generation) -> None:
        """Compile the routes once more, in a thread: a long script takes longer than calls may wait."""
        if self._compiled is None or self._compiled.number != generation.number:
            self._compiled = blocking.run(Compiled, generation, deadline=COMPILING)

    def switch(self) -> None:
        """Let messages pass by us, or no longer."""
        active = self.active
        self.levels.follow(self.worker.generation, [each.level for each in self.selectors.values()])
        self._lines.attach(wanted=active)
        self.worker.transports.on_sent = self.sent if active else None
        self.worker.resolver.records.used = self.resolved if active else None
        self.worker.reception.follow(self.worker.generation)
        if not active:
            self._followed.clear()
            self._compiled = None

    def follow(self, generation: Generation) -> None:
        """Work by *generation* from now on; an account does not keep the one before, what still runs by it does."""
        for account in self.accounts.values():
            account.twins.clear()
        if self.active:
            if self._compiled is not None and self._compiled.number != generation.number:
                self._compiled = None  # a reload compiles it before; else it is done when the next call comes
            self.switch()

    def sweep(self, _: object = None) -> None:
        """Take away the selectors whose time is over."""
        over = [name for name, each in self.selectors.items() if each.is_over]
        for name in over:
            del self.selectors[name]
        if over:
            self.switch()
        self._sweeps = self.active
        if self._sweeps:
            self.worker.timers.start(SWEEP, self.sweep)

    # The way of a message

    def entry(self, plain: Callable[[Any], object]) -> Callable[[Any], object]:
        """What messages come in by in place of *plain*."""
        if not self.active:
            return plain

        def receive(message: Any) -> None:
            account = self.account_of(message)
            if account is None:
                plain(message)
                return
            if account.records:
                account.message_in(message)
            before = CURRENT.set(account)
            try:
                plain(message)
            finally:
                CURRENT.reset(before)
        return receive

    def watched(self, route: Unnamed, kind: Route) -> Unnamed:
        """What runs in place of the unnamed route of *kind*, if there is one."""
        if route is None or not self.active:
            return route
        plain = route

        def run_route(run: Run) -> int:
            account = CURRENT.get()
            if account is None:
                return plain(run)
            generation = self.twin(account, run.generation)
            run.generation = generation
            try:
                traced = generation.route(kind)
                return plain(run) if traced is None else traced(run)
            finally:
                if kind is Route.REQUEST and account.records:
                    self.watch(run)
        return cast("Unnamed", run_route)

    def before(self, hooks: tuple[Callable[..., bool], ...]) -> tuple[Callable[..., bool], ...]:
        """What runs in place of *hooks*, by which modules act before the request route."""
        return tuple(self.automatic(each) for each in hooks) if self.active else hooks

    def automatic(self, hook: Callable[..., bool]) -> Callable[..., bool]:
        """*hook*, so that the account tells what it did."""
        module = getattr(getattr(hook, "__self__", None), "name", "a module")

        def begin(run: Run) -> bool:
            account = CURRENT.get()
            if account is None:
                return hook(run)
            run.generation = self.twin(account, run.generation)
            done = hook(run)
            if done and account.records:
                account.note(module, "has done all that there was to do: the request route does not run")
                self.watch(run)
            return done
        return begin

    def watch(self, run: Run) -> None:
        """Have what becomes of the transaction of *run* reported."""
        if run.transaction is not None:
            run.transaction.observe(WATCHED, self.happened)

    def twin(self, account: Account, generation: Generation) -> TracedGeneration:
        """*generation* as the call of *account* works with it."""
        found = account.twins.get(generation.number)
        if found is None:
            compiled = None
            if account.records:
                if self._compiled is None or self._compiled.number != generation.number:
                    self._compiled = Compiled(generation)
                compiled = self._compiled
                account.files.update(generation.configuration.diagnostics.texts)
            found = account.twins[generation.number] = TracedGeneration(generation, account, compiled)
        made: TracedGeneration = found
        return made

    def generation_here(self, generation: Generation) -> Generation | TracedGeneration:
        """What a route runs with that something in the call at hand sets off."""
        account = CURRENT.get()
        return generation if account is None else self.twin(account, generation)

    def account_of(self, message: Any) -> Account | None:
        """The account of the call that *message* belongs to; None where nobody asked for it."""
        try:
            call_id = message.call_id
            if call_id in self._followed:
                return self.accounts.get(call_id)
            for each in self.selectors.values():
                if each.fits(message):
                    return self.pick(call_id, each)
        except Exception as error:  # a message that is too broken to be looked at
            log.debug("a message is not looked at: %s", error)
        return None

    def pick(self, call_id: str, selector: Selector) -> Account:
        """Begin the account of a call, here and wherever else its messages come."""
        selector.calls -= 1
        selector.picked += 1
        account = self.open(call_id, selector.level, records=selector.records)
        for peer in range(self.worker.workers):
            if peer != self.worker.index:
                self.worker.links.send(peer, "trace_call", call_id, selector.level, selector.records)
        return account

    def open(self, call_id: str, level: int | None, *, records: bool) -> Account:
        """A new account, in place of the oldest one where there are too many."""
        while len(self.accounts) >= RING:
            oldest = next(iter(self.accounts))
            del self.accounts[oldest]
            self._followed.discard(oldest)
        self.accounts.pop(call_id, None)
        account = self.accounts[call_id] = Account(call_id, self.worker.index, level, records=records)
        self._followed.add(call_id)
        return account

    def follow_call(self, peer: int, call_id: str, level: int | None, records: bool) -> None:
        """Worker *peer* traces a call: should a message of it come here, it belongs to the same account."""
        if self.active and call_id not in self._followed:
            self.open(call_id, level, records=records)

    # What is reported from below

    def sent(self, target: Any, data: bytes) -> None:
        """A message left."""
        found = CALL_ID.search(data)
        call_id = found.group(1).decode("utf-8", "surrogateescape") if found else ""
        account = self.accounts.get(call_id) if call_id in self._followed else CURRENT.get()
        if account is not None and account.records:
            account.message_out(target, data)

    def resolved(self, name: str, kind: str, records: Iterable[Any], cached: bool) -> None:
        """DNS records were used."""
        account = CURRENT.get()
        if account is not None and account.records:
            answers = [str(getattr(each, "address", None) or each) for each in records]
            account.note("dns", f"{name} {kind}: {', '.join(answers) or 'nothing'}", cached=cached, answers=answers)

    def happened(self, happening: Happening, transaction: Any, branch: Any, message: Any, status: int) -> None:
        """Something happened to the transaction of a traced call."""
        account = getattr(transaction.generation, "trace", None)
        if account is None:
            return
        if happening == Happening.FAILURE:
            why = f"{status}" if message is not None else f"no answer in time ({status})"
            account.note("transaction", f"all branches failed; the best is branch {branch.index}: {why}")
        else:
            account.note("transaction", TOLD[happening], method=transaction.method, status=status)


class Lines(logging.Handler):
    """Puts what is logged for a traced call into its account."""

    def attach(self, *, wanted: bool) -> None:
        """Take lines, or take none."""
        logger = logging.getLogger("opensips_py")
        if wanted and self not in logger.handlers:
            logger.addHandler(self)
        elif not wanted and self in logger.handlers:
            logger.removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        account = CURRENT.get()
        if account is not None and account.records:
            more = {"error": f"{record.exc_info[0].__name__}: {record.exc_info[1]}"} \
                if record.exc_info and record.exc_info[0] else {}
            account.note("log", record.getMessage(), level=record.levelname, **more)
