"""Writing what is in the journal into the database: each row once, however often the database goes away."""
from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import lmdb

from opensips_py.db import Database, QueryError, Session, Unavailable
from opensips_py.db import catalog as tables
from opensips_py.db.catalog import FoundColumn
from opensips_py.db.creation import FLAVOURS
from opensips_py.modules.acc.journal import Entry, Full, Journal, Places
from opensips_py.modules.acc.rows import Row, fitted, plain
from opensips_py.restraint import Restraint

if TYPE_CHECKING:
    from opensips_py.module.services import Services
    from opensips_py.module.statistic import Counter as Statistic

TOGETHER = 200  # rows that are sent together
FIRST, LONGEST = 0.5, 5.0  # seconds until the next attempt
REMEMBERED = 600.0  # seconds for which the calls are remembered that processes have accounted which are no more
log = logging.getLogger("opensips_py.acc")
Fitted = tuple[str, dict[str, Any]]


class Columns:
    """The columns of tables as they are in the database, read when the first row goes there."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], dict[str, FoundColumn] | None] = {}
        self.told: set[tuple[str, str]] = set()

    def learn(self, database: Database, names: set[str]) -> None:
        """Have the columns of tables *names*."""
        for name in names:
            if (str(database.url), name) not in self.known:
                self.known[str(database.url), name] = columns_in(database, name)

    def fit(self, database: Database, table: str, row: Row) -> Fitted:
        """A row as its table takes it."""
        known = self.known.get((str(database.url), table))
        if known is None:
            return table, plain(row)
        missing: set[str] = set()
        values = fitted(row, known, missing)
        for name in missing:
            if (table, name) not in self.told:
                self.told.add((table, name))
                log.error("table %s has no column %s: what should stand there is not accounted", table, name)
        return table, values


def columns_in(database: Database, table: str) -> dict[str, FoundColumn] | None:
    """The columns of a table by their names in small letters; None where the database does not tell."""
    flavour = FLAVOURS.get(database.dialect)
    if flavour is None or "query" not in database.can or "." in table:
        return None
    try:
        found = database.run(lambda session: tables.table(session, flavour, table))
    except QueryError:
        return None
    return {each.name.lower(): each for each in found.columns} or None


class Writer:
    """What one process has to write; it outlives reloads."""

    def __init__(self) -> None:
        self.journal: Journal | None = None
        self.database: Database | None = None
        self.columns = Columns()
        self.certain: set[bytes] = set()  # rows that were marked as sent, and are not there for sure
        self.busy = self.waiting = False
        self.pause = FIRST
        self.lost: Statistic | None = None
        self.refused: Statistic | None = None
        self.complaints = Restraint(log, level=logging.ERROR)
        self.is_settled: Callable[[bytes], bool] = lambda call: True  # whether nobody tells its end again

    def begin(self, services: Services, database: Database, lost: Statistic, refused: Statistic) -> None:
        """Write into *database* from now on."""
        self.services, self.database, self.lost, self.refused = services, database, lost, refused
        self.columns = Columns()
        self.adopt()
        services.timers.start(REMEMBERED, self.prune)

    def prune(self, _: object = None) -> None:
        """Forget calls whose end nobody tells again: who goes on with dialogs of another has seen to them by now."""
        if self.journal is not None:
            self.journal.forget_calls([each for each in self.journal.old_calls() if self.is_settled(each)])

    def adopt(self) -> None:
        """Take over what processes have left that are no more."""
        if self.journal is None:
            return
        while taken := self.journal.adopt():
            log.info("accounting goes on with %d records that another process has left", taken)
        self.wake()

    def add(self, rows: Places, call: bytes = b"", *, hold: bool = False) -> list[bytes]:
        """Have rows written, or held back; their keys. Accounted where *call* was accounted before."""
        if self.journal is None:
            return []
        try:
            keys = self.journal.add(rows, call, hold=hold)
        except (Full, OSError, lmdb.Error) as error:  # no room in it, or on the disk
            assert self.lost is not None
            self.lost.add(len(rows))
            for table, row in rows:
                self.complaints.say("the journal of accounting has no room (%s): %s", error, shown(table, row))
            keys = []
        self.wake()
        return keys

    def release(self, keys: list[bytes], rows: Places) -> None:
        """Have *rows* written in place of those held back under *keys*."""
        if self.journal is not None:
            self.journal.release(keys, rows)
            self.wake()

    def wake(self) -> None:
        """Write what waits, unless somebody does, or the database has just failed."""
        if self.journal is None or self.database is None or self.busy or self.waiting:
            return
        if len(self.journal):
            self.busy = True
            self.services.spawn(self.write)

    def write(self) -> None:
        """Write all that waits; after a failure, go on in a while."""
        assert self.journal is not None
        done = True
        try:
            while done and (batch := self.journal.take(TOGETHER)):
                done = self.carry(batch)
        except Exception:  # whatever it is, the rows are still there
            log.exception("accounting could not write into the database")
            done = False
        self.busy = False
        if done:
            self.pause = FIRST
        else:
            self.waiting = True
            self.services.timers.start(self.pause, self.again)
            self.pause = min(self.pause * 2, LONGEST)

    def again(self, _: object = None) -> None:
        """Try again."""
        self.waiting = False
        self.wake()

    def carry(self, batch: list[Entry]) -> bool:
        """Bring rows into the database; whether they are done with."""
        database = self.database
        assert database is not None
        try:
            left = self.unsent(database, batch)
        except Unavailable:
            return False
        return self.send(database, left)

    def send(self, database: Database, batch: list[Entry]) -> bool:
        """Insert rows: all together, or where the database refuses that, one by one."""
        if not batch:
            return True
        rows = [self.columns.fit(database, each.table, each.row) for each in batch]
        try:
            database.run(lambda session: insert(session, rows), together=True)
        except Unavailable as error:
            keys = {each.key for each in batch}
            self.certain = self.certain | keys if error.outcome else self.certain - keys
            return False
        except QueryError as error:
            if len(batch) > 1:
                return all(self.send(database, [each]) for each in batch)
            assert self.refused is not None
            self.refused.add()
            log.error("the database refuses a record (%s): %s", error, shown(batch[0].table, batch[0].row))
        self.settle(batch)
        return True

    def settle(self, batch: list[Entry]) -> None:
        """These are done with."""
        assert self.journal is not None
        self.journal.forget(each.key for each in batch)
        self.certain.difference_update(each.key for each in batch)

    def unsent(self, database: Database, batch: list[Entry]) -> list[Entry]:
        """*batch* without what is in the database already; Unavailable where that cannot be told."""
        self.columns.learn(database, {each.table for each in batch})
        unknown = [each for each in batch if each.sent and each.key not in self.certain]
        if not unknown:
            return batch
        rows = [self.columns.fit(database, each.table, each.row) for each in unknown]
        there = occurrences(database, rows)
        found: list[Entry] = []
        for each, row in zip(unknown, map(same, rows), strict=True):
            if there[row]:
                there[row] -= 1
                found.append(each)
        if found:
            self.settle(found)
        done = {each.key for each in found}
        return [each for each in batch if each.key not in done]


def insert(session: Session, rows: list[Fitted]) -> None:
    """Insert rows, those of one form together."""
    groups: dict[tuple[str, tuple[str, ...]], list[tuple[Any, ...]]] = {}
    for table, values in rows:
        groups.setdefault((table, tuple(values)), []).append(tuple(values.values()))
    for (table, columns), some in groups.items():
        session.insert_many(table, columns, some)


def same(row: Fitted) -> tuple[Any, ...]:
    """What is equal for equal rows."""
    return row[0], *row[1].items()


def occurrences(database: Database, rows: list[Fitted]) -> dict[tuple[Any, ...], int]:
    """How often each of *rows* is in its table. Of tables that cannot be read nobody knows: then a row is not lost."""
    different = {same(each): each for each in rows}
    try:
        return dict(zip(different, database.occurrences(list(different.values())), strict=True))
    except QueryError as error:
        log.error("records may be accounted twice, for their table cannot be read: %s", error)
        return dict.fromkeys(different, 0)


def shown(table: str, row: Row) -> str:
    """A row as the log has it."""
    return f"{table}: " + ";".join(f"{name}={'' if value is None else value}" for name, value in row).replace(
        "\r", " ").replace("\n", " ")
