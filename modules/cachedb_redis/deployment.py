"""The servers of one URL: a single one, several of which one works, or a cluster; which it is, they say themselves."""
from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import gevent
from gevent.lock import BoundedSemaphore
from redis import exceptions

from opensips_py import blocking
from opensips_py.module.caches import CacheError
from opensips_py.module.statistic import Counter, Tally
from opensips_py.modules.cachedb_redis import topology
from opensips_py.modules.cachedb_redis.node import Command, Lost, Node, Options, Reply, Unreachable
from opensips_py.modules.cachedb_redis.topology import SLOTS, Address

REDIRECTIONS = 8  # that one operation follows
PAUSE = 0.05  # seconds before a cluster that is changing is asked again
REFRESH = 1.0  # seconds between two looks at a cluster, unless management asks
log = logging.getLogger("opensips_py.cachedb_redis")


@dataclass
class Figures:
    """What is counted, over all servers."""

    queries: Counter = field(default_factory=Tally)
    failed: Counter = field(default_factory=Tally)
    moved: Counter = field(default_factory=Tally)
    refreshes: Counter = field(default_factory=Tally)


class Deployment:
    """The servers at *hosts*, the first of which is asked while it works."""

    def __init__(self, name: str, hosts: Sequence[Address], options: Options, figures: Figures,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self.name, self.hosts, self.options, self.figures = name, list(hosts), options, figures
        self._clock = clock
        self.nodes: dict[Address, Node] = {}
        self.slots: list[Node | None] = []  # of a cluster
        self.mode = "single" if options.socket else ""  # single or cluster, once it is known
        self.command = ""  # SHARDS or SLOTS, by which a cluster tells of its slots
        self.refreshes, self.refreshed_at, self._looked = 0, 0.0, -REFRESH
        self._current = 0  # which of the hosts works
        self._looking = BoundedSemaphore(1)
        self._lost: set[str] = set()  # parts of it

    @property
    def patience(self) -> float:
        """Seconds that an operation may take."""
        return self.options.connect_timeout + self.options.query_timeout

    def ask(self, key: str | None, commands: Sequence[Command], repeatable: bool) -> list[Reply]:
        """The replies of the server that has *key* (None: of any) to *commands*; CacheError where none answers.

        What is *repeatable* may be carried out twice; anything else is sent once.
        """
        try:
            with blocking.deadline(self.patience):
                self.discover()
                ask = self._ask_cluster if self.mode == "cluster" else self._ask_single
                replies = ask(key, commands, repeatable)
        except TimeoutError as error:
            self._gone(key, str(error))
            raise CacheError(f"{self.name}: {error}", outcome=False) from None
        except (Unreachable, Lost) as error:
            self._gone(key, str(error))
            raise CacheError(str(error), outcome=isinstance(error, Unreachable)) from None
        if self._lost:
            self._back(key)
        refused = any(isinstance(each, exceptions.ResponseError) for each in replies)
        (self.figures.failed if refused else self.figures.queries).add()
        return replies

    def discover(self) -> None:
        """Find out what is there, unless that is known."""
        if not self.mode:
            with self._looking:
                if not self.mode:
                    self._look()

    def refresh(self, always: bool = False) -> bool:
        """Ask for the slots of a cluster again, at most once a second unless *always*; whether they were told."""
        asked = self._clock()
        with self._looking:
            if self._looked >= asked or (not always and asked - self._looked < REFRESH):
                return True  # somebody else has just done so
            self._looked = self._clock()
            try:
                self._look()
            except (Unreachable, Lost) as error:
                log.warning("%s: no node tells of the slots: %s", self.name, error)
                return False
        return True

    def node(self, address: Address) -> Node:
        """The server at *address*."""
        if address not in self.nodes:
            self.nodes[address] = Node(address, self.options, self._clock)
        return self.nodes[address]

    def masters(self) -> list[Node]:
        """The servers that have keys: those of a cluster, or the one that works."""
        if self.mode == "cluster":
            return list(dict.fromkeys(each for each in self.slots if each is not None))
        return [self.node(self.hosts[self._current])]

    def close(self) -> None:
        """Close what nobody uses."""
        for each in self.nodes.values():
            each.close()

    # --- looking

    def _look(self) -> None:
        """Ask one server after the other what this is; the last one's error where none says."""
        last: Exception = Unreachable(f"{self.name} has no server")
        for address in self._candidates():
            try:
                ranges = self._ranges(self.node(address))
            except (Unreachable, Lost) as error:
                last = error
                continue
            if ranges is None:
                self.mode = self.mode or "single"
            else:
                self._adopt(ranges)
            return
        raise last

    def _candidates(self) -> Iterator[Address]:
        """Where to ask: the nodes that are known, then the hosts of the URL."""
        yield from dict.fromkeys([*(each.address for each in self.masters() if self.mode == "cluster"), *self.hosts])

    def _ranges(self, node: Node) -> list[topology.Range] | None:
        """The slots as *node* tells them; None where it is in no cluster."""
        reply = node.ask("CLUSTER", "SHARDS")
        self.command = "SHARDS"
        if isinstance(reply, exceptions.ResponseError):
            reply = node.ask("CLUSTER", "SLOTS")
            self.command = "SLOTS"
            if isinstance(reply, exceptions.ResponseError):
                return None
            return topology.of_slots(reply, node.address)
        return topology.of_shards(reply, node.address, self.options.tls is not None)

    def _adopt(self, ranges: list[topology.Range]) -> None:
        slots: list[Node | None] = [None] * SLOTS
        for each in ranges:
            slots[each.first:each.last + 1] = [self.node(each.owner)] * (each.last + 1 - each.first)
        self.slots, self.mode = slots, "cluster"
        self._looked = self._clock()
        self.refreshes, self.refreshed_at = self.refreshes + 1, time.time()
        self.figures.refreshes.add()

    # --- asking

    def _ask_single(self, key: str | None, commands: Sequence[Command], repeatable: bool) -> list[Reply]:
        last: Exception = Unreachable(f"{self.name} has no server")
        for step in range(len(self.hosts)):
            index = (self._current + step) % len(self.hosts)
            try:
                replies = self.node(self.hosts[index]).ask_all(commands)
            except Unreachable as error:
                last = error
            except Lost as error:
                last = error
                if not repeatable:
                    break
            else:
                # A replica takes no writes: the one that was made the master since is another of the hosts.
                if not any(isinstance(each, exceptions.ReadOnlyError) for each in replies) or len(self.hosts) == 1:
                    self._current = index
                    return replies
                last = Unreachable(f"{self.name}: no server takes writes")
        raise last

    def _ask_cluster(self, key: str | None, commands: Sequence[Command], repeatable: bool) -> list[Reply]:
        slot = 0 if key is None else topology.slot_of(key)
        node, asking = self._owner(slot), False
        replies: list[Reply] = []
        for _ in range(REDIRECTIONS):
            try:
                replies = node.ask_all(asked(commands) if asking else commands)
            except (Unreachable, Lost) as error:
                node = self._another(slot, node, error, repeatable)
                continue
            replies = [each for each, command in zip(replies, asked(commands), strict=True)
                       if command != ASKING] if asking else replies
            redirection = next((each for each in replies if isinstance(each, REDIRECTING)), None)
            if redirection is None:
                return replies
            node, asking = self._follow(redirection, node, slot)
        return replies

    def _owner(self, slot: int) -> Node:
        """Who has *slot*."""
        if self.slots[slot] is None:
            self.refresh()
        owner = self.slots[slot]
        if owner is None:
            raise Unreachable(f"{self.name}: no node has slot {slot}")
        return owner

    def _another(self, slot: int, node: Node, error: Exception, repeatable: bool) -> Node:
        """Who has *slot* now that *node* has not answered; the *error* where that is nobody else."""
        self.refresh()
        other = self.slots[slot]
        if other is None or other is node or (isinstance(error, Lost) and not repeatable):
            raise error
        return other

    def _follow(self, redirection: exceptions.ResponseError, node: Node, slot: int) -> tuple[Node, bool]:
        """Whom to ask next, and whether to say ASKING first."""
        if isinstance(redirection, exceptions.MovedError):
            node.moved += 1
            self.figures.moved.add()
            target = self.node((redirection.host or node.address[0], redirection.port))
            self.slots[slot] = target
            gevent.spawn(self.refresh)
            return target, False
        if isinstance(redirection, exceptions.AskError):
            return self.node((redirection.host or node.address[0], redirection.port)), True
        gevent.sleep(PAUSE)
        self.refresh()
        return self._owner(slot), False

    # --- how they are

    def _part(self, key: str | None) -> str:
        """What the log calls that of it which has *key*: of a cluster, a node may be gone while the others work."""
        owner = self.slots[topology.slot_of(key)] if self.mode == "cluster" and key is not None else None
        return self.name if owner is None else f"{self.name}, node {owner.address[0]}:{owner.address[1]}"

    def _gone(self, key: str | None, error: str) -> None:
        self.figures.failed.add()
        part = self._part(key)
        if part not in self._lost:
            log.error("cache %s does not answer: %s", part, error)
        self._lost.add(part)

    def _back(self, key: str | None) -> None:
        for part in {self.name, self._part(key)} & self._lost:
            log.info("cache %s answers again", part)
            self._lost.discard(part)


ASKING: Command = ("ASKING",)
REDIRECTING = (exceptions.AskError, exceptions.TryAgainError, exceptions.ClusterDownError)  # MovedError is an AskError


def asked(commands: Sequence[Command]) -> list[Command]:
    """*commands* for a node that is about to take a slot over: what does not say so, it sends back."""
    if commands[0] == ("MULTI",):
        return [ASKING, *commands]
    return [each for command in commands for each in (ASKING, command)]
