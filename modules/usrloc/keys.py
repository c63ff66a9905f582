"""Key/value pairs that scripts keep with an address-of-record."""
from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from opensips_py.module import Route, Run, TableOf, Writable, script
from opensips_py.modules.usrloc.record import Record, keys_of, set_keys
from opensips_py.modules.usrloc.table import Table

Domain = Annotated[str, TableOf("usrloc")]


class Keys:
    """Functions on key/value pairs; they are there as long as the address-of-record is registered. Where a database
    keeps contacts, or is told of each change, they wait for it."""

    table: Callable[[str], Table]
    canonical: Callable[[str], str]

    @script(Route.ANY, dialect="4.0")
    def ul_add_key(self, run: Run, domain: Domain, aor: str, key: str, value: str = "") -> bool:
        """Keep *value* under *key* with a registered address-of-record; an empty one takes the key out."""
        def edit(record: Record) -> bool:
            if not record.bindings:
                return False
            keys = keys_of(record)
            if value:
                keys[key] = value
            else:
                keys.pop(key, None)
            set_keys(record, keys)
            return True
        table = self.table(domain)
        if table.changes_wait:
            run.park()
        return table.apply(self.canonical(aor), edit).result

    @script(Route.ANY, dialect="4.0")
    def ul_get_key(self, run: Run, domain: Domain, aor: str, key: str, destination: Writable) -> bool:
        """Put what is kept under *key* with a registered address-of-record into a variable."""
        table = self.table(domain)
        if table.reads_wait:
            run.park()
        value = (table.keys(self.canonical(aor)) or {}).get(key)
        if value is None:
            return False
        destination.set(value)
        return True

    @script(Route.ANY, dialect="4.0")
    def ul_del_key(self, run: Run, domain: Domain, aor: str, key: str) -> bool:
        """Take *key* out of what is kept with a registered address-of-record."""
        return self.ul_add_key(run, domain, aor, key)
