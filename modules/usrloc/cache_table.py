"""A table of bindings in a key-value store that several servers share."""
from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from gevent import sleep

from opensips_py.module import Cache
from opensips_py.modules.usrloc.record import Record, keys_of
from opensips_py.modules.usrloc.remote_table import Done, Found, Kept, RemoteTable
from opensips_py.modules.usrloc.settings import Settings
from opensips_py.state._bindings import Binding

T = TypeVar("T")
PREFIX = "usrloc"  # of the keys: usrloc:TABLE:AOR
PAIRS = "keys"  # the field with the key/value pairs of the address-of-record
FOR_EVER = 10 * 366 * 86400  # seconds that the store keeps what has no end
AT_ONCE = 100  # addresses-of-record that are read before other work gets its turn
PLAIN = ("contact", "received", "path", "call_id", "user_agent", "instance", "attr", "socket", "tag", "id", "expires",
         "modified", "cseq", "flags", "methods", "q", "reg_id")


class CacheTable(RemoteTable):
    """One map for each address-of-record, with a field for each contact: so two servers may change different contacts
    at the same time. The store lets go of a map when its last contact ends."""

    cache: Cache

    def __init__(self, name: str, services: Any, worker: int) -> None:
        super().__init__(name, services.slots, worker)

    def follow(self, settings: Settings) -> None:
        super().follow(settings)
        assert settings.cache is not None
        self.cache = settings.cache

    def key(self, aor: str) -> str:
        """The key of an address-of-record."""
        return f"{PREFIX}:{self.name}:{aor}"

    def read(self, aor: str) -> Kept:
        return self.kept(self.cache.map_fetch(self.key(aor)))

    def kept(self, fields: dict[str, str]) -> Kept:
        """What the fields of a map say."""
        keys = {str(name): str(value) for name, value in json.loads(fields.get(PAIRS) or "{}").items()}
        bindings = [self.binding(text) for name, text in fields.items() if name != PAIRS]
        self.sort(bindings)
        return bindings, keys

    def everything(self) -> Found:
        found: Found = {}
        for number, key in enumerate(self.cache.keys(self.key("*"))):
            if number % AT_ONCE == AT_ONCE - 1:
                sleep(0)
            kept = self.kept(self.cache.map_fetch(key))
            if kept[0]:
                found[key.removeprefix(self.key(""))] = kept
        return found

    def ended(self, slots: list[int]) -> Iterator[str]:
        """None: the store forgets what has ended."""
        return iter(())

    def apply(self, aor: str, edit: Callable[[Record], T]) -> Done[T]:
        kept = self.read(aor)
        before = {field_of(each) for each in kept[0]}
        record = self.record(aor, kept)
        done = Done(edit(record), record)
        changed = {id(binding) for _, binding in record.changes}
        stored = {field_of(each): self.text(each) for each in record.bindings
                  if id(each) in changed or field_of(each) not in before}
        keys = keys_of(record)
        if keys != kept[1]:
            stored[PAIRS] = json.dumps(keys)
        removed = before - {field_of(each) for each in record.bindings}
        if stored or removed:
            removed |= set() if record.bindings else {PAIRS}
            self.cache.map_change(self.key(aor), stored, removed, self.lasting(record))
        record.sort(self.newest_first)
        return done

    def lasting(self, record: Record) -> int:
        """Seconds that the store is to keep a map."""
        ends = [each.expires for each in record.bindings]
        if not all(ends):
            return FOR_EVER
        return max(1, int(max(ends, default=0) - record.now) + 1)

    def text(self, binding: Binding) -> str:
        """A contact as the store keeps it; branch flags by their names, for other servers have other numbers."""
        plain = Binding("")
        values = {name: value for name in PLAIN if (value := getattr(binding, name)) != getattr(plain, name)}
        if binding.cflags:
            values["cflags"] = self.settings.flag_names(binding.cflags)
        return json.dumps(values)

    def binding(self, text: str) -> Binding:
        """A contact out of the store."""
        values = json.loads(text)
        return Binding(values.pop("contact", ""), cflags=self.settings.flags_of(values.pop("cflags", "")), **values)


def field_of(binding: Binding) -> str:
    """The field of a contact: the same for all servers at which it registers."""
    parts = (binding.contact, binding.call_id, binding.instance, str(binding.reg_id))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:24]
