"""A module of the tests alone: it holds routes, looks into a worker's memory, and says which name server to ask."""
from __future__ import annotations

import gc
import os
import sys
import time
from collections import Counter
from typing import Any

from gevent import get_hub
from gevent.event import Event

from opensips_py.module import Module, Route, mi, param, process_state, script
from opensips_py.module.registry import Registry
from opensips_py.transport import NameServers

TICK = 0.001  # seconds between two looks of Lateness


class Held:
    """The routes of one process that wait, by the name they wait under."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}
        self.waiting: dict[str, int] = {}


class Lateness:
    """How late the event loop of this process comes, in milliseconds: a piece of work that it waits for shows."""

    def __init__(self) -> None:
        self.watcher: Any = None
        self.last, self.worst = 0.0, 0.0

    def look(self) -> None:
        """Note how late it is."""
        now = time.monotonic()
        self.worst, self.last = max(self.worst, now - self.last - TICK), now

    def take(self) -> float:
        """The longest since the last call; the first one begins."""
        if self.watcher is None:
            self.watcher = get_hub().loop.timer(TICK, TICK)
            self.watcher.start(self.look)
        worst, self.worst, self.last = self.worst, 0.0, time.monotonic()
        return round(worst * 1000, 2)


def joined(answers: list[Any]) -> list[Any]:
    """The answers of all workers, one after the other."""
    return list(answers)


class Probe(Module, name="probe"):
    """What tests need to see and to do inside a worker."""

    name_server: str = param("", "Address and port of the only name server to ask.")
    held: Held = process_state()
    lateness: Lateness = process_state()

    def start(self) -> None:
        """Ask the name server of the test."""
        if self.name_server:
            host, _, port = self.name_server.partition(":")
            self.services.resolver.records.name_servers = NameServers([(host, int(port))], timeout=1.0)

    @script(Route.ANY, waits=True)
    def hold(self, name: str) -> bool:
        """Wait until somebody releases *name*; false when nobody does within 20 seconds."""
        held = self.held
        event = held.events.setdefault(name, Event())
        held.waiting[name] = held.waiting.get(name, 0) + 1
        try:
            return bool(event.wait(20))
        finally:
            held.waiting[name] -= 1

    @mi("probe_held", scope="each", merge=sum)
    def count(self, name: str) -> int:
        """How many routes wait under *name*."""
        return self.held.waiting.get(name, 0)

    @mi("probe_release", scope="each", merge=lambda answers: "OK")
    def release(self, name: str) -> str:
        """Let those go on that wait under *name*; from now on nobody waits under it."""
        self.held.events.setdefault(name, Event()).set()
        return "OK"

    @mi("probe_garbage", scope="each", merge=joined)
    def garbage(self) -> dict[str, Any]:
        """Collect all garbage: how much cyclic garbage there ever was, of what the newest is, what memory is left.

        The first call keeps what is found from then on, so that the second can name it.
        """
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found = dict(Counter(type(each).__name__ for each in gc.garbage).most_common(20))
        gc.garbage.clear()
        return {"found": found, "transactions": len(self.services.transactions)}

    @mi("probe_memory", scope="each", merge=joined)
    def memory(self) -> dict[str, Any]:
        """Collect all garbage: how many objects that needed collecting there ever were, and what memory is left.

        The blocks of Python's allocator tell of leaks what the resident bytes, which never shrink, only suggest.
        *generations* is how many configurations there were before, *garbage* how many blocks only a search for cycles
        has freed, which a worker never makes by itself.
        """
        generations, before = sum(type(each) is Registry for each in gc.get_objects()), sys.getallocatedblocks()
        gc.collect()
        return {"pid": os.getpid(), "generations": generations, "garbage": before - sys.getallocatedblocks(),
                "collected": sum(each["collected"] for each in gc.get_stats()), "resident": resident(),
                "blocks": sys.getallocatedblocks(), "transactions": len(self.services.transactions)}


    @mi("probe_lateness", scope="each", merge=joined)
    def late(self) -> float:
        """How late the event loop came at most since the last call, in milliseconds."""
        return self.lateness.take()


def resident() -> int:
    """Bytes that this process has in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
