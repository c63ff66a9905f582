"""Runs the routes that no message brings: startup, timer and event routes, and those that modules name."""
from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gevent

from opensips_py.events import Publisher
from opensips_py.module.run import Route, Run
from opensips_py.server import readiness

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry
    from opensips_py.server.worker import Worker
    from opensips_py.timers import Timer

log = logging.getLogger(__name__)

SUBSCRIBED = "subscribed"  # what the script of one process has subscribed to, for all of them


class Routes:
    """The routes of one worker's current generation."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self.ticking: dict[str, tuple[int, Timer]] = {}  # the timer routes, each with its seconds

    def run(self, kind: Route, name: str, message: Any = None, parameters: Any = None, **context: Any) -> int:
        """Run route *name* of *kind*; its code, -1 where there is none or it failed."""
        generation = self.worker.tracing.generation_here(self.worker.generation)
        route = generation.route(kind, name)
        if route is None:
            return -1
        run = Run(self.worker, generation, kind, message, **context)  # type: ignore[arg-type]
        if parameters is not None:
            run.parameters.append(texts(parameters) if kind == Route.EVENT else parameters)
        try:
            return route(run)
        except Exception:
            log.exception("%s route %s failed", kind.name, name)
            return -1
        finally:
            run.finish()

    def begin(self, *, first: bool, restarted: bool) -> None:
        """Start the timer routes and, once in the life of a server, run the startup route; *first*: in worker 0."""
        if first and not restarted:
            self.worker.spawn(self.startup)
        else:
            readiness.ready(self.worker, restarted=restarted)
        self.begin_timers(first=first)

    def startup(self) -> None:
        """Run the startup route; before its end the server does not count as ready."""
        self.run(Route.STARTUP, "")
        readiness.ready(self.worker, restarted=False)

    def begin_timers(self, *, first: bool) -> None:
        """Run the timer routes of the current generation from now on, in one worker; one that the generation before
        has as often goes on, so that reloads do not put it off."""
        if not first:
            return
        wanted = {name: max(seconds, 1) for name, seconds in self.worker.generation.timers}
        for name, (seconds, pending) in list(self.ticking.items()):
            if wanted.get(name) != seconds:
                pending.stop()
                del self.ticking[name]
        for name, seconds in wanted.items():
            if name not in self.ticking:
                self.tick(name, seconds)

    def tick(self, name: str, seconds: int) -> None:
        """Have a timer route run in *seconds*, and so on as long as the configuration has it."""
        self.ticking[name] = seconds, self.worker.timers.start(seconds, self.due, (name, seconds))

    def due(self, timer: tuple[str, int]) -> None:
        """Run a timer route."""
        self.tick(*timer)
        self.run(Route.TIMER, timer[0])

    # Events

    def publisher(self) -> Publisher:
        """The events of this worker."""
        links = self.worker.links

        def share(*subscription: object) -> None:
            for peer in links.peers:
                links.send(peer, SUBSCRIBED, *subscription)
        made = Publisher(lambda: known_events(self.worker.generation.registry), self.happened, routed=self.has_route,
                         share=share)
        links.on_send(SUBSCRIBED, lambda peer, *subscription: made.follow(*subscription))
        return made

    def has_route(self, event: str) -> bool:
        """Whether the script has a route for *event*."""
        return self.worker.generation.route(Route.EVENT, event) is not None

    def happened(self, event: str, values: Mapping[str, Any] | Sequence[Any]) -> None:
        """Run the route for *event*: right here, or beside where the script says async or nothing here may wait."""
        if not self.has_route(event):
            return
        mode = self.worker.generation.configuration.event_modes.get(event)
        if mode == "async" or gevent.getcurrent() is gevent.get_hub():
            self.worker.spawn(self.event, event, values)
        else:
            self.event(event, values)

    def event(self, event: str, values: Mapping[str, Any] | Sequence[Any]) -> None:
        """Run the route for *event*."""
        self.run(Route.EVENT, event, parameters=values)


def texts(values: Any) -> Any:
    """Parameters of an event as its route reads them: one that subscribers read as null is an empty text there."""
    if isinstance(values, Mapping):
        return values if None not in values.values() else {
            name: "" if value is None else value for name, value in values.items()}
    return values if None not in values else ["" if value is None else value for value in values]


def known_events(registry: Registry) -> list[str]:
    """The events of the modules, and those that the script names."""
    return list(dict.fromkeys([*registry.events, *registry.script_events]))
