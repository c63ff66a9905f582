"""A table of bindings that an SQL database alone keeps."""
from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from gevent import sleep

from opensips_py.db import Conflict, Database, QueryError, Session, columns_of, greater, less
from opensips_py.modules.usrloc.record import Kind, Record, keys_of
from opensips_py.modules.usrloc.remote_table import Done, Found, Kept, RemoteTable
from opensips_py.modules.usrloc.rows import Rows
from opensips_py.modules.usrloc.settings import Settings
from opensips_py.restraint import Restraint
from opensips_py.state._bindings import Binding

T = TypeVar("T")
ATTEMPTS = 5  # at a change, where another server or worker changes the same contact
PAGE = 1000  # rows that are read at a time
Before = dict[int, Binding]  # the contacts as they were read, by identifier


class Changed(QueryError):
    """Somebody else has changed a contact since it was read."""


class SqlTable(RemoteTable):
    """A row is changed only as it was read: two servers that change one contact at the same time do it one after the
    other."""

    def __init__(self, name: str, services: Any, worker: int, database: Database, versions: str) -> None:
        super().__init__(name, services.slots, worker)
        self.database, self.versions = database, versions
        self.complaints = Restraint(logging.getLogger("opensips_py.usrloc"), level=logging.ERROR)
        self._rows: Rows | None = None

    def follow(self, settings: Settings) -> None:
        super().follow(settings)
        self._rows = None

    @property
    def rows(self) -> Rows:
        """How contacts are rows; DatabaseError where the database does not say which form the table has."""
        if self._rows is None:
            self._rows = self.settings.rows(self.name, columns_of(self.database, self.name, "location", self.versions))
        return self._rows

    # Reading

    def read(self, aor: str) -> Kept:
        rows = self.rows
        found = self.sorted(self.grouped(self.database.select(rows.table, rows.columns, rows.owner(aor))))
        return found.get(aor, ([], {}))  # names may be equal for the database that are not for us

    def everything(self) -> Found:
        rows, last, found = self.rows, -1, Found()

        def page(session: Session) -> list[Any]:
            return session.select(rows.table, rows.columns, {rows.number: greater(last)}, (rows.number,), PAGE)
        while some := self.database.run(page):
            last = int(some[-1][0])
            self.grouped(some, found)
            sleep(0)
        return self.sorted(found)

    def ended(self, slots: list[int]) -> Iterator[str]:
        rows, now = self.rows, self.clock()
        where = {rows.named["expires"]: less(rows.time(int(now) + 1))}
        for aor, (bindings, _) in self.grouped(self.database.select(rows.table, rows.columns, where)).items():
            if self.slot(aor) in slots and not all(each.is_valid(now) for each in bindings):
                yield aor

    def grouped(self, some: Iterable[Any], found: Found | None = None) -> Found:
        """Rows by their address-of-record, added to what is *found* already."""
        rows, found = self.rows, Found() if found is None else found
        for each in map(rows.named_row, some):
            binding = rows.binding(each)
            if rows.id and not binding.id:
                self.complaints.say("table %s: the contact %s has an identifier that is none, and is left out",
                                    self.name, binding.contact)
                continue
            binding.id = binding.id or int(each[rows.number])
            bindings, keys = found.setdefault(rows.aor(each), ([], {}))
            bindings.append(binding)
            keys.update(rows.keys_in(each))
        return found

    def sorted(self, found: Found) -> Found:
        """What was found, with contacts in their order."""
        for bindings, _ in found.values():
            if len(bindings) > 1:
                self.sort(bindings)
        return found

    # Changing

    def apply(self, aor: str, edit: Callable[[Record], T]) -> Done[T]:
        for _ in range(ATTEMPTS - 1):
            try:
                return self.attempt(aor, edit)
            except (Changed, Conflict):
                continue
        return self.attempt(aor, edit)

    def attempt(self, aor: str, edit: Callable[[Record], T]) -> Done[T]:
        """Apply *edit* once; Changed where a row is not any more what was read."""
        kept = self.read(aor)
        record = self.record(aor, kept)
        done = Done(edit(record), record)
        others = keys_of(record) != kept[1]
        if record.changes or others:
            before = {each.id: each for each in kept[0]}
            self.database.run(lambda session: self.write(session, record, before, others), together=True)
        record.sort(self.newest_first)
        return done

    def write(self, session: Session, record: Record, before: Before, all_rows: bool) -> None:
        """Make the rows of an address-of-record what *record* says."""
        rows, keys = self.rows, keys_of(record)
        changed = {binding.id for _, binding in record.changes}
        here = {each.id for each in record.bindings}
        for kind, binding in record.changes:
            if binding.id not in here and binding.id in before:
                gone = session.delete(rows.table, self.where(record.aor, before[binding.id]))
                self.check(gone or kind == Kind.EXPIRE)
        for binding in record.bindings:
            if binding.id not in changed and not (all_rows or keys):
                continue
            values = rows.values(record.aor, binding, keys)
            if binding.id in before:
                self.check(session.update(rows.table, values, self.where(record.aor, before[binding.id])))
            else:
                session.insert(rows.table, values)

    def where(self, aor: str, binding: Binding) -> dict[str, Any]:
        """What the row of a contact is found by, as long as it is what was read."""
        rows = self.rows
        return {**rows.where(aor, binding.id, binding.contact, binding.call_id),
                rows.named["call_id"]: binding.call_id, rows.named["cseq"]: binding.cseq}

    @staticmethod
    def check(changed: int) -> None:
        """Give up where a row was not there any more."""
        if not changed:
            raise Changed("another server changes the same contact all the time")
