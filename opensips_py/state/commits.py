"""Writing that is acknowledged only when it is committed."""
from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from gevent import get_hub

T = TypeVar("T")
log = logging.getLogger(__name__)

Operation = Callable[[Any], Any]


class Commits:
    """Operations on an environment: those that somebody waits for, and those that may come along.

    *submit* commits before it returns. Measured with two workers that write all the time: one transaction for each
    operation lets each of them do 79,000 a second (6.3 µs), sixteen collected into one 117,000 (5.6 µs); parking a
    greenlet until the collected transaction is there costs 4 µs. So nobody waits for company: a transaction holds
    nothing but operations that are complete, and ends at once. What is posted leaves with the next one that is
    submitted, else in the event loop's next round.
    """

    def __init__(self, apply: Callable[[list[Operation]], list[Any]]) -> None:
        self._apply = apply
        self._operations: list[Operation] = []
        self._reports: list[Callable[[Any], object] | None] = []

    @property
    def waiting(self) -> int:
        """How many operations are posted."""
        return len(self._operations)

    def submit(self, operation: Callable[[Any], T]) -> T:
        """Carry out and commit *operation*; its result, or the exception that it raised."""
        if self._operations:
            results = self._carry_out([operation])
            result: Any = results[0]
        else:
            result = self._apply([operation])[0]
        if isinstance(result, BaseException):
            raise result
        return result  # type: ignore[no-any-return]

    def post(self, operation: Callable[[Any], T], done: Callable[[T | BaseException], object] | None = None) -> None:
        """Have *operation* carried out soon; *done* gets its result once that is committed, in the event loop."""
        if not self._operations:
            get_hub().loop.run_callback(self.flush)
        self._operations.append(operation)
        self._reports.append(done)

    def flush(self) -> None:
        """Carry out now what is posted."""
        while self._operations:
            self._carry_out([])

    def _carry_out(self, more: list[Operation]) -> list[Any]:
        """Carry out what is posted, then *more*, in one transaction; the results of *more*."""
        operations, reports = self._operations, self._reports
        self._operations, self._reports = [], []
        try:
            results = self._apply([*operations, *more])
        except Exception as error:  # no room on the disk, no map: everybody concerned hears of it
            results = [error] * (len(operations) + len(more))
        loop = get_hub().loop
        for done, result in zip(reports, results, strict=False):
            if done is not None:
                loop.run_callback(tell, done, result)
            elif isinstance(result, BaseException):
                log.error("a write that nobody waits for failed: %r", result)
        return results[len(operations):]


def tell(done: Callable[[Any], object], result: Any) -> None:
    """Report one result; called by the event loop, which must not see an exception."""
    try:
        done(result)
    except Exception:
        log.exception("an error left %r after its commit", done)
