"""Reading contacts out of an SQL database into memory, when the server starts or the database is there again."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import gevent

from opensips_py.db import Session, greater
from opensips_py.modules.usrloc.marks import ALL_SLOTS, Mark
from opensips_py.modules.usrloc.mirror import HOLDER, LOADED, TURN, take_out
from opensips_py.modules.usrloc.record import Record, keys_of, set_keys
from opensips_py.state import matching
from opensips_py.state._bindings import MEMORY_ONLY, Binding, unpack
from opensips_py.state.names import is_running

if TYPE_CHECKING:
    from opensips_py.modules.usrloc.mirror import Mirror
    from opensips_py.modules.usrloc.mirrored import MirroredTable

PAGE = 1000  # rows that are read at a time
PIECE = 100  # of them that are taken over in one transaction, so that calls are served between


class Loading:
    """One reading of one table. What the database has not been told yet wins over what it has; else *sql_wins*, or the
    newer of the two does.

    Nobody tells the database anything meanwhile: so there is a mark for all that changes under our hands.
    """

    def __init__(self, mirror: Mirror, table: MirroredTable, *, sql_wins: bool, writes: bool, regenerate: bool) -> None:
        self.mirror, self.table = mirror, table
        self.sql_wins, self.writes, self.regenerate = sql_wins, writes, regenerate
        self.log = mirror.settings.log
        self.seen: set[int] = set()  # identifiers of contacts that have a row
        self.over: list[dict[str, Any]] = []  # what the rows of contacts are found by that have expired
        self.broken = self.unreadable = 0

    def run(self) -> bool:
        """Read the table; false where another process is at it, DatabaseError where it is not possible."""
        return with_holder(self.table, self.read)

    def read(self) -> None:
        """The work, while nobody tells the database anything."""
        for slot in ALL_SLOTS:
            while self.table.marks.is_claimed(slot):
                gevent.sleep(TURN)
            gevent.sleep(0)
        rows, count = self.mirror.rows(self.table.name), 0
        for page in self.pages():
            for first in range(0, len(page), PIECE):
                count += self.take_over(page[first:first + PIECE])
                gevent.sleep(0)
        self.settle_rest()
        if self.writes and self.over:
            at_most = self.mirror.settings.at_most
            self.mirror.database.run(lambda session: take_out(session, rows, self.over, at_most))
        self.table.words.store(LOADED, 1)
        if self.broken:
            self.log.error("table %s: %d contacts have an identifier that is none, and are left out: "
                           "regen_broken_contactid gives them new ones", self.table.name, self.broken)
        if self.unreadable:
            self.log.error("table %s: %d rows hold what no contact has, and are left out", self.table.name,
                           self.unreadable)
        self.log.info("table %s: %d contacts read from %s", self.table.name, count, self.mirror.database.url)

    def pages(self) -> Iterator[list[dict[str, Any]]]:
        """The rows, by the order of their identifiers."""
        rows, last = self.mirror.rows(self.table.name), -1

        def page(session: Session) -> list[Any]:
            return session.select(rows.table, rows.columns, {rows.number: greater(last)}, (rows.number,), PAGE)
        while found := self.mirror.database.run(page):
            last = int(found[-1][0])
            yield [rows.named_row(each) for each in found]

    def take_over(self, page: list[dict[str, Any]]) -> int:
        """Take some rows over in one transaction; how many of them count."""
        operations = list(filter(None, map(self.operation, page)))
        self.table.marks.submit(lambda transaction: [each(transaction) for each in operations])
        return len(operations)

    def operation(self, row: dict[str, Any]) -> Callable[[Any], None] | None:
        """What one row does, in a write transaction; None where it does not count."""
        rows = self.mirror.rows(self.table.name)
        stored = int(row[rows.number])
        try:
            aor, binding = rows.aor(row), rows.binding(row)
        except (ValueError, TypeError, OverflowError):
            self.unreadable += 1
            return None
        if not binding.is_valid(self.table.clock()):
            self.over.append(rows.where(aor, stored, binding.contact, binding.call_id))
            return None
        is_broken = bool(rows.id) and not binding.id
        if is_broken and not self.regenerate:
            self.broken += 1
            return None
        fresh = self.table.new_id() if not binding.id else 0
        keys = rows.keys_in(row)

        def operation(transaction: Any) -> None:
            key = self.table.key(aor)
            mark = self.table.marks.get(transaction, key) or Mark(aor)
            change = self.table.change(aor, lambda record: self.merge(record, binding, fresh, keys, mark))
            taken = change(transaction).result
            if taken is not None:
                self.seen.add(taken.id)
            if is_broken and taken is not None:
                mark.removed.append((stored, binding.contact, binding.call_id))
                mark.changed[taken.id] = True
                mark.serial, mark.at = self.table.new_id(), self.table.clock()
                self.table.marks.put(transaction, key, mark)
        return operation

    def merge(self, record: Record, binding: Binding, fresh: int, keys: dict[str, str], mark: Mark) -> Binding | None:
        """Bring one row into its record; the contact that stands for it, if there is one."""
        old = same(record.bindings, binding)
        if keys and not mark.keys and keys_of(record) != keys and (old is None or self.is_better(binding, old, mark)):
            set_keys(record, keys)
        if old is None:
            if binding.modified <= mark.at and is_removed(mark, binding):
                return None  # the database does not know yet that it was taken out
            binding.id = binding.id or fresh
            record.insert(binding)
            return binding
        if self.is_better(binding, old, mark):
            record.update(old, binding)
            return binding
        return old

    def is_better(self, binding: Binding, old: Binding, mark: Mark) -> bool:
        """Whether a row counts more than the contact in memory that it stands for."""
        if old.id in mark.changed or old.flags & MEMORY_ONLY:
            return binding.modified > int(old.modified)
        return self.sql_wins or binding.modified > int(old.modified)

    def settle_rest(self) -> None:
        """Contacts in memory without a row: go where the database is always right, else it is to be told of them."""
        for number, (aor, stored) in enumerate(self.table.records()):
            if number % PIECE == PIECE - 1:
                gevent.sleep(0)
            if any(each.id not in self.seen and not each.flags & MEMORY_ONLY for each in unpack(stored)):
                self.table.marks.submit(partial(self.settle, aor))

    def settle(self, aor: str, transaction: Any) -> None:
        """The same for one address-of-record, in a write transaction."""
        key = self.table.key(aor)
        mark = self.table.marks.get(transaction, key) or Mark(aor)

        def edit(record: Record) -> list[Binding]:
            rest = [each for each in record.bindings if each.id not in self.seen and each.id not in mark.changed
                    and not each.flags & MEMORY_ONLY]
            if self.sql_wins:
                for each in rest:
                    record.delete(each)
            return rest
        rest = self.table.change(aor, edit)(transaction).result
        if rest and not self.sql_wins and self.writes:
            mark.changed.update(dict.fromkeys((each.id for each in rest), True))
            mark.serial, mark.at = self.table.new_id(), self.table.clock()
            self.table.marks.put(transaction, key, mark)


def same(bindings: list[Binding], wanted: Binding) -> Binding | None:
    """The contact that a row stands for: by its identifier, else by URI and Call-ID."""
    if wanted.id:
        return next((each for each in bindings if each.id == wanted.id), None)
    return next((each for each in bindings if (each.contact, each.call_id) == (wanted.contact, wanted.call_id)),
                None) or matching.find(bindings, wanted, matching.CONTACT_AND_CALL_ID)


def is_removed(mark: Mark, binding: Binding) -> bool:
    """Whether a contact is among those whose rows are to go."""
    return any(identifier == binding.id if binding.id else (contact, call_id) == (binding.contact, binding.call_id)
               for identifier, contact, call_id in mark.removed)


def with_holder(table: MirroredTable, function: Callable[[], object]) -> bool:
    """Call *function* while nobody tells the database anything of *table*; false where another process is at it."""
    me = os.getpid()
    holder = table.words.load(HOLDER)
    if (holder and is_running(holder)) or not table.words.cas(HOLDER, holder, me):
        return False
    try:
        function()
    finally:
        table.words.store(HOLDER, 0)
    return True
