"""What is to be registered where, and how that stands."""
from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from enum import IntEnum
from secrets import token_hex
from typing import Any

from opensips_py.sip import Uri
from opensips_py.sip.uris import uri_of

Key = tuple[str, str, str]  # address-of-record, contact, registrar
ENABLED, DISABLED = 0, 1  # what the column of the state says
SHORTEST = 15  # seconds that a registration may be asked for


class State(IntEnum):
    """How a registration stands, by the names and numbers that management shows."""

    NOT_REGISTERED_STATE = 0
    REGISTERING_STATE = 1
    AUTHENTICATING_STATE = 2
    REGISTERED_STATE = 3
    REGISTER_TIMEOUT_STATE = 4
    INTERNAL_ERROR_STATE = 5
    WRONG_CREDENTIALS_STATE = 6
    REGISTRAR_ERROR_STATE = 7
    UNREGISTERING_STATE = 8
    AUTHENTICATING_UNREGISTER_STATE = 9


REGISTERING = State.REGISTERING_STATE, State.AUTHENTICATING_STATE
UNREGISTERING = State.UNREGISTERING_STATE, State.AUTHENTICATING_UNREGISTER_STATE
WAITING = frozenset((*REGISTERING, *UNREGISTERING))


@dataclass(frozen=True)
class Wanted:
    """What is to be registered: a row of the table."""

    registrar: str
    aor: str
    contact: str
    proxy: str = ""
    third_party: str = ""
    username: str = ""
    password: str = field(default="", repr=False)
    parameters: str = ""
    expires: int = 3600
    socket: str = ""
    enabled: bool = True

    @property
    def key(self) -> Key:
        """What makes it out."""
        return self.aor, self.contact, self.registrar

    @property
    def single(self) -> bool:
        """Whether ours has to be the only binding."""
        names = {each.partition("=")[0].strip().lower() for each in self.parameters.split(";")}
        return {"reg-id", "+sip.instance"} <= names

    def checked(self) -> Wanted:
        """The same; ValueError where it cannot be registered."""
        for what, text, needed in (("registrar", self.registrar, True), ("aor", self.aor, True),
                                   ("binding URI", self.contact, True), ("proxy", self.proxy, False),
                                   ("third party registrant", self.third_party, False)):
            if (text or needed) and not is_uri(text):
                raise ValueError(f"{what} {text!r} is no URI")
        if self.parameters and not self.parameters.startswith(";"):
            raise ValueError(f"the parameters {self.parameters!r} do not begin with a semicolon")
        if not (self.parameters + self.username + self.password).isprintable():
            raise ValueError("a line end among the parameters, or in the user name or password")
        return self


def is_uri(text: str) -> bool:
    """Whether *text* is a URI that can stand between < and >."""
    uri: Uri | None = uri_of(text)
    return uri is not None and uri.is_sip and bool(uri.host) and text.isprintable() and not set(text) & set("<> ")


class Record:
    """A registration that we keep up: what is wanted, and how it stands."""

    def __init__(self, wanted: Wanted, by_management: bool = False) -> None:
        self.wanted, self.by_management = wanted, by_management
        self.state = State.NOT_REGISTERED_STATE
        self.expires = wanted.expires  # seconds, as the registrar wants it
        self.asked = wanted.expires
        self.due = 0.0  # when to register again: seconds of the clock of timers
        self.sent_at = 0.0  # wall clock, of the last REGISTER
        self.due_at = 0.0  # wall clock
        self.cseq = 0
        self.call_id = ""
        self.tag = ""
        self.attempt = 0  # answers to earlier ones come too late
        self.is_leaving = False  # forgotten once it is not registered any more
        self.has_cleared = False  # has removed all other bindings
        self.target: Any = None  # where the last REGISTER went

    def change(self, wanted: Wanted) -> None:
        """Something else is wanted; what is registered stays so until the next time."""
        if wanted.expires != self.wanted.expires:
            self.expires = self.asked = wanted.expires
        self.wanted, self.is_leaving = wanted, False

    def enable(self, enabled: bool) -> None:
        """Switch it on or off."""
        self.wanted = replace(self.wanted, enabled=enabled)

    def begin(self, call_id: str) -> None:
        """The next REGISTER is the first of its kind."""
        self.call_id, self.tag, self.cseq = call_id, token_hex(8), 0

    def wait(self, seconds: float, now: float) -> None:
        """Register again in *seconds*."""
        self.due, self.due_at = now + seconds, time.time() + seconds

    def shown(self) -> dict[str, Any]:
        """The record as management shows it."""
        wanted = self.wanted
        optional = {"binding_params": wanted.parameters, "third_party_registrant": wanted.third_party,
                    "socket": wanted.socket, "proxy": wanted.proxy}
        return {"AOR": wanted.aor, "expires": self.expires, "state": self.state.name,
                "enabled": "yes" if wanted.enabled else "no", "last_register_sent": clock(self.sent_at),
                "registration_t_out": clock(self.due_at), "registrar": wanted.registrar, "binding": wanted.contact,
                **{name: text for name, text in optional.items() if text}, **self.destination()}

    def destination(self) -> dict[str, str]:
        """Where the last REGISTER went."""
        if self.target is None:
            return {}
        host = str(self.target).partition(":")[2].rpartition(":")[0].strip("[]")
        return {"dst_IP": "IPv6" if ":" in host else "IPv4", "ip": host}


def clock(moment: float) -> str:
    """A moment as people read it; the beginning of 1970 for never, as OpenSIPS has it."""
    return time.ctime(moment)


class Registrants:
    """The records of this process, which outlive a reload; *module* is the instance that works with them now."""

    def __init__(self) -> None:
        self.records: dict[Key, Record] = {}
        self.bucket = 0  # whose turn it is
        self.module: Any = None

    def forget(self, record: Record) -> None:
        """Take *record* out."""
        if self.records.get(record.wanted.key) is record:
            del self.records[record.wanted.key]
