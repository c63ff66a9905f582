"""The one way into the thread pool, for calls that would stop the event loop; and an end to every wait."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, cast

import gevent
from gevent import Timeout, get_hub
from gevent.monkey import get_original
from gevent.threadpool import ThreadPool

P = ParamSpec("P")
T = TypeVar("T")

SIZE = 16  # threads
QUEUE = 1000  # calls waiting for a thread
DEADLINE = 10.0  # seconds


class Busy(RuntimeError):
    """So many calls wait for a thread already that another one would only make it worse."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """End what the block waits for after *seconds*, however it waits: TimeoutError.

    Inside, it is a BaseException: a library that catches errors of its connection must not try again.
    """
    late = Timeout(seconds)
    try:
        with late:
            yield
    except Timeout as timeout:
        if timeout is not late:
            raise
        raise TimeoutError(f"it took longer than {seconds:g} s") from None


class Pool:
    """Threads for blocking calls; *calls*, *late* and *refused* are counted by the name of what was called."""

    def __init__(self, size: int = SIZE, queue: int = QUEUE) -> None:
        self.size = size
        self.queue = queue
        self.calls: dict[str, int] = {}
        self.late: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self.seconds: dict[str, float] = {}
        self.running = 0
        self._pool: ThreadPool | None = None

    def run(self, function: Callable[..., T], *arguments: Any, deadline: float = DEADLINE, **named: Any) -> T:
        """Call *function* in a thread and wait for it, at most *deadline* seconds (TimeoutError).

        A call that is given up goes on in its thread: nothing can stop it, so what it works on must not be reused.
        """
        name = getattr(function, "__qualname__", type(function).__name__)
        if self.running >= self.size + self.queue:
            self.refused[name] = self.refused.get(name, 0) + 1
            raise Busy(f"{self.running} blocking calls are waiting already")
        self.calls[name] = self.calls.get(name, 0) + 1
        self.running += 1
        started = time.monotonic()
        try:
            result: Any = self._threads().spawn(self._call, function, arguments, named)
        except BaseException:
            self.running -= 1
            raise
        result.rawlink(self._ended)
        try:
            with Timeout(deadline, TimeoutError(f"{name} took longer than {deadline} s")):
                value, error = result.get()
        except TimeoutError:
            if not result.ready():
                self.late[name] = self.late.get(name, 0) + 1
            raise
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - started
        if error is not None:
            raise error
        return cast(T, value)

    def _call(self, function: Callable[..., T], arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[
            T | None, Exception | None]:
        """What a call comes to: its value, or its exception as a value, which gevent would print otherwise."""
        _inside.pool = self
        try:
            return function(*arguments, **named), None
        except Exception as error:
            return None, error

    def in_hub(self, function: Callable[..., T], *arguments: Any, deadline: float = DEADLINE) -> T:
        """From a thread of this pool: call *function* in the thread of the event loop, and wait for it; elsewhere that
        is where we are. What opens sockets that outlive the call has to run there: they belong to its loop."""
        if getattr(_inside, "pool", None) is not self or self._pool is None:
            return function(*arguments)
        result: list[Any] = []
        over = get_original("_thread", "allocate_lock")()  # a real one: the thread may block, its greenlets are none
        over.acquire()

        def call() -> None:
            try:
                result.append((function(*arguments), None))
            except BaseException as error:
                result.append((None, error))
            over.release()
        self._pool.hub.loop.run_callback_threadsafe(gevent.spawn, call)
        if not over.acquire(timeout=deadline):
            raise TimeoutError(f"{getattr(function, '__qualname__', function)} took longer than {deadline} s")
        value, error = result[0]
        if error is not None:
            raise error
        return value  # type: ignore[no-any-return]

    def _ended(self, _: object) -> None:
        self.running -= 1

    def _threads(self) -> ThreadPool:
        if self._pool is None or self._pool.hub is not get_hub():
            self._pool = ThreadPool(self.size)
        return self._pool


_inside: Any = get_original("threading", "local")()  # which pool a thread belongs to
pool = Pool()
run = pool.run
in_hub = pool.in_hub
