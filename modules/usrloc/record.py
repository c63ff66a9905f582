"""What happens to addresses-of-record, and what is kept with them beside their bindings."""
from __future__ import annotations

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from opensips_py.state import _bindings
from opensips_py.state._bindings import Binding, Record

__all__ = ["Binding", "Happened", "Kind", "Record", "extras", "happened", "keys_of", "set_keys"]


class Kind(IntEnum):
    """What can happen to an address-of-record or to one of its bindings."""

    AOR_INSERT = 0
    AOR_DELETE = 1
    INSERT = _bindings.INSERT
    UPDATE = _bindings.UPDATE
    DELETE = _bindings.DELETE
    EXPIRE = _bindings.EXPIRE


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened, as observers see it once it is committed; *binding* is None for the AoR itself."""

    kind: Kind
    table: str
    aor: str
    binding: Binding | None = None


def happened(record: Record, table: str) -> list[Happened]:
    """What became of a record, in the order in which observers are to hear it."""
    told = [Happened(Kind(kind), table, record.aor, binding) for kind, binding in record.changes]
    if record.stored is None and record.bindings:
        told.insert(0, Happened(Kind.AOR_INSERT, table, record.aor))
    elif record.stored is not None and not record.bindings:
        told.append(Happened(Kind.AOR_DELETE, table, record.aor))
    return told


def keys_of(record: Record) -> dict[str, str]:
    """The key/value pairs that scripts have put with the address-of-record."""
    keys: dict[str, str] = extras(record.data).get("keys", {})
    return keys


def set_keys(record: Record, keys: dict[str, str]) -> None:
    """Replace the key/value pairs."""
    record.data = json.dumps({**extras(record.data), "keys": keys}).encode()


def extras(data: bytes) -> dict[str, Any]:
    """What is kept with an address-of-record beside its bindings."""
    content: dict[str, Any] = json.loads(data) if data else {}
    return content
