"""An SQL database: operations with a deadline, on pooled connections, behind a circuit breaker."""
from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import peewee

from opensips_py import blocking
from opensips_py.db.breaker import Breaker
from opensips_py.db.database import Database, Watcher
from opensips_py.db.driver import Driver
from opensips_py.db.failures import Hindered, QueryError, Unavailable
from opensips_py.db.pool import Pool
from opensips_py.db.session import Session
from opensips_py.db.sql import SqlSession, text_of
from opensips_py.db.url import DatabaseUrl

T = TypeVar("T")
PATIENCE = 10.0  # seconds
LATE = 3  # operations in a row that took too long: the database is gone


class PooledDatabase(Database):
    """An SQL database with *size* connections at most."""

    def __init__(self, url: DatabaseUrl, driver: Driver, watcher: Watcher | None = None, *, size: int = 10,
                 patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic) -> None:
        self.url, self.driver, self.watcher = url, driver, watcher
        self.patience, self._clock = patience, clock
        self.breaker = Breaker()
        self._late = 0
        self.pool: Pool[peewee.Database] = Pool(size, self._connect, self._close, driver.is_alive, self._give_up)

    @property
    def is_up(self) -> bool:
        """Whether it answered when it was last asked."""
        return self.breaker.is_closed

    @property
    def pause(self) -> float:
        return 0.0 if self.is_up else max(self.breaker.until - self._clock(), 0.0)

    def run(self, operation: Callable[[Session], T], *, together: bool = False, patience: float | None = None) -> T:
        started = self._clock()
        if not self.breaker.allows(started):
            raise Unavailable(f"{self.url} did not answer, and is not asked again before "
                              f"{max(self.breaker.until - started, 0):.1f} s")
        allowed = self.patience if patience is None else patience
        try:
            with blocking.deadline(allowed), self.pool.lend() as connection:
                result: T = self._in_thread(allowed, carry_out, self.driver.session, connection, operation, together)
        except TimeoutError:
            self._late += 1
            self._failed(f"no answer in {allowed:g} s", counts=self._late >= LATE or not self.is_up)
            raise Unavailable(f"{self.url} took longer than {allowed:g} s", outcome=False) from None
        except blocking.Busy as error:
            self.breaker.given_up()
            raise Unavailable(str(error)) from None
        except Hindered:
            self._answered(operation, started)
            raise
        except Unavailable as error:
            self._failed(str(error))
            raise
        except QueryError:
            self._answered(operation, started)
            raise
        except BaseException:
            self.breaker.given_up()
            raise
        self._answered(operation, started, result)
        return result

    def _in_thread(self, allowed: float, function: Callable[..., T], *arguments: Any) -> T:
        """Call *function*, in a thread where the driver blocks."""
        if self.driver.threads:
            return blocking.run(function, *arguments, deadline=allowed)
        return function(*arguments)

    def _connect(self) -> peewee.Database:
        try:
            made: peewee.Database = self._in_thread(self.patience, self.driver.open)
            return made
        except (peewee.PeeweeException, OSError) as error:
            raise Unavailable(f"{self.url}: {text_of(error)}") from error

    def _close(self, connection: peewee.Database) -> None:
        """Close a connection that nobody uses; a file may have to be tidied up for it."""
        with contextlib.suppress(peewee.PeeweeException, OSError, ValueError, AttributeError, blocking.Busy):
            self._in_thread(self.patience, connection.close)

    def _give_up(self, connection: peewee.Database) -> None:
        """Close a connection that may be of no use any more: what goes wrong then is nobody's business."""
        with contextlib.suppress(peewee.PeeweeException, OSError, ValueError, AttributeError):
            self.driver.give_up(connection)

    def _answered(self, operation: Callable[[Session], Any], started: float, result: Any = None) -> None:
        self._late = 0
        if self.breaker.succeeded() and self.watcher is not None:
            self.watcher.back(self)
        if self.watcher is not None:
            self.watcher.done(self, operation, self._clock() - started, result)

    def _failed(self, error: str, counts: bool = True) -> None:
        if not counts:
            return
        if self.breaker.failed(self._clock()) and self.watcher is not None:
            self.watcher.lost(self, error)

    def close(self) -> None:
        self.pool.close()


def carry_out(session: type[SqlSession], connection: peewee.Database, operation: Callable[[Session], T],
              together: bool) -> T:
    """Carry out *operation* on *connection*."""
    here = session(connection)
    within: AbstractContextManager[None] = here.together() if together else nullcontext()
    with within:
        return operation(here)
