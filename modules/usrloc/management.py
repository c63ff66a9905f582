"""The management commands of usrloc."""
from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from gevent import sleep

from opensips_py.db import DatabaseError
from opensips_py.mi.tree import rendered
from opensips_py.module import Dialect, MIError, first, mi
from opensips_py.modules.usrloc.listing import contacts_tree, row, tables_tree
from opensips_py.modules.usrloc.memory import CHUNK
from opensips_py.modules.usrloc.mirrored import MirroredTable
from opensips_py.modules.usrloc.record import Record, extras
from opensips_py.modules.usrloc.table import Table
from opensips_py.sip import NameAddr
from opensips_py.state import matching
from opensips_py.state._bindings import Binding, data_of, unpack

MI_CALL_ID = "dfjrewr12386fd6-343@opensips.mi"  # of contacts that nobody has registered: constant, as upstream's
NOT_FOUND, BAD, FAILED = 404, 400, 500
SYNCHRONIZED = 200  # an error by its form, and no failure
NO_DOMAIN = "Domain missing in AOR"
F = TypeVar("F", bound=Callable[..., Any])


def failing(function: F) -> F:
    """A command that says so where the database that keeps contacts fails."""
    @wraps(function)
    def command(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except (DatabaseError, OSError) as error:
            raise MIError(FAILED, str(error)) from None
    return cast(F, command)


class Management:
    """Listing and changing contacts by hand."""

    tables: Callable[[], list[Table]]
    hash_size: int
    use_domain: bool
    mi_dump_kv_store: bool
    dialect: Dialect
    table: Callable[[str], Table]
    canonical: Callable[[str], str]
    change: Callable[..., Any]
    expire_own: Callable[[], None]
    tell_own: Callable[..., None]
    synchronize: Callable[..., bool]
    flag_names: Callable[[int], str]
    flags_inward: Callable[[int], int]

    def known_table(self, name: str) -> Table:
        """The table *name*, if it is there."""
        if all(each.name != name for each in self.tables()):
            raise MIError(NOT_FOUND, "Table not found")
        return self.table(name)

    def registered(self, table: Table, aor: str) -> str:
        """*aor* in its canonical form, if it has a contact."""
        if self.use_domain and "@" not in aor:
            raise MIError(BAD, NO_DOMAIN)
        name = self.canonical(aor)
        if not table.has(name):
            raise MIError(NOT_FOUND, "AOR not found")
        return name

    @mi("ul_dump", v40="usrloc:dump")
    @rendered(tables_tree)
    @failing
    def dump(self, brief: str = "") -> dict[str, Any]:
        """List all contacts; with *brief*, whatever its value is, the addresses-of-record alone."""
        return {"Domains": [self.table_entry(table, bool(brief)) for table in self.tables()]}

    def table_entry(self, table: Table, brief: bool) -> dict[str, Any]:
        """One table as dump lists it."""
        now = table.clock()
        entries = []
        for number, (aor, record) in enumerate(table.records()):
            if number % CHUNK == CHUNK - 1:
                sleep(0)  # a large table must not keep calls waiting
            entries.append(self.aor_entry(table, aor, unpack(record), extras(data_of(record)).get("keys"), now, brief))
        return {"name": table.name, "hash_size": 1 << self.hash_size, "AORs": entries}

    def aor_entry(self, table: Table, aor: str, bindings: list[Binding], keys: dict[str, str] | None, now: float,
                  brief: bool) -> dict[str, Any]:
        """One address-of-record as dump lists it."""
        if brief:
            return {"AOR": aor}
        state = table.state_of(aor)
        entry: dict[str, Any] = {"AOR": aor, "Contacts": [
            row(each, now, self.flag_names(each.cflags), state(each)) for each in bindings]}
        if self.mi_dump_kv_store:
            entry["KV-Store"] = keys or {}
        return entry

    @mi("ul_show_contact", v40="usrloc:show_contact")
    @rendered(contacts_tree)
    @failing
    def show_contact(self, table_name: str, aor: str) -> dict[str, Any]:
        """List the contacts of one address-of-record."""
        table = self.known_table(table_name)
        name = self.registered(table, aor)
        return self.aor_entry(table, name, table.find(name), table.keys(name), table.clock(), False)

    @mi("ul_rm", v40="usrloc:rm")
    @failing
    def remove(self, table_name: str, aor: str) -> str:
        """Remove an address-of-record with all its contacts, if it has any."""
        table = self.known_table(table_name)
        if self.use_domain and "@" not in aor:
            raise MIError(BAD, NO_DOMAIN)
        name = self.canonical(aor)

        def edit(record: Record) -> None:
            for binding in list(record.bindings):
                record.delete(binding)

        if table.has(name):
            self.change(table, name, edit)
        return "OK"

    @mi("ul_rm_contact", v40="usrloc:rm_contact")
    @failing
    def remove_contact(self, table_name: str, aor: str, contact: str) -> str:
        """Remove one contact of an address-of-record."""
        table = self.known_table(table_name)
        name = self.registered(table, aor)

        def edit(record: Record) -> bool:
            found = [each for each in record.bindings if matching.same(each.contact, contact)]
            for binding in found:
                record.delete(binding)
            return bool(found)

        if not self.change(table, name, edit):
            raise MIError(NOT_FOUND, "Contact not found")
        return "OK"

    @mi("ul_add", dialect="2.1")
    def add_21(self, table_name: str, aor: str, contact: str, expires: int, q: str, unused: str, flags: str,
               cflags: str, methods: str = "") -> str:
        """Add or replace a contact; *expires* in seconds, 0 for ever; *unused* may be left out."""
        if not methods:
            flags, cflags, methods = unused, flags, cflags
        return self.add(table_name, aor, contact, expires, q, number(flags), cflags, number(methods))

    @mi("ul_add", v40="usrloc:add", dialect="4.0")
    @failing
    def add(self, table_name: str, aor: str, contact: str, expires: int, q: str, flags: int, cflags: str, methods: int
            ) -> str:
        """Add or replace a contact; *expires* in seconds, 0 for ever."""
        table = self.known_table(table_name)
        if self.use_domain and "@" not in aor:
            raise MIError(BAD, NO_DOMAIN)
        made = Binding(NameAddr.parse(contact).uri, expires=int(table.clock()) + expires if expires else 0,
                       q=thousandths(q), flags=flags, cflags=self.flags_inward(number(cflags)),
                       methods=methods & 0xFFFFFFFF, call_id=MI_CALL_ID, cseq=1, user_agent="OpenSIPS MI Server",
                       modified=table.clock(), id=table.new_id())

        def edit(record: Record) -> None:
            old = matching.find(record.bindings, made)
            if old is None:
                record.insert(made)
            else:
                record.update(old, made)

        self.change(table, self.canonical(aor), edit)
        return "OK"

    @mi("ul_flush", v40="usrloc:flush", scope="each", merge=first)
    @failing
    def flush(self) -> str:
        """Do now what is done every timer_interval: take out expired contacts, and tell the database what it has not
        been told; what it has refused before is tried again."""
        self.expire_own()
        self.tell_own(again=True)
        return "OK"

    @mi("ul_sync", v40="usrloc:sync")
    @failing
    def sync(self, table_name: str, aor: str = "") -> str:
        """Have the database forget a table, or one address-of-record, and write to it anew what is in memory."""
        table = self.known_table(table_name)
        if not isinstance(table, MirroredTable) or not table.mirror.writes:
            raise MIError(SYNCHRONIZED, "Contacts already synced")  # no database is told what is in memory
        if not self.synchronize(table, [self.registered(table, aor)] if aor else None):
            raise MIError(FAILED, f"{table_name} is being read or synchronized already")
        return "OK"


def number(text: str) -> int:
    """A number in an argument."""
    try:
        return int(text or "0", 0)
    except ValueError:
        raise MIError(BAD, f"a number is needed, not {text}") from None


def thousandths(q: str) -> int:
    """A q value as stored."""
    try:
        value = float(q) if q else -1.0
    except ValueError:
        value = 2.0
    if value > 1:
        raise MIError(BAD, "q is a number from 0 to 1")
    return round(value * 1000) if value >= 0 else -1
