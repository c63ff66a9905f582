"""Collected writing: everything that is asked for while a worker empties its queue goes into one transaction."""
from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from gevent import get_hub, getcurrent
from gevent.hub import Waiter

T = TypeVar("T")
log = logging.getLogger(__name__)


class Commits:
    """Operations waiting for the next write transaction, and the greenlets waiting for them.

    The transaction runs in the event loop's next round, that is when the worker has no message left to look at:
    it contains no parsing, no script and no building, and whoever waits goes on only when it is committed.
    """

    def __init__(self, apply: Callable[[list[Callable[[Any], Any]]], list[Any]]) -> None:
        self._apply = apply
        self._operations: list[Callable[[Any], Any]] = []
        self._waiting: list[Callable[[Any], object]] = []

    def submit(self, operation: Callable[[Any], T]) -> T:
        """Have *operation* carried out, and wait until it is committed; raises what it raised."""
        hub = get_hub()
        if getcurrent() is hub:
            result: Any = self._apply([operation])[0]
        else:
            # A greenlet that a deadline throws out of this wait leaves its operation in: it is committed all the same,
            # and the waiter keeps the result from reaching the greenlet in some later wait.
            waiter: Any = Waiter(hub)
            self._queue(operation, waiter.switch, hub)
            result = waiter.get()
        if isinstance(result, BaseException):
            raise result
        return result  # type: ignore[no-any-return]

    def post(self, operation: Callable[[Any], T], done: Callable[[T | BaseException], object] | None = None) -> None:
        """Have *operation* carried out without waiting; *done* gets its result, in the event loop."""
        self._queue(operation, done or report, get_hub())

    def flush(self) -> None:
        """Carry out now what waits; called in the event loop, or where there is none left."""
        while self._operations:
            operations, waiting = self._operations, self._waiting
            self._operations, self._waiting = [], []
            try:
                results = self._apply(operations)
            except Exception as error:  # no room on the disk, no map: everybody waiting hears of it
                results = [error] * len(operations)
            for resume, result in zip(waiting, results, strict=True):
                try:
                    resume(result)
                except Exception:
                    log.exception("an error left %r after its commit", resume)

    def _queue(self, operation: Callable[[Any], Any], resume: Callable[[Any], object], hub: Any) -> None:
        if not self._operations:
            hub.loop.run_callback(self.flush)
        self._operations.append(operation)
        self._waiting.append(resume)


def report(result: object) -> None:
    """Nobody waits for this one: log what went wrong."""
    if isinstance(result, BaseException):
        log.error("a write that nobody waits for failed: %r", result)
