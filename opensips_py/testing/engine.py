"""The worker of a test: the real one, but for its sockets, its clock and its supervisor."""
from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event

from opensips_py.module.run import Run
from opensips_py.module.status import CORE, E_CORE_SR_STATUS_CHANGED
from opensips_py.server.boot import Boot
from opensips_py.server.generation import Generation
from opensips_py.server.worker import Worker, listener_of
from opensips_py.testing.network import Network
from opensips_py.transport import Records

if TYPE_CHECKING:
    from opensips_py.testing.server import Server

real_sleep = gevent.sleep


class StandingStill:
    """A ticker that never ticks: the test turns the wheel."""

    def start(self) -> None:
        """Nothing begins."""


class Engine(Worker):
    """One worker whose messages and time come from *server*."""

    network: Network
    smallest = 1 << 20  # allocating more would take longer than most tests

    def __init__(self, boot: Boot, control: Any, server: Server) -> None:
        self.server = server
        self.asleep = 0  # runners that wait for the clock
        super().__init__(boot, control)
        self.ticker.stop()
        self.ticker: Any = StandingStill()
        self.resolver.records = Records(server.zone, server.clock.monotonic, os.devnull)
        self.links.call = self.ask  # type: ignore[method-assign]
        self.links.call_each = self.ask_each  # type: ignore[method-assign]
        self.watch_events()

    def make_transports(self) -> Network:
        """The network of the test, with the listeners of the configuration."""
        self.network = self.connected(Network)
        for each in self.boot.listeners:
            self.network.add(listener_of(each))
        return self.network

    def adopt(self, new: Generation, before: Generation | None) -> list[str]:
        """Work with *new*, whose request route is watched, and ask the test's DNS."""
        main, runs = new.main, self.server.runs

        def watched(run: Run) -> int:
            runs.append(run)
            return main(run)
        new.main = watched
        failed = super().adopt(new, before)
        self.resolver.records.name_servers = self.server.zone
        return failed

    def ask(self, peer: int, operation: str, *given: Any, deadline: float = 0) -> Any:
        """What another process answers: there is none, this one does all."""
        return self.links._calls[operation](*given)

    def ask_each(self, peers: Iterable[int], operation: str, *given: Any, deadline: float = 0) -> dict[int, Any]:
        """What all processes answer."""
        return {peer: self.ask(peer, operation, *given) for peer in peers}

    def watch_events(self) -> None:
        """Keep every event that is raised, whether or not anybody hears it; but not that the server starts."""
        publisher: Any = self.events
        tell, kept = publisher.raise_event, self.server.events

        def noted(event: str, values: Any) -> None:
            told = dict(values) if isinstance(values, Mapping) else {"": list(values)}
            if event != E_CORE_SR_STATUS_CHANGED.event_name or told["group"] != CORE:
                kept.append((event, told))
            tell(event, values)
        publisher.raise_event = noted
        publisher.is_heard = lambda event: True

    def change(self, number: int) -> None:
        """Swap to generation *number*, which has been checked."""
        self.prepare(number)
        self.commit(number)

    @property
    def is_busy(self) -> bool:
        """Whether anything is left to do before time passes."""
        return bool(self.runners.queue) or self.runners.parked > self.asleep

    def sleep(self, seconds: float = 0, ref: bool = True) -> None:
        """gevent.sleep() for routes: waits for the clock of the test."""
        if seconds <= 0 or gevent.getcurrent() is self.server.main:
            real_sleep(0)
            return
        over = Event()

        def wake(_: object) -> None:
            self.asleep -= 1
            over.set()
        self.timers.start(seconds, wake)
        self.asleep += 1
        over.wait()
