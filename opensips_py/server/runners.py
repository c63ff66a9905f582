"""Pooled greenlets that run what the event loop queues, message after message.

Only compiled code runs in the hub. A callback queues work and switches to a runner, which empties the queue. If the
work really waits, gevent switches back to the hub inside the callback, and the rest goes to the next runner: what never
waits costs no spawn, and what waits parks only itself.
"""
from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from typing import Any

import gevent
from greenlet import greenlet

log = logging.getLogger(__name__)

Work = tuple[Callable[[Any], object], Any]


class Runners:
    """The pool of one worker; over *limit* runners, new requests are refused.

    *refused* is given the argument of each piece of work then: True, it has been dealt with; False, it has to run all
    the same, as timers and responses do, for they are what ends waiting.
    """

    def __init__(self, limit: int = 1000) -> None:
        self.limit = limit
        self.queue: deque[Work] = deque()
        self.refused: Callable[[Any], bool] = lambda argument: False
        self.total = 0
        self._hub = gevent.get_hub()
        self._idle: list[greenlet] = []
        self._draining = False
        self._scheduled = False

    @property
    def parked(self) -> int:
        """How many runners are waiting inside a route or a callback."""
        return self.total - len(self._idle)

    def submit(self, function: Callable[[Any], object], argument: Any = None) -> None:
        """Queue ``function(argument)``; may be called from anywhere on the hub's thread."""
        self.queue.append((function, argument))
        if not self._draining and not self._scheduled:
            self._scheduled = True
            self._hub.loop.run_callback(self.drain)

    def drain(self) -> None:
        """Run everything queued; called in the hub, and returns when the queue is empty or refused."""
        self._scheduled = False
        if self._draining:
            return
        self._draining = True
        try:
            while self.queue:
                if self._idle:
                    self._idle.pop().switch()
                elif self.total >= self.limit and self.refused(self.queue[0][1]):
                    self.queue.popleft()
                else:
                    self.total += 1
                    greenlet(self._run, parent=self._hub).switch()
        finally:
            self._draining = False

    def close(self) -> None:
        """End the runners that have nothing to do: a suspended greenlet holds for ever what it can reach."""
        while self._idle:
            runner = self._idle.pop()
            runner.parent = gevent.getcurrent()  # where an ended greenlet leads back to
            runner.throw()

    def _run(self) -> None:
        this = gevent.getcurrent()
        queue, idle, switch_back = self.queue, self._idle, self._hub.switch
        try:
            while True:
                while queue:
                    function, argument = queue.popleft()
                    try:
                        function(argument)
                    except Exception:
                        log.exception("an error left %s", getattr(function, "__qualname__", function))
                if this.gr_context is not None:
                    this.gr_context = None  # nothing of one message may reach the next
                idle.append(this)
                switch_back()
        except greenlet.GreenletExit:
            raise
        except BaseException:
            # A stray Timeout or SystemExit ends this runner alone: an exception must not enter the hub.
            log.exception("a runner ended")
        finally:
            self.total -= 1
