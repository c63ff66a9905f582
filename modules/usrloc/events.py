"""The events of usrloc; a parameter that one dialect alone knows is left out in the other."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opensips_py.module import Dialect, Event
from opensips_py.modules.usrloc.listing import NOT_NAMED
from opensips_py.modules.usrloc.record import Happened, Kind
from opensips_py.state._bindings import Binding


class E_UL_AOR_INSERT(Event):
    """An address-of-record got its first contact."""

    domain: str | None
    aor: str


class E_UL_AOR_DELETE(Event):
    """The last contact of an address-of-record is gone."""

    domain: str | None
    aor: str


class ContactEvent(Event):
    """A contact as events describe it; *address* is 2.1's name of *uri*."""

    domain: str | None
    aor: str
    uri: str | None
    address: str | None
    received: str
    path: str | None
    qval: int | None
    user_agent: str | None
    socket: str | None
    bflags: int | None
    expires: int | None
    callid: str
    cseq: int
    attr: str | None
    latency: int | None
    shtag: str | None

    def values(self) -> dict[str, Any]:
        """Parameters by name, in the order of the dialect; what 4.0 does not know of a contact is null there."""
        found = super().values()
        if self.address is not None:
            return {name: found[name] for name in ("address", "aor", "callid", "received", "cseq")}
        return {name: None if value == "" and name in ("received", "path") else value for name, value in found.items()}


class E_UL_CONTACT_INSERT(ContactEvent):
    """An address-of-record got a further contact."""


class E_UL_CONTACT_DELETE(ContactEvent):
    """A contact was removed or has expired."""


class E_UL_CONTACT_UPDATE(ContactEvent):
    """A contact was registered again."""


class E_UL_LATENCY_UPDATE(ContactEvent):
    """A contact has answered a ping: how long that took is out of the bounds that are set, if any are."""


CLASSES: dict[Kind, type[Event]] = {
    Kind.AOR_INSERT: E_UL_AOR_INSERT, Kind.AOR_DELETE: E_UL_AOR_DELETE, Kind.INSERT: E_UL_CONTACT_INSERT,
    Kind.UPDATE: E_UL_CONTACT_UPDATE, Kind.DELETE: E_UL_CONTACT_DELETE, Kind.EXPIRE: E_UL_CONTACT_DELETE}


def event_of(told: Happened, dialect: Dialect, ahead: int, flags: Callable[[int], int]) -> Event:
    """The event for *told*; times of day are *ahead* of those of contacts, *flags* makes a number of branch flags."""
    cls = CLASSES[told.kind]
    if told.binding is None:
        return cls(None if dialect == "2.1" else told.table, told.aor)  # type: ignore[call-arg]
    return contact_event(cls, told.table, told.aor, told.binding, dialect, ahead, flags)


def contact_event(cls: type[Event], table: str, aor: str, binding: Binding, dialect: Dialect, ahead: int,
                  flags: Callable[[int], int]) -> Event:
    """An event about a contact."""
    values = old_values(binding) if dialect == "2.1" else new_values(binding, table, ahead, flags)
    return cls(**{**dict.fromkeys(ContactEvent.__annotations__), "aor": aor, **values})


def old_values(binding: Binding) -> dict[str, str | int]:
    """What 2.1 tells of a contact."""
    return {"address": binding.contact, "received": binding.received, "callid": binding.call_id,
            "cseq": binding.cseq}


def new_values(binding: Binding, table: str, ahead: int, flags: Callable[[int], int]) -> dict[str, str | int]:
    """What 4.0 tells of a contact."""
    return {"domain": table, "uri": binding.contact, "received": binding.received, "path": binding.path,
            "qval": binding.q, "user_agent": binding.user_agent or NOT_NAMED, "socket": binding.socket,
            "bflags": flags(binding.cflags), "expires": binding.expires + ahead if binding.expires else 0,
            "callid": binding.call_id, "cseq": binding.cseq, "attr": binding.attr,
            "latency": binding.latency, "shtag": binding.tag}
