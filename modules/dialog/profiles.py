"""Profiles: groups that dialogs belong to, counted over all workers."""
from __future__ import annotations

import hashlib
import re
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from opensips_py.dialog.record import Dialog
from opensips_py.errors import ConfigError
from opensips_py.modules.dialog.storage import Operation, Store
from opensips_py.state.environment import LONGEST_KEY

NAME = re.compile(r"[A-Za-z0-9_-]+(/[sb])?")
WHOLE, VALUE, HASHED = b"", b"\0", b"\1"  # what follows the name of a profile in a key
Membership = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Profile:
    """One profile; *shared* is how the script would share it with other servers: s by a cache, b in a cluster."""

    name: str
    has_value: bool
    shared: str = ""


def profiles_of(text: str, has_value: bool, parameter: str) -> Iterator[Profile]:
    """The profiles that a parameter lists, separated by semicolons."""
    for each in filter(None, (part.strip() for part in text.split(";"))):
        if NAME.fullmatch(each) is None:
            raise ConfigError(f"{each!r} is no name of a profile: it is made of letters, digits, - and _", "dialog",
                              parameter)
        name, _, shared = each.partition("/")
        yield Profile(name, has_value, shared)


def key_of(name: str, value: str | None) -> bytes:
    """Where the size of a profile is stored: its whole, or that of one value."""
    start = name.encode()
    if value is None:
        return start
    text = value.encode("utf-8", "surrogateescape")
    if len(start) + 1 + len(text) <= LONGEST_KEY:
        return start + VALUE + text
    return start + HASHED + hashlib.sha256(text).digest()


class Sizes:
    """How many dialogs of one worker are in each profile, with each value; they are stored beside the dialogs."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.others: list[Store] = []  # those of the other workers, to read

    def changing(self, changes: Iterable[tuple[Membership, int]]) -> Operation:
        """The operation that counts *changes*, for the write transaction of a dialog."""
        counted: Counter[Membership] = Counter()
        for (name, value), amount in changes:
            counted[name, value] += amount
            if value is not None:
                counted[name, None] += amount
        database = self.store.sizes

        def operation(transaction: Any) -> None:
            for (name, value), amount in counted.items():
                key = key_of(name, value)
                size = count_of(transaction.get(key, db=database)) + amount
                if size > 0:
                    transaction.put(key, packed(size, value), db=database)
                else:
                    transaction.delete(key, db=database)
        return operation

    def leaving(self, dialog: Dialog) -> Operation | None:
        """The operation that takes a dialog out of all its profiles; None where it is in none."""
        if not dialog.profiles:
            return None
        return self.changing([(each, -1) for each in dialog.profiles])

    def rebuild(self, dialogs: Iterable[Dialog]) -> None:
        """Count anew what is there: whoever was killed has left those in that had not been answered."""
        entering = self.changing([(each, 1) for dialog in dialogs for each in dialog.profiles or ()])

        def operation(transaction: Any) -> None:
            transaction.drop(self.store.sizes, delete=False)
            entering(transaction)
        self.store.run(operation)

    # --- of all workers ---------------------------------------------------------------------------------------------

    def size(self, name: str, value: str | None) -> int:
        """How many dialogs are in a profile, with *value* if one is given."""
        key = key_of(name, value)
        return sum(count_of(each.environment.get(key, each.sizes)) for each in (self.store, *self.others))

    def values(self, name: str) -> list[tuple[str, int]]:
        """The values of a profile, each with its number of dialogs."""
        found: Counter[str] = Counter()
        for each in (self.store, *self.others):
            for value, count in stored_values(each, name):
                found[value] += count
        return sorted(found.items())


def stored_values(store: Store, name: str) -> list[tuple[str, int]]:
    """The values of a profile that one worker has."""
    found = []
    for mark in (VALUE, HASHED):
        start = name.encode() + mark
        with store.environment.reading(store.sizes) as transaction:
            cursor = transaction.cursor()
            if cursor.set_range(start):
                for key, value in cursor:
                    if not key.startswith(start):
                        break
                    found.append((value[4:].decode("utf-8", "surrogateescape"), count_of(value)))
    return found


def packed(size: int, value: str | None) -> bytes:
    """A size as it is stored, with the value that the key may not tell."""
    return struct.pack("<I", size) + (value or "").encode("utf-8", "surrogateescape")


def count_of(stored: bytes | None) -> int:
    """The size in a stored record."""
    return 0 if stored is None else int(struct.unpack_from("<I", stored)[0])
