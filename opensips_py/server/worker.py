"""A worker: everything that one process needs to route messages, joined together."""
from gevent import monkey

if __name__ == "__main__":  # a process of the server; a test of a configuration keeps the interpreter as it is
    monkey.patch_all()

    from opensips_py.server import closing, quick
    closing.at_once()
    quick.begin()

import gc
import logging
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

import gevent

from opensips_py import blocking
from opensips_py.errors import ConfigError
from opensips_py.mi import Dispatcher, remote
from opensips_py.module import life
from opensips_py.module.run import Route
from opensips_py.module.services import Services
from opensips_py.server import boot as boot_module
from opensips_py.server import core_events, core_settings, core_statistics, generation, logs, quick, readiness, threads
from opensips_py.server.boot import Boot, BoundListener
from opensips_py.server.control import Control
from opensips_py.server.generation import Generation
from opensips_py.server.links import Links
from opensips_py.server.listeners import RESTING
from opensips_py.server.reception import Reception
from opensips_py.server.reload import PREPARE_LIMIT
from opensips_py.server.routes import Routes
from opensips_py.server.runners import Runners
from opensips_py.server.shared import SharedWords
from opensips_py.server.tracing import Tracing
from opensips_py.state.directory import secrets
from opensips_py.state.environment import SMALLEST, Environment
from opensips_py.state.slots import Slots
from opensips_py.statistics import Statistics
from opensips_py.timers import Ticker, Wheel
from opensips_py.transaction import TransactionLayer
from opensips_py.transaction.ringing import Ringing
from opensips_py.transport import Directory, Listener, Settings, Sharing, Transports

T = TypeVar("T", bound=Transports)
log = logging.getLogger(__name__)

DIRECTORY = 32768  # connections that workers find with each other
TICK = 0.1  # seconds; a turn costs an idle worker some 100 µs, and no timer of SIP needs to be more exact
DRAIN = RESTING - 2  # seconds that a listener which was removed is still read: longer than a transaction waits
REVIVE = 1.0  # seconds between two looks at whether every socket is still read
# Young cycles are collected, at most 15,000 objects in a pause; the old heap never. What outlives the first collection
# lives for seconds: the fewer times it is looked at until it counts as old, the better.
COLLECTION = (7500, 0, 1_000_000)


class Worker:
    """The services of this process, as modules see them, and its life."""

    smallest = SMALLEST  # bytes of the file of what outlives this process

    def __init__(self, boot: Boot, control: Control) -> None:
        self.boot, self.control = boot, control
        self.index, self.workers, self.started = boot.index, boot.workers, boot.started
        self.runners = Runners()
        self.timers = Wheel(self.runners.submit, time.monotonic(), TICK)  # the clock of the ticker
        self.ticker = Ticker(self.timers, gevent.get_hub().loop)
        self.statistics = Statistics(boot.statistics_fd, boot.index, boot.workers + 1)
        self.memory = SharedWords(boot.words_fd, boot.words_size)
        secret = secrets(boot.state_dir)
        self.slots = Slots(secret.multiplier, secret.start, secret.key, boot.workers)
        self.links = Links(boot.index, boot.links, self.spawn)
        self.environment = Environment(os.path.join(boot.state_dir, "state.mdb"), control.set_writing,
                                       self.smallest)
        self.routes = Routes(self)
        self.events = self.routes.publisher()
        self.reports = readiness.reports(self)
        self.tracing = Tracing(self)
        self.next: Generation | None = None
        self.going: list[int] = []  # numbers of listeners that the next generation does without
        self.generation: Generation = generation.load(boot, boot.generation)
        self.core_statistics: Any = self.generation.registry.modules["core_statistics"]
        self.forwards_strays = True
        self.transports = self.make_transports()
        self.links.before = self.transports.loop_end.call_preceding  # responses may leave by another worker
        if boot.workers == 1:
            self.environment.write_alone(self.transports.loop_end)
        self.resolver = core_settings.resolver(self.transports, self.globals)
        self.transactions = TransactionLayer(self)
        self.mi = Dispatcher(self, self.links, gevent.sleep)
        remote.answer(self, self.links)
        control.on_prepare, control.on_commit, control.on_cancel = self.prepare, self.commit, self.cancel
        control.on_peer, control.on_stop = self.peer, self.stop
        control.on_listeners = self.listeners_change

    @property
    def services(self) -> Services:
        """This worker as modules see it."""
        return cast(Services, self)

    @property
    def globals(self) -> dict[str, Any]:
        """The core parameters of the current generation."""
        return self.generation.globals

    # What modules ask for

    def spawn(self, function: Callable[..., object], *arguments: object) -> None:
        """Run *function* in a runner of its own."""
        self.runners.submit(lambda _: function(*arguments))

    def shared_words(self, name: str, count: int) -> Any:
        """*count* zeroed words under *name*, the same in all processes."""
        return self.memory.words(name, count)

    def run_route(self, kind: Route, name: str, message: Any = None, **context: Any) -> int:
        """Run a route of the current generation by name; its code, -1 where there is none."""
        return self.routes.run(kind, name, message, **context)

    def owner_call(self, slot: int, operation: str, *arguments: object) -> Any:
        """Call *operation* in the worker that owns *slot*; waits for the answer."""
        return self.links.call(self.slots.worker_of(slot), operation, *arguments)

    def tag(self, request: Any) -> str:
        """The To tag of an answer to *request* that no module has sent."""
        return f"{self.slots.hash('core', request.data[:512]):x}"

    # Life

    def make_transports(self) -> Transports:
        """The sockets that the supervisor has bound for us."""
        made = self.connected(Transports)
        for each in self.boot.listeners:
            if each.fd >= 0:
                made.add(listener_of(each), each.fd, each.number)
        return made

    def connected(self, kind: type[T]) -> T:
        """Transports without listeners, which hand what they receive to the reception."""
        settings = Settings()
        core_settings.apply_to_transports(settings, self.globals)
        self.reception: Reception
        return kind(settings, self.timers, lambda *batch: self.reception.datagrams(*batch),
                    lambda *message: self.reception.stream(*message), self.runners.submit,
                    core_statistics.stream_counters(self.statistics))

    def listeners_change(self, added: list[BoundListener], removed: list[int]) -> None:
        """Hold listeners ready that the next generation brings, and note those that it does without."""
        for each in added:
            self.transports.reserve(listener_of(each), each.fd, each.number)
        self.going = removed

    def begin(self) -> None:
        """Take over what the process before us left behind, start modules, timers and links; nothing is read yet."""
        self.timers.advance(time.monotonic())  # or all that modules start would be over by so much too early
        if self.workers > 1:
            words = self.shared_words("connections", DIRECTORY * 2 + 64)
            Sharing(self.transports, self.links, Directory(words, DIRECTORY, self.index))
        self.transactions.pending = Ringing(os.path.join(self.boot.state_dir, f"ringing.{self.index}"))
        self.adopt(self.generation, None)
        self.reception = Reception(self)
        self.ticker.start()
        self.links.start()

    def serve(self) -> None:
        """Read from now on."""
        quick.settled()
        gc.set_threshold(*COLLECTION)
        self.transports.loop_end.start()
        self.transports.start()
        self.revive()
        self.routes.begin(first=self.index == 0, restarted=self.boot.restarted)

    def revive(self, _: object = None) -> None:
        """Start again whatever stopped reading, every now and then."""
        self.transports.revive()
        self.timers.start(REVIVE, self.revive)

    def adopt(self, new: Generation, before: Generation | None) -> list[str]:
        """Work with the generation *new* from now on; what went wrong with modules that could not follow *before*."""
        self.generation, new.leave = new, partial(generation.give_back, later=gevent.get_hub().loop.run_callback)
        values, given = new.globals, new.configuration.given
        core_settings.apply_to_transports(self.transports.settings, values)
        core_settings.apply_to_resolver(self.resolver, values)
        core_settings.aliases(self.transports, values["alias"])
        if values["auto_aliases"]:
            self.spawn(core_settings.aliases_by_dns, self.transports, self.resolver.records)
        self.forwards_strays = not ("disable_stateless_fwd" in given and values["disable_stateless_fwd"])
        layer = self.transactions
        assert new.registry.flag is not None  # the core gives it
        core_settings.apply_to_transactions(layer.settings, values, new.registry.flag)
        failed = life.start(new.registry, self.services, before.registry if before is not None else None)
        generation.keep_levels(new, before)
        self.core_statistics = new.registry.modules["core_statistics"]
        core_events.tell_log(self.events, values)
        records = self.resolver.records
        watch = core_events.Stopwatch(self.events, values["execdnsthreshold"], "dns",
                                      self.core_statistics.dns_slow_queries.add)
        records.slow = lambda name, kind, seconds: watch.report(seconds, f"{name} {kind}")
        if before is not None:
            self.tracing.follow(new)
            self.reception.follow(new)
            life.stop(before.registry, new.registry)
            self.routes.begin_timers(first=self.index == 0)
        return failed

    def prepare(self, number: int) -> None:
        """Read the next generation; in a thread, for a long script takes longer than calls may wait."""
        with threads.polite():
            self.next = blocking.run(generation.load, self.boot, number, deadline=PREPARE_LIMIT)
            if self.tracing.active:
                self.tracing.prepare(self.next)
        life.prepare(self.next.registry, self.services, self.generation.registry)

    def cancel(self, number: int) -> None:
        """Give the next generation up."""
        self.next, self.going = None, []
        self.transports.forget_reserved()

    def commit(self, number: int) -> None:
        """Swap to the generation that was prepared."""
        if self.next is None:
            raise ConfigError(f"generation {number} was not prepared")
        new, self.next, before = self.next, None, self.generation
        self.transports.admit_reserved()
        failed = self.adopt(new, before)
        going, self.going = self.transports.retire(self.going), []
        if going:  # what was sent from there is answered there: the transactions of a while ago have an end first
            self.timers.start(DRAIN, lambda _: self.transports.close_retired(going))
        gevent.sleep(0)  # what waits comes first: the end of the generation before takes some time, too
        if failed:
            raise ConfigError("; ".join(failed))

    def peer(self, index: int, alive: bool) -> None:
        """Another process died or came back."""
        if alive:
            return
        self.links.peer_lost(index)
        self.environment.reader_check()
        if self.transports.sharing is not None:
            self.transports.sharing.worker_lost(index)

    def stop(self, seconds: float) -> None:
        """Read no more, finish what is at hand within *seconds*, and close."""
        readiness.ends(self)
        self.transports.stop()
        deadline = time.monotonic() + max(seconds - 0.2, 0.1)
        while (self.runners.queue or self.runners.parked) and time.monotonic() < deadline:
            gevent.sleep(0.01)
        life.stop(self.generation.registry)
        self.environment.commits.flush()
        self.links.flush()
        self.transports.close()


def listener_of(bound: BoundListener) -> Listener:
    """A listener as the transports know it."""
    return Listener(bound.protocol, bound.host, bound.port, bound.advertised_host, bound.advertised_port, bound.tag,
                    bound.options, bound.hostname)


def main() -> int:
    """Run a worker until the supervisor ends it."""
    boot = boot_module.inherited()
    logs.set_up(boot.logging)
    control = Control(boot)
    try:
        worker = Worker(boot, control)
        if not boot.restarted:
            worker.begin()
        if not control.ready():
            return 0
        if boot.restarted:
            # Not before: in a rolling restart our predecessor has been at work until now, with all that we share.
            worker.begin()
    except Exception as error:
        control.fail(error)
        return 1
    worker.serve()
    control.beat(worker.ticker)  # from now on it is watched
    control.stopped.wait()
    return 0


if __name__ == "__main__":
    quick.end(main())
