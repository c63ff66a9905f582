"""A table of bindings that an SQL database alone keeps; several servers may share it."""
from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gevent import sleep

from opensips_py.db import Conflict, Database, QueryError, Session, columns_of, greater, less
from opensips_py.module.restraint import Restraint
from opensips_py.modules.usrloc.record import Kind, Record, keys_of, set_keys
from opensips_py.modules.usrloc.rows import Rows
from opensips_py.modules.usrloc.table import Table
from opensips_py.state._bindings import Binding, pack

if TYPE_CHECKING:
    from opensips_py.modules.usrloc.mirror import Settings

T = TypeVar("T")
ATTEMPTS = 5  # at a change, where another server or worker changes the same contact
PAGE = 1000  # rows that are read at a time
FRESH = 10.0  # seconds for which pings go by what was read last
Found = dict[str, tuple[list[Binding], dict[str, str]]]  # address-of-record: its contacts, its key/value pairs


@dataclass(slots=True)
class Done(Generic[T]):
    """A change that was carried out."""

    result: T
    record: Record


class Changed(QueryError):
    """Somebody else has changed a contact since it was read."""


class SqlTable(Table):
    """Nothing is kept here. A row is changed only as it was read: two servers that change one contact at the same time
    do it one after the other."""

    reads_wait = changes_wait = True
    is_counted = False
    settings: Settings

    def __init__(self, name: str, services: Any, worker: int, database: Database, versions: str) -> None:
        super().__init__(name, services.slots, worker)
        self.database, self.versions = database, versions
        self.complaints = Restraint(logging.getLogger("opensips_py.usrloc"), level=logging.ERROR)
        self._rows: Rows | None = None
        self._read: tuple[float, Found] = 0.0, {}

    def follow(self, settings: Settings) -> None:
        """Work for another generation."""
        self.settings, self._rows = settings, None

    @property
    def rows(self) -> Rows:
        """How contacts are rows; DatabaseError where the database does not say which form the table has."""
        if self._rows is None:
            self._rows = self.settings.rows(self.name, columns_of(self.database, self.name, "location", self.versions))
        return self._rows

    # Reading

    def stored(self, aor: str) -> list[Binding]:
        return self.read(aor)[0]

    def find(self, aor: str) -> list[Binding]:
        now = self.clock()
        return [each for each in self.stored(aor) if each.is_valid(now)]

    def keys(self, aor: str) -> dict[str, str] | None:
        bindings, keys = self.read(aor)
        return keys if bindings else None

    def read(self, aor: str) -> tuple[list[Binding], dict[str, str]]:
        """The contacts of *aor* in their order, and its key/value pairs."""
        rows = self.rows
        found = self.database.select(rows.table, rows.columns, rows.owner(aor), (rows.number,))
        return self.grouped(map(rows.named_row, found)).get(aor, ([], {}))

    def grouped(self, found: Iterable[dict[str, Any]]) -> Found:
        """Rows by their address-of-record; names may be equal for the database that are not for us."""
        rows, groups = self.rows, dict[str, tuple[list[Binding], dict[str, str]]]()
        for each in found:
            binding = rows.binding(each)
            if rows.id and not binding.id:
                self.complaints.say("table %s: the contact %s has an identifier that is none, and is left out",
                                    self.name, binding.contact)
                continue
            binding.id = binding.id or int(each[rows.number])
            bindings, keys = groups.setdefault(rows.aor(each), ([], {}))
            bindings.append(binding)
            keys.update(rows.keys_in(each))
        for bindings, _ in groups.values():
            bindings.sort(key=(lambda each: -each.modified) if self.newest_first else (lambda each: -each.q))
        return groups

    def everything(self) -> Found:
        """All there is."""
        rows, last, found = self.rows, -1, list[dict[str, Any]]()

        def page(session: Session) -> list[Any]:
            return session.select(rows.table, rows.columns, {rows.number: greater(last)}, (rows.number,), PAGE)
        while some := self.database.run(page):
            last = int(some[-1][0])
            found += map(rows.named_row, some)
            sleep(0)
        self._read = self.clock(), self.grouped(found)
        return self._read[1]

    def records(self, slots: list[int] | None = None) -> Iterator[tuple[str, bytes]]:
        at, found = self._read
        if slots is None or not at <= self.clock() < at + FRESH:
            found = self.everything()
        wanted = None if slots is None else set(slots)
        for aor, (bindings, keys) in found.items():
            if wanted is None or self.slot(aor) in wanted:
                yield aor, packed(aor, bindings, keys)

    def ended(self, slots: list[int]) -> Iterator[str]:
        rows, now = self.rows, self.clock()
        where = {rows.named["expires"]: less(rows.time(int(now) + 1))}
        found = self.grouped(map(rows.named_row, self.database.select(rows.table, rows.columns, where)))
        for aor, (bindings, _) in found.items():
            if self.slot(aor) in slots and not all(each.is_valid(now) for each in bindings):
                yield aor

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
        bindings, keys = self.read(aor)
        before = {each.id: (each.contact, each.call_id, each.cseq) for each in bindings}
        record = Record(aor, self.clock(), packed(aor, bindings, keys) if bindings else None)
        record.expire()
        done = Done(edit(record), record)
        if record.changes or keys_of(record) != keys:
            self.database.run(lambda session: self.write(session, record, before, keys_of(record) != keys),
                              together=True)
        record.sort(self.newest_first)
        return done

    def write(self, session: Session, record: Record, before: dict[int, tuple[str, str, int]], all_rows: bool) -> None:
        """Make the rows of an address-of-record what *record* says; *before* has what was read of its contacts."""
        rows, keys = self.rows, keys_of(record)
        final = {binding.id: kind for kind, binding in record.changes}
        here = {each.id: each for each in record.bindings}
        for kind, binding in record.changes:
            if binding.id not in here and binding.id in before:
                gone = session.delete(rows.table, self.where(record.aor, binding.id, before))
                self.check(gone or kind == Kind.EXPIRE)
        for binding in record.bindings:
            if binding.id not in final and not (all_rows or keys):
                continue
            values = rows.values(record.aor, binding, keys)
            if binding.id in before:
                self.check(session.update(rows.table, values, self.where(record.aor, binding.id, before)))
            else:
                session.insert(rows.table, values)

    def where(self, aor: str, identifier: int, before: dict[int, tuple[str, str, int]]) -> dict[str, Any]:
        """What the row of a contact is found by, as long as it is what was read."""
        contact, call_id, cseq = before[identifier]
        rows = self.rows
        return {**rows.where(aor, identifier, contact, call_id), rows.named["call_id"]: call_id,
                rows.named["cseq"]: cseq}

    @staticmethod
    def check(changed: int) -> None:
        """Give up where a row was not there any more."""
        if not changed:
            raise Changed


def packed(aor: str, bindings: list[Binding], keys: dict[str, str]) -> bytes:
    """A record as tables in memory have it."""
    record = Record(aor, 0.0, None)
    if keys:
        set_keys(record, keys)
    return pack(bindings, record.data)
