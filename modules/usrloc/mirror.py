"""The SQL database that is told of the contacts in memory."""
from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import gevent

from opensips_py.db import Database, DatabaseError, QueryError, Session, Unavailable, columns_of, one_of
from opensips_py.modules.usrloc.marks import Claimed
from opensips_py.modules.usrloc.rows import Rows
from opensips_py.modules.usrloc.settings import Settings
from opensips_py.restraint import Restraint
from opensips_py.state._bindings import MEMORY_ONLY
from opensips_py.state.names import is_running

if TYPE_CHECKING:
    from opensips_py.modules.usrloc.mirrored import MirroredTable

LOADED, HOLDER = range(2)  # words of a table: the database has been read; the process that wants it left alone
BATCH = 100  # addresses-of-record that are told in one transaction of the database
TURN = 0.005  # seconds until somebody who waits for another process looks again
PATIENCE = 10.0  # seconds until it does not wait any longer
AGAIN = 1.0  # seconds until a database is asked again that could not be told, or more where it is left alone longer


class Outcome(NamedTuple):
    """How the telling of some addresses-of-record ended: *told* all of them, or *put_off* because the database could
    not be told; *changed* are the keys of those that have changed meanwhile."""

    told: bool = False
    put_off: bool = False
    changed: Sequence[bytes] = ()


class Mirror:
    """Tells the database what the marks of tables say: *at_once*, while whoever made the change waits, or when asked.

    A mark is claimed before and settled after: two processes never tell of one address-of-record at the same time, so
    what the database hears last is what holds.
    """

    settings: Settings

    def __init__(self, database: Database, versions: str, timers: Any, *, writes: bool = True,
                 at_once: bool = False) -> None:
        self.database, self.versions, self.writes, self.at_once = database, versions, writes, at_once
        self._timers = timers
        self._known: dict[str, Rows] = {}
        self.batch = BATCH  # less for a while where the database has not managed so many in time
        self._waiting: list[Callable[[], object]] = []  # who is called when the database is to be asked again
        self.complaints = Restraint(logging.getLogger("opensips_py.usrloc"), level=logging.ERROR)

    def follow(self, settings: Settings) -> None:
        """Work for another generation."""
        self.settings = settings
        self._known.clear()

    def rows(self, table: str) -> Rows:
        """The rows of *table*, in the form that the database has it in; DatabaseError where it does not say."""
        found = self._known.get(table)
        if found is None:
            try:
                form = columns_of(self.database, table, "location", self.versions)
            except QueryError as error:  # the table is the trouble, no contact is: it may be another one later
                raise Unavailable(str(error)) from None
            found = self._known[table] = self.settings.rows(table, form)
        return found

    # Telling

    def tell(self, table: MirroredTable, keys: list[bytes], again: bool = False) -> bool:
        """Tell of the addresses-of-record under *keys*; waits. False: the database will have to be asked again."""
        left, waited = list(keys), 0.0
        while left and waited < PATIENCE:
            some = left[:self.batch]
            claimed = table.marks.claim(some, again)
            if claimed:
                outcome = self.tell_claimed(table, claimed)
                if outcome.put_off:
                    break
                left = [*left[len(some):], *(outcome.changed if outcome.told else ())]
            elif any(self.is_being_told(table, key) for key in some):
                gevent.sleep(TURN)
                waited += TURN
            else:
                left = left[len(some):]
        if left:
            self.later(self.settings.again)
        return not left

    def is_being_told(self, table: MirroredTable, key: bytes) -> bool:
        """Whether another one is telling of this address-of-record."""
        mark = table.marks.find(key)
        return mark is not None and bool(mark.claim)

    def tell_claimed(self, table: MirroredTable, claimed: list[Claimed]) -> Outcome:
        """Tell what is claimed."""
        told = refused = False
        unsure = True  # until it is known how that ends
        changed: list[bytes] = []
        try:
            if not self.is_held(table):
                self.write(table, claimed)
                told = True
            unsure = False
        except QueryError as error:
            refused, unsure = True, False
            if len(claimed) > 1:
                return self.tell_each(table, claimed)
            self.complaints.say("table %s: the contacts of %s: %s", table.name, claimed[0].mark.aor, error)
        except DatabaseError as error:
            unsure = not getattr(error, "outcome", True)
            if unsure:  # perhaps it was too much for the time that there is
                self.batch = max(len(claimed) // 2, 1)
            self.complaints.say("table %s: %s; changes are kept until it can be told", table.name, error)
        finally:
            if not refused or len(claimed) == 1:
                changed = table.marks.settle(claimed, told=told, refused=refused, unsure=unsure)
        if told:
            self.batch = min(self.batch * 2, BATCH)
        return Outcome(told, not told and not refused, changed)

    def tell_each(self, table: MirroredTable, claimed: list[Claimed]) -> Outcome:
        """One of several is not accepted: tell of each by itself."""
        left, outcomes = list(claimed), [Outcome(True)]
        try:
            while left and not outcomes[-1].put_off:
                outcomes.append(self.tell_claimed(table, [left.pop(0)]))
        finally:
            table.marks.settle(left)
        return Outcome(all(each.told for each in outcomes), outcomes[-1].put_off,
                       [key for each in outcomes for key in each.changed])

    def write(self, table: MirroredTable, claimed: Sequence[Claimed]) -> None:
        """Have the database carry out what is claimed, all or nothing."""
        rows, at_most = self.rows(table.name), self.settings.at_most
        gone = [where for each in claimed for where in removals(rows, each)]
        written = [row for each in claimed for row in writings(rows, each)]

        def operation(session: Session) -> None:
            take_out(session, rows, gone, at_most)
            for row in written:
                session.replace(rows.table, row, rows.key)
        self.database.run(operation, together=True)

    def flush(self, table: MirroredTable, slots: Sequence[int], again: bool = False) -> bool:
        """Tell all that is marked in *slots*; false where that was not possible."""
        return all(self.tell(table, keys, again) for keys in batches(table.marks.keys(slots)))

    # Who wants the database left alone

    def is_held(self, table: MirroredTable) -> bool:
        """Whether a process wants the database left alone for a while."""
        holder = table.words.load(HOLDER)
        return bool(holder) and is_running(holder)

    def later(self, function: Callable[[], object]) -> None:
        """Have *function* called when it is time to ask a database again that was gone."""
        if not self._waiting:
            self._timers.start(max(self.database.pause, AGAIN), self._retry)
        if function not in self._waiting:
            self._waiting.append(function)

    def _retry(self, _: object = None) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            try:
                each()
            except Exception:  # whatever it is, what is to be told is still there
                self.settings.log.exception("the database could not be told")
                self.later(each)


def batches(keys: Iterable[bytes]) -> Iterator[list[bytes]]:
    """So many keys as are told in one transaction."""
    rest = iter(keys)
    while some := list(itertools.islice(rest, BATCH)):
        yield some


def removals(rows: Rows, claimed: Claimed) -> Iterator[dict[str, Any]]:
    """What the rows are found by that have to go."""
    here = {each.id for each in claimed.bindings if not each.flags & MEMORY_ONLY}
    for identifier, contact, call_id in claimed.mark.removed:
        if not rows.id or identifier not in here:
            yield rows.where(claimed.mark.aor, identifier, contact, call_id)


def writings(rows: Rows, claimed: Claimed) -> Iterator[dict[str, Any]]:
    """The rows that have to be there. Key/value pairs are in each row of an address-of-record."""
    mark = claimed.mark
    everything = mark.keys or bool(claimed.keys)
    for each in claimed.bindings:
        if not each.flags & MEMORY_ONLY and (everything or each.id in mark.changed):
            yield rows.values(mark.aor, each, claimed.keys)


def take_out(session: Session, rows: Rows, gone: list[dict[str, Any]], at_most: int) -> None:
    """Delete rows, at most so many with one statement where they have an identifier."""
    if not rows.id:
        for each in gone:
            session.delete(rows.table, each)
        return
    for first in range(0, len(gone), at_most):
        session.delete(rows.table, {rows.id: one_of([each[rows.id] for each in gone[first:first + at_most]])})
