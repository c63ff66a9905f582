"""Sets of databases, and which of them an operation goes to."""
from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import gevent

from opensips_py.db import Database, DatabaseError, DatabaseUrl, Hindered, QueryError, Session, Unavailable

T = TypeVar("T")
FAILOVER, PARALLEL, ROUND = MODES = ("FAILOVER", "PARALLEL", "ROUND")
WRITES = frozenset(("insert", "insert_many", "update", "delete", "replace", "query"))
PROBE = 5.0  # seconds that a probe may take
log = logging.getLogger("opensips_py.db_virtual")


@dataclass
class Member:
    """One database of a set. *can*: it answered when it was last asked; *may*: management lets it be used."""

    database: Database
    can: bool = True
    may: bool = True
    unlimited: bool = False
    retries: int = 0  # failures in a row that followed a probe
    probed: bool = False  # a probe found it well, and nothing else has since

    def shown(self, index: int) -> dict[str, Any]:
        """Its state, for management."""
        return {"index": index, "name": str(self.database.url), "can": int(self.can), "may": int(self.may),
                "r_rec": int(self.unlimited)}

    def works(self) -> None:
        """It has answered."""
        self.can, self.probed, self.retries = True, False, 0

    def failed(self) -> None:
        """It has not."""
        if self.probed:
            self.retries += 1
        self.can = self.probed = False


class Recording:
    """A session that remembers whether it was told to change anything."""

    def __init__(self, session: Session, written: list[str]) -> None:
        self._session, self._written = session, written

    def __getattr__(self, name: str) -> Any:
        if name in WRITES:
            self._written.append(name)
        return getattr(self._session, name)


class VirtualDatabase(Database):
    """A set of databases; *names* are their URLs."""

    def __init__(self, url: DatabaseUrl, mode: str, names: Sequence[str], members: Sequence[Member]) -> None:
        self.url, self.mode, self.names, self.members = url, mode, list(names), list(members)
        self.can = frozenset.intersection(*(each.database.can for each in members))
        self.most_retries = 10
        self.next = 0  # ROUND: who comes first

    @property
    def dialect(self) -> str:
        """That of the first of them: sets are made of databases that can stand for each other."""
        return self.members[0].database.dialect

    def run(self, operation: Callable[[Session], T], *, together: bool = False, patience: float | None = None) -> T:
        written: list[str] = []
        error: DatabaseError = Unavailable(f"none of the databases of {self.url} can be used")
        for member in self.candidates():
            try:
                result = self.on(member, operation, together, patience, written)
            except (QueryError, Hindered) as failure:
                if self.mode != PARALLEL or not written:
                    raise
                return self.others(member, operation, together, patience, failure)
            except Unavailable as failure:
                error = failure
                if written and not failure.outcome and self.mode != PARALLEL:
                    raise  # it may be done: to do it elsewhere as well could do it twice
            else:
                if self.mode == PARALLEL and written:
                    self.rest(member, operation, together, patience)
                return result
            if self.mode == PARALLEL and written:
                return self.others(member, operation, together, patience, error)
        raise error

    def candidates(self) -> Iterator[Member]:
        """The databases that may be asked, in the order in which they are."""
        first = 0
        if self.mode == ROUND:
            first, self.next = self.next, (self.next + 1) % len(self.members)
        for each in [*self.members[first:], *self.members[:first]]:
            if each.can and each.may:
                yield each

    def on(self, member: Member, operation: Callable[[Session], T], together: bool, patience: float | None,
           written: list[str]) -> T:
        """Carry out *operation* on one database, and remember how it was."""
        def recorded(session: Session) -> T:
            return operation(Recording(session, written))
        written.clear()  # of a database that was asked before
        try:
            result = member.database.run(recorded, together=together, patience=patience)
        except (QueryError, Hindered):
            member.works()
            raise
        except Unavailable as error:
            member.failed()
            log.error("%s goes on without %s: %s", self.url, member.database.url, error)
            raise
        member.works()
        return result

    def rest(self, done: Member, operation: Callable[[Session], T], together: bool,
             patience: float | None) -> list[tuple[T | None, DatabaseError | None]]:
        """Carry out *operation* on all others than *done*, beside each other: what it gave, or why not."""
        def attempt(member: Member) -> tuple[T | None, DatabaseError | None]:
            try:
                return self.on(member, operation, together, patience, []), None
            except DatabaseError as error:
                log.error("%s: %s has not carried out what another has: %s", self.url, member.database.url, error)
                return None, error
        running = [gevent.spawn(attempt, each) for each in self.candidates() if each is not done]
        return [each.get() for each in running]

    def others(self, failed: Member, operation: Callable[[Session], T], together: bool, patience: float | None,
               error: DatabaseError) -> T:
        """The first result of the others, where *failed* has none; its *error* where they have none either."""
        for value, trouble in self.rest(failed, operation, together, patience):
            if trouble is None:
                return value  # type: ignore[return-value]
        raise error

    def probe(self) -> None:
        """Try the databases that did not answer and may be tried."""
        for member in self.members:
            if not member.can and (member.unlimited or member.retries < self.most_retries):
                try:
                    member.database.run(lambda session: None, patience=PROBE)
                except DatabaseError:
                    continue
                member.can = member.probed = True
                log.info("%s uses %s again", self.url, member.database.url)
