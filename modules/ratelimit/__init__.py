"""Limit how much passes: messages of a kind, to a destination, of a customer, whatever the script gives a name."""
from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from opensips_py.module import (
    Between,
    CacheDbUrl,
    CacheError,
    ConfigError,
    Module,
    OneOf,
    Pattern,
    Route,
    Run,
    Writable,
    WritableKind,
    cache_driver,
    cachedb,
    param,
    pvar,
    script,
    timer,
    uses,
)
from opensips_py.module.cachedb import COUNTERS, VALUES
from opensips_py.modules.ratelimit import algorithms
from opensips_py.modules.ratelimit.algorithms import FEEDBACK, NAMES, NETWORK, RED, TAILDROP
from opensips_py.modules.ratelimit.load import Load
from opensips_py.modules.ratelimit.management import Management
from opensips_py.modules.ratelimit.pipes import Pipe, Pipes, Rules, window_buckets
from opensips_py.modules.ratelimit.shared import Shared

ROUTES = (Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.ERROR | Route.LOCAL | Route.TIMER
          | Route.EVENT)
T = TypeVar("T")
TOGETHER = (TAILDROP, RED)  # on what several servers have counted
Algorithm = Annotated[str, OneOf(*NAMES)]
Avp = Annotated[Writable, WritableKind(("avp",))]
LAID_OUT = "the memory for pipes is laid out when the server starts"
LARGEST = 4096  # chains: 6 MiB


class RateLimit(Management, Module, name="ratelimit"):
    """Count messages in pipes, which the script names as it likes, and let no more pass than a limit. All workers count
    together. A pipe exists from its first rl_check() until it has been idle for expire_time; its algorithm stays as it
    was when it was made:

    TAILDROP: so many messages pass from the beginning of an interval (timer_interval), those behind them do not.
    RED: when the last interval had too many, the right number is taken evenly out of what comes.
    SBT: so many messages pass in any window of window_size seconds, which moves on in steps of slot_period.
    FEEDBACK: the limit is the load of the processors to aim at, in percent; a controller sets how many messages pass.
    NETWORK: messages pass while no more bytes than the limit wait in the sockets of the server; that is looked at once
    in an interval.

    With cachedb_url, several servers count together what TAILDROP and RED decide on: in a key-value store, in intervals
    by the clock. While the store does not answer, each counts alone.

    There is room for eight pipes per chain of the hash table; of more, the ones that are idle longest give way."""

    timer_interval: Annotated[int, Between(1, 86400)] = param(10, "Seconds of an interval.")
    expire_time: Annotated[int, Between(1, 1 << 30)] = param(3600, "Seconds for which an idle pipe is kept.")
    hash_size: Annotated[int, Between(1, LARGEST)] = param(
        1024, "Chains of the table of pipes, a power of 2.", fixed=LAID_OUT)
    default_algorithm: Algorithm = param("TAILDROP", "Algorithm of pipes for which rl_check() names none.")
    limit_per_interval: bool = param(
        0, "Whether limits of TAILDROP and RED are per interval; else they are per second.")
    window_size: Annotated[int, Between(1, 86400)] = param(10, "Seconds of the window of SBT.", fixed=LAID_OUT)
    slot_period: Annotated[int, Between(1, 86_400_000)] = param(
        200, "Milliseconds of a step of that window.", fixed=LAID_OUT)

    cachedb_url: CacheDbUrl = param("", "The store in which several servers count together; empty: each counts alone.")
    db_prefix: str = param("rl_pipe_", "What stands before the names of pipes there.")

    stores: Any = uses("class:cachedb", parameter="cachedb_url")
    shared: Shared | None = None

    def load(self) -> None:
        """Check what has to be a power of 2, and that a window has steps."""
        if self.hash_size & (self.hash_size - 1):
            raise ConfigError("the number of chains is a power of 2", self.name, "hash_size")
        slots = self.window_size * 1000 // self.slot_period
        if not slots or not window_buckets(self.hash_size, slots):
            raise ConfigError(f"a window has 1 to 8000 steps, not {slots}", self.name, "slot_period")
        self.rules = Rules(self.timer_interval, self.expire_time, slots, self.slot_period / 1000)
        if self.cachedb_url:
            cache_driver(self, self.cachedb_url, needs=(VALUES, COUNTERS))

    def prepare(self) -> None:
        if self.cachedb_url:
            self.shared = Shared(cachedb(self, self.cachedb_url), self.db_prefix, self.timer_interval)

    def start(self) -> None:
        """Find the pipes."""
        hashed, chains, slots = self.services.slots.hash, self.hash_size, self.rules.slots
        words = self.services.shared_words(f"ratelimit {chains} {slots}", Pipes.size(chains, slots))
        self.pipes = Pipes(words, chains, self.rules, lambda name: hashed("ratelimit", name))
        self.machine = Load(self.services)
        self.measure()

    @script(ROUTES)
    def rl_check(self, run: Run, name: str, limit: int, algorithm: Algorithm | None = None) -> bool:
        """Count the message in the pipe *name*, which is made where there is none, and give it *limit*; false where
        that is reached. What is refused is counted, too: rl_dec_count() takes it back."""
        if limit < 0:
            self.log.error("rl_check(%s): %d is no limit", name, limit)
            return False
        with self.pipes.made(name, NAMES[algorithm or self.default_algorithm], limit) as pipe:
            found = pipe.algorithm
            if self.shared is None or found not in TOGETHER:
                return self.passes(pipe)
        run.park()
        return self.passes_together(self.shared, name, limit, found)

    @script(ROUTES)
    def rl_dec_count(self, run: Run, name: str) -> bool:
        """Take one message back that rl_check() has counted in the pipe *name*; false where there is none."""
        with self.pipes.pipe(name) as pipe:
            if pipe is not None:
                pipe.add(-1)
            there, shared = pipe is not None, self.store_of(pipe)
        if shared is not None:
            run.park()
            self.asked(lambda: shared.count(name, -1))
        return there

    @script(ROUTES)
    def rl_reset_count(self, run: Run, name: str) -> bool:
        """Set the counter of the pipe *name* back to 0; false where there is none."""
        with self.pipes.pipe(name) as pipe:
            if pipe is not None:
                pipe.reset()
            there, shared = pipe is not None, self.store_of(pipe)
        if shared is not None:
            run.park()
            self.asked(lambda: shared.reset(name))
        return there

    @script(Route.ANY, dialect="4.0")
    def rl_values(self, ret_avp: Avp, regexp: Pattern | None = None) -> bool:
        """Assign the names of all pipes to *ret_avp*, or of those that *regexp* matches."""
        for name in self.pipes.names():
            if regexp is None or regexp.matches(name):
                ret_avp.set(name)
        return True

    @pvar("rl_count", dialect="4.0")
    def rl_count(self, run: Run, name: str) -> int | None:
        """The counter of a pipe; NULL where there is none."""
        if self.shared is not None:
            run.park()
            self.follow(name)
        with self.pipes.pipe(name) as pipe:
            return None if pipe is None else pipe.counter

    @timer("timer_interval")
    def measure(self) -> None:
        """Look at the load of the machine."""
        self.machine.measure()

    def passes(self, pipe: Pipe) -> bool:
        """Count a message in *pipe*; whether it may pass."""
        algorithm = pipe.algorithm
        if algorithm == FEEDBACK:
            pipe.control(self.machine.gains, self.machine.processors)
        counted, limit = pipe.count(), pipe.limit
        if algorithm in TOGETHER:
            return self.decided(algorithm, counted, pipe.before, limit)
        if algorithm == FEEDBACK:
            return algorithms.dropped_evenly(counted, pipe.rate)
        if algorithm == NETWORK:
            return self.machine.waiting <= limit
        return counted <= limit

    def decided(self, algorithm: int, counted: int, before: int, limit: int) -> bool:
        """Whether the message that was *counted* last may pass, after an interval with so many *before*."""
        allowed = limit if self.limit_per_interval else limit * self.timer_interval
        return algorithms.red(counted, before, allowed) if algorithm == RED else counted <= allowed

    # Counting with other servers

    def passes_together(self, shared: Shared, name: str, limit: int, algorithm: int) -> bool:
        """Count a message where others do, too; whether it may pass. Without the store, we count alone."""
        answer = self.asked(lambda: (shared.count(name), shared.before(name) if algorithm == RED else 0))
        with self.pipes.made(name, algorithm, limit) as pipe:
            if answer is None:
                return self.passes(pipe)
            pipe.touch()
            pipe.follow(*answer)
        return self.decided(algorithm, *answer, limit)

    def store_of(self, pipe: Pipe | None) -> Shared | None:
        """Where *pipe* is counted, if other servers count in it."""
        return self.shared if pipe is not None and pipe.algorithm in TOGETHER else None

    def follow(self, name: str) -> None:
        """Have the pipe *name* know what all servers have counted; waits."""
        with self.pipes.pipe(name) as pipe:
            shared = self.store_of(pipe)
        answer = None if shared is None else self.asked(lambda: (shared.counter(name), shared.before(name)))
        if answer is not None:
            with self.pipes.pipe(name) as pipe:
                if pipe is not None:
                    pipe.follow(*answer)

    def asked(self, question: Callable[[], T]) -> T | None:
        """What the store answers; None where it does not, and then the log says so."""
        try:
            return question()
        except (CacheError, ValueError) as error:
            self.log.error("pipes are counted here alone: %s", error)
            return None
