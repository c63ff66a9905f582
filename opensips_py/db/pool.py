"""Connections that are kept open, lent to one user at a time."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from gevent.lock import BoundedSemaphore

from opensips_py.db.failures import QueryError

C = TypeVar("C")


class Pool(Generic[C]):
    """At most *size* connections. Whoever finds none free waits, at most as long as it lets itself wait.

    peewee's own pools keep a connection for each thread and hold a lock while they connect; here one that was given
    up in the middle of a call is thrown away, which matters more than anything: by *give_up*, where *close* would wait
    for what goes on in it.
    """

    def __init__(self, size: int, connect: Callable[[], C], close: Callable[[C], object],
                 is_alive: Callable[[C], bool], give_up: Callable[[C], object] | None = None) -> None:
        self.size = size
        self._connect, self._close, self._is_alive = connect, close, is_alive
        self._give_up = give_up or close
        self._places = BoundedSemaphore(size)
        self._idle: list[C] = []
        self._closed = False
        self.lent = 0

    @property
    def idle(self) -> int:
        """How many connections are open, and lent to nobody."""
        return len(self._idle)

    @contextmanager
    def lend(self) -> Iterator[C]:
        """A connection for the block; it is closed where the block ends with an error, a QueryError excepted."""
        with self._places:
            self.lent += 1
            try:
                connection = self._take()
                try:
                    yield connection
                except QueryError:
                    self._give_back(connection)
                    raise
                except BaseException:
                    self._give_up(connection)
                    raise
                self._give_back(connection)
            finally:
                self.lent -= 1

    def _take(self) -> C:
        while self._idle:
            connection = self._idle.pop()
            if self._is_alive(connection):
                return connection
            self._give_up(connection)
        return self._connect()

    def _give_back(self, connection: C) -> None:
        if self._closed:
            self._close(connection)
        else:
            self._idle.append(connection)

    def close(self) -> None:
        """Close what nobody uses; what is lent is closed when it comes back."""
        self._closed = True
        self.clear()

    def clear(self) -> None:
        """Close what nobody uses."""
        while self._idle:
            self._close(self._idle.pop())
