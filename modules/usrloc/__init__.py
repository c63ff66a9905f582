"""Where users are: the contacts registered for each address-of-record (RFC 3261, 10.3)."""
from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from opensips_py.db import DatabaseError
from opensips_py.errors import MalformedMessage
from opensips_py.module import Module, statistic, timer
from opensips_py.module.declare import Dialect
from opensips_py.modules.usrloc import events
from opensips_py.modules.usrloc.keeping import Keeping
from opensips_py.modules.usrloc.keys import Keys
from opensips_py.modules.usrloc.management import Management
from opensips_py.modules.usrloc.memory import MemoryTable
from opensips_py.modules.usrloc.modes import MEMORY
from opensips_py.modules.usrloc.record import Happened, Kind, Record, happened
from opensips_py.modules.usrloc.storage import stored_names
from opensips_py.modules.usrloc.table import Table
from opensips_py.sip import Uri
from opensips_py.state._bindings import Binding

T = TypeVar("T")
Observer = Callable[[Happened], object]
NAMES = {int(kind): cls.__name__ for kind, cls in events.CLASSES.items()}
EXPIRE = int(Kind.EXPIRE)
BATCH = 200  # addresses-of-record whose expired contacts leave in one write transaction


class UsrLoc(Keeping, Keys, Management, Module, name="usrloc", events=[
        events.E_UL_AOR_INSERT, events.E_UL_AOR_DELETE, events.E_UL_CONTACT_INSERT, events.E_UL_CONTACT_DELETE,
        events.E_UL_CONTACT_UPDATE, events.E_UL_LATENCY_UPDATE]):
    """Keep the contacts of users on this machine, shared by all workers, and in an SQL database where that is wanted.
    What has been acknowledged survives the end of the process, a crash included; other modules look contacts up, change
    them and are told of changes."""

    def __init__(self, dialect: Dialect = "4.0") -> None:
        super().__init__(dialect)
        self.named: dict[str, None] = {}  # tables that the script names

    def load(self) -> None:
        self.decide(self)
        self.observers: list[Observer] = []
        self.is_heard = True  # whether the script has routes for our events; until we start nobody knows

    def verify(self) -> None:
        self.verify_tables(self)

    def prepare(self) -> None:
        self.open_tables(self)

    def start(self) -> None:
        self.is_heard = any(self.services.events.is_heard(name) for name in NAMES.values())
        if self.mirror is not None:
            self.mirror.follow(self.settings)
        for table in self.storage.tables.values():
            self.set_up(table)

    def stop(self) -> None:
        self.last_words()

    def table(self, name: str) -> Table:
        """The table *name*; made at its first use."""
        found = self.storage.tables.get(name)
        if found is None:
            found = self.storage.table(name)
            self.set_up(found)
            self.read_later(found)
        return found

    def tables(self) -> list[Table]:
        """All tables, also those that other workers have made since we started."""
        if self.mode.kept == MEMORY:
            for name in stored_names(self.services.environment):
                self.table(name)
        return list(self.storage.tables.values())

    def set_up(self, table: Table) -> None:
        """Give a table the settings of this generation, and its statistics."""
        self.follow(table)
        register = self.services.statistics.register
        register("usrloc", f"{table.name}-expires", "counter", help="Contacts of the table that have expired.")
        register("usrloc", f"{table.name}-users", "function", table.users, "Addresses-of-record in the table.", True)
        register("usrloc", f"{table.name}-contacts", "function", table.contacts, "Contacts in the table.", True)

    def canonical(self, text: str) -> str:
        """The address-of-record that *text* means, a SIP URI or user@domain."""
        if "@" not in text and ":" not in text:
            return text
        try:
            return self.aor_of(Uri.parse(text if text[:4].lower() in ("sip:", "sips", "tel:") else f"sip:{text}"))
        except MalformedMessage:
            return text

    def aor_of(self, uri: Uri) -> str:
        """The address-of-record of a URI: its user, and with use_domain the domain (RFC 3261, 10.3 step 5)."""
        aor = uri.aor()
        if self.use_domain or not uri.user:
            return aor
        return aor.rpartition("@")[0] or aor

    def observe(self, observer: Observer) -> None:
        """Have *observer* called with all that happens, once it is committed; for as long as this generation works."""
        self.observers.append(observer)

    def change(self, table: Table, aor: str, edit: Callable[[Record], T]) -> T:
        """Apply *edit* to the bindings of *aor*; once that is committed, tell observers and subscribers of events."""
        done = table.apply(aor, edit)
        record = done.record
        if record.changes:
            self.tell(table.name, record)
        return done.result

    def register(self, table: Table, aor: str, edit: Callable[[Record], T]) -> T:
        """As change(), for a REGISTER: where nobody hears of it, its answer leaves no sooner than it is committed."""
        done = table.enlist(aor, edit)
        record = done.record
        if record.changes and not self.is_of_no_interest(record):
            self.services.environment.settle()
            self.tell(table.name, record)
        return done.result

    def note_latency(self, table: Table, aor: str, identifier: int, microseconds: int,
                     measured: Callable[[Binding], object]) -> None:
        """The contact with that *identifier* has answered a ping within *microseconds*; kept where it is *measured*."""
        def edit(record: Record) -> tuple[Binding, int] | None:
            for binding in record.bindings:
                if binding.id == identifier and measured(binding):
                    before, binding.latency = binding.latency, microseconds
                    record.data = record.data  # it is to be written, and nothing has happened to the registration
                    return binding, before
            return None
        found = table.apply(aor, edit).result
        if found is not None and self.dialect == "4.0" and self.is_remarkable(microseconds, found[1]):
            self.raise_event(events.contact_event(events.E_UL_LATENCY_UPDATE, table.name, aor, found[0], "4.0",
                                                    self.ahead(), self.flags_outward))

    def is_remarkable(self, latency: int, before: int) -> bool:
        """Whether the time that a contact takes to answer is to be told."""
        least, difference = self.latency_event_min_us, self.latency_event_min_us_delta
        if not least and not difference:
            return True
        return bool((least and latency >= least) or (difference and abs(latency - before) >= difference))

    def tell(self, table: str, record: Record) -> None:
        """Tell of a committed change. Nobody listens as a rule, and then there is nothing to build."""
        if self.is_of_no_interest(record):
            return
        is_heard = self.services.events.is_heard
        for each in happened(record, table):
            if each.kind == EXPIRE:
                self.services.statistics.counter("usrloc", f"{table}-expires").add()
            for observer in self.observers:
                observer(each)
            if is_heard(NAMES[each.kind]):
                self.raise_event(events.event_of(each, self.dialect, self.ahead(), self.flags_outward))

    def is_of_no_interest(self, record: Record) -> bool:
        """Whether nobody hears or counts what has happened to a record."""
        if self.is_heard or self.observers or self.services.events.subscriptions:
            return False
        changes = record.changes
        return len(changes) == 1 and changes[0][0] != EXPIRE

    @timer("timer_interval")
    def collect_expired(self) -> None:
        """Take expired contacts out of the tables, and tell the database what it has not been told; each worker of its
        own slots."""
        try:
            self.expire_own()
        except (DatabaseError, OSError) as error:
            self.log.error("expired contacts stay for now: %s", error)
        self.follow_clock()
        self.tell_own()

    def expire_own(self) -> None:
        """Take the expired contacts in our slots out of the tables."""
        slots = self.services.slots.owned_by(self.services.index)
        for table in self.tables():
            batch: list[str] = []
            for aor in table.ended(slots):
                batch.append(aor)
                if len(batch) == BATCH:
                    self.expire(table, batch)
                    batch = []
            if batch:
                self.expire(table, batch)

    def expire(self, table: Table, aors: list[str]) -> None:
        """Take the expired contacts of *aors* out."""
        for each in table.apply_all(aors, lambda record: None):
            if each.record.changes:
                self.tell(table.name, each.record)

    @statistic(scope="any")
    def registered_users(self) -> int:
        """Addresses-of-record in all tables."""
        return sum(table.users() for table in self.tables())


__all__ = ["Happened", "Kind", "MemoryTable", "Record", "Table", "UsrLoc"]
