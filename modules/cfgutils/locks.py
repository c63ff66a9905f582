"""Locks that scripts take, queued by the worker that owns the slot of the lock's name.

A worker that wants a lock sends a ticket to that owner, who keeps one queue of tickets per lock and sends word to the
first. What a worker holds or waits for it can say again: an owner that replaces one that died asks everybody before it
grants anything, and one that hears that a worker died gives its tickets up.
"""
from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any

from gevent.event import Event

from opensips_py.state.names import is_running

if TYPE_CHECKING:
    from opensips_py.module.services import Services

WANT, GRANT, GIVE, ASK, CLAIM = (f"cfgutils {each}" for each in ("want", "grant", "give", "ask", "claim"))
PATIENCE = 32.0  # seconds that a run waits for a lock: by then its transaction has timed out (RFC 3261, timer F)
SETTLING = 2.0  # seconds that a new owner waits for what the others hold
RETRY = 1.0  # seconds after which something is said again that the link had no room for
PID = 24  # bits of a ticket's number below the process id

Ticket = tuple[int, int]  # the worker, and a number that it uses once


class Owner:
    """The queues of the locks whose slots this worker owns; the first ticket of each holds the lock."""

    def __init__(self, locks: Locks) -> None:
        self.locks = locks
        self.queues: dict[str, list[Ticket]] = {}
        self.silent: set[int] = set()  # workers that have not said yet what they hold

    def want(self, lock: str, ticket: Ticket) -> None:
        """Queue *ticket*."""
        queue = self.queues.setdefault(lock, [])
        if ticket not in queue:
            queue.append(ticket)
            if len(queue) == 1 and not self.silent:
                self.locks.grant(lock, ticket)

    def give(self, lock: str, ticket: Ticket) -> None:
        """Take *ticket* out of its queue, whether it holds the lock or waits for it."""
        queue = self.queues.get(lock, [])
        if ticket not in queue:
            return
        held = queue[0] == ticket
        queue.remove(ticket)
        if not queue:
            del self.queues[lock]
        elif held and not self.silent:
            self.locks.grant(lock, queue[0])

    def lost(self, worker: int) -> None:
        """*worker* died, and with it its runs; its replacement may have asked for locks before we hear of that."""
        for lock, queue in list(self.queues.items()):
            left = [each for each in queue if each[0] != worker or is_running(each[1] >> PID)]
            if not left:
                del self.queues[lock]
            elif left != queue:
                self.queues[lock] = left
                if left[0] != queue[0] and not self.silent:
                    self.locks.grant(lock, left[0])
        self.heard(worker)

    def claim(self, worker: int, held: list[tuple[str, int]], wanted: list[tuple[str, int]]) -> None:
        """*worker* says what it holds and waits for: what is held goes before what is waited for."""
        for lock, number in held:
            queue = self.queues.setdefault(lock, [])
            if (worker, number) not in queue:
                queue.insert(0, (worker, number))
        for lock, number in wanted:
            self.want(lock, (worker, number))
        self.heard(worker)

    def heard(self, worker: int) -> None:
        """*worker* has nothing more to say; the last one to say so lets the granting begin."""
        if worker in self.silent:
            self.silent.discard(worker)
            if not self.silent:
                self.settle()

    def settle(self, _: object = None) -> None:
        """Grant every lock to the first in its queue; who holds it already does not mind."""
        self.silent.clear()
        for lock, queue in list(self.queues.items()):
            self.locks.grant(lock, queue[0])


class Locks:
    """The locks of one process: those that its runs hold or wait for, and those that it owns."""

    def __init__(self) -> None:
        self.services: Any = None
        self.owner = Owner(self)
        self.held: dict[int, str] = {}
        self.waiting: dict[int, tuple[str, Event]] = {}
        self.numbers = itertools.count(os.getpid() << PID)

    def join(self, services: Services) -> None:
        """Work with the other processes; a replacement asks them what they hold."""
        first, self.services = self.services is None, services
        if services.workers < 2:
            return
        links = services.links
        links.on_send(WANT, lambda peer, lock, number: self.owner.want(lock, (peer, number)))
        links.on_send(GIVE, lambda peer, lock, number: self.owner.give(lock, (peer, number)))
        links.on_send(GRANT, lambda peer, lock, number: self.granted(peer, lock, number))
        links.on_send(CLAIM, lambda peer, held, wanted: self.owner.claim(peer, held, wanted))
        links.on_send(ASK, lambda peer: self.asked(peer))
        links.on_lost("cfgutils locks", self.owner.lost)
        if first and services.boot.restarted:
            self.owner.silent.update(each for each in range(services.workers) if each != services.index)
            services.timers.start(SETTLING, self.owner.settle)
            for peer in self.owner.silent:
                links.send(peer, ASK)

    def owner_of(self, lock: str) -> int:
        """The worker that keeps the queue of *lock*."""
        slots = self.services.slots
        return int(slots.worker_of(slots.slot_of_name(lock)))

    def take(self, lock: str) -> int:
        """Wait until *lock* is ours; the number to give it back with, 0 where nobody gave it up in time."""
        number = next(self.numbers)
        granted = Event()
        in_time = False
        try:
            self.waiting[number] = lock, granted
            self.tell(self.owner_of(lock), WANT, lock, number)
            in_time = granted.wait(PATIENCE)
        finally:
            if not in_time:  # also where something else ended the run
                self.waiting.pop(number, None)
                self.give(lock, number)
        return number if in_time else 0

    def give(self, lock: str, number: int) -> None:
        """Give *lock* back."""
        self.held.pop(number, None)
        self.tell(self.owner_of(lock), GIVE, lock, number)

    def grant(self, lock: str, ticket: Ticket) -> None:
        """Tell a worker that *ticket* holds *lock*."""
        self.tell(ticket[0], GRANT, lock, ticket[1])

    def granted(self, owner: int, lock: str, number: int) -> None:
        """A ticket of ours holds the lock; one that nobody waits for any more is given back."""
        if number in self.held:
            return
        waiting = self.waiting.pop(number, None)
        if waiting is None:
            self.tell(owner, GIVE, lock, number)
            return
        self.held[number] = lock
        waiting[1].set()

    def asked(self, peer: int) -> None:
        """*peer* is a replacement: what its predecessor had queued died with it, and so did what that one held."""
        self.owner.lost(peer)
        held = [(lock, number) for number, lock in self.held.items() if self.owner_of(lock) == peer]
        wanted = [(lock, number) for number, (lock, _) in self.waiting.items() if self.owner_of(lock) == peer]
        self.services.links.send(peer, CLAIM, held, wanted)

    def tell(self, peer: int, operation: str, lock: str, number: int) -> None:
        """Send to another worker, or do it right here."""
        index = self.services.index
        if peer != index:
            if not self.services.links.send(peer, operation, lock, number):
                self.services.timers.start(RETRY, lambda _: self.tell(peer, operation, lock, number))
        elif operation == GRANT:
            self.granted(index, lock, number)
        elif operation == WANT:
            self.owner.want(lock, (index, number))
        else:
            self.owner.give(lock, (index, number))


