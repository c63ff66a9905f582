"""A dialog as a worker holds it, and as it is stored: what changes, and what was said when it began."""
from __future__ import annotations

from typing import Any

import msgpack

from opensips_py.dialog.identifiers import did_of
from opensips_py.dialog.legs import CALLEE, CALLER, Leg, contact_of, route_values, routes_to_callee
from opensips_py.dialog.states import State

VERSION = 1
BYE_ON_TIMEOUT, PING_CALLER, PING_CALLEE, REINVITE_CALLER, REINVITE_CALLEE, END_ON_RACE, PRACK, RACED = (
    1 << bit for bit in range(8))
# Each side sees us in the place of the other one: its routes end here. How it sees us is the business of whoever hides.
HIDDEN, USERS_SHOWN, CALL_ID_HIDDEN, DID_IN_USER, SAME_TO_CALLER, SAME_TO_CALLEE = (1 << bit for bit in range(8, 14))
PINGED = PING_CALLER | PING_CALLEE | REINVITE_CALLER | REINVITE_CALLEE
ON_ANSWER, ON_TIMEOUT, ON_HANGUP = "answer", "timeout", "hangup"  # what routes are armed for

MOVED = "moved"  # kept with a dialog: seconds by which the clock was set since its answer

Value = int | str


class Dialog:
    """One dialog. It is small, for a worker may hold a hundred thousand: header values stay packed until somebody asks.

    *request* is its INVITE until the answer; *facts* are the packed header values of both, where the store does not
    have them. Times are seconds since 1970; *expires* counts from the answer, *lifetime* is what it is given.
    """

    __slots__ = ("armed", "call_id", "callee_cseq", "caller_cseq", "created", "delay", "did", "early",
                 "end_reason", "ended", "entry", "expires", "facts", "flags", "from_tag", "invites", "kept",
                 "lifetime", "number", "other", "pingers", "profiles", "request", "shifts", "started", "state",
                 "stored", "timer", "to_tag", "user_flags", "values")

    def __init__(self, entry: int, number: int, call_id: str, from_tag: str) -> None:
        self.entry, self.number = entry, number
        self.did = did_of(entry, number)
        self.call_id, self.from_tag, self.to_tag = call_id, from_tag, ""
        self.state = 1
        self.flags = self.user_flags = 0
        self.caller_cseq = self.callee_cseq = 0  # the last that each side has sent
        self.created = self.started = self.expires = self.ended = 0.0
        self.lifetime = 0
        self.delay = -1  # seconds for which it is found after its end; -1: as the module says
        self.end_reason: str | None = None
        self.timer: Any = None
        self.request: Any = None
        self.other: Dialog | None = None  # one more with the same Call-ID: the call has passed us twice
        self.stored = False  # whether the store has it
        self.values: dict[str, Value] | None = None
        self.profiles: list[tuple[str, str | None]] | None = None
        self.armed: dict[str, str] | None = None  # routes to be run: on answer, timeout, hangup
        self.kept: dict[str, Any] | None = None  # what other modules keep with it
        self.shifts: list[int] | None = None  # requests of our own that each side has got: later ones count on
        self.invites: dict[tuple[int, int], int] | None = None  # by side and CSeq: what was added to it
        self.pingers: list[Any] | None = None  # timers
        self.facts: bytes | None = None
        self.early: dict[str, bytes] | None = None  # facts of others who ring, or answered, by tag

    def __repr__(self) -> str:
        return f"<dialog {self.did} {State(self.state).name}>"

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or never came to be."""
        return self.state == 5

    @property
    def is_answered(self) -> bool:
        """Whether it has been answered and goes on."""
        return self.state in (3, 4)

    def lasted(self, until: float) -> float:
        """Seconds from its answer until a time of day, whatever the clock was set to meanwhile."""
        return until - self.started - self.moved

    @property
    def moved(self) -> float:
        """Seconds by which the clock was set since its answer."""
        return float(self.kept.get(MOVED, 0.0)) if self.kept is not None else 0.0

    def shift(self, side: int) -> int:
        """How many requests of our own the side has got."""
        return self.shifts[side] if self.shifts is not None else 0

    def add_shift(self, side: int, count: int) -> None:
        """Count requests of our own towards a side."""
        if self.shifts is None:
            self.shifts = [0, 0]
        self.shifts[side] += count

    def next_cseq(self, side: int) -> int:
        """The CSeq number of a request of our own to *side*: it sees us as the other one."""
        return (self.callee_cseq if side == CALLER else self.caller_cseq) + self.shift(side) + 1


def pack(dialog: Dialog, flags: str) -> bytes:
    """What may change of a dialog; *flags* are the names of those that the script has set: their bits may be others in
    the next configuration."""
    return packed_of((
        VERSION, dialog.state, dialog.call_id, dialog.from_tag, dialog.to_tag, dialog.created, dialog.started,
        dialog.expires, dialog.lifetime, dialog.flags, flags, dialog.caller_cseq, dialog.callee_cseq,
        dialog.end_reason, dialog.ended, dialog.delay, dialog.shifts, dialog.values, dialog.profiles, dialog.armed,
        dialog.kept))


def unpack(entry: int, number: int, data: bytes) -> tuple[Dialog, str]:
    """The dialog that pack() has packed, and the names of its flags."""
    version, state, call_id, from_tag, *rest = unpacked(data)
    if version != VERSION:
        raise ValueError(f"a dialog is stored in version {version}, which this server does not know")
    dialog = Dialog(entry, number, call_id, from_tag)
    dialog.state = state
    (dialog.to_tag, dialog.created, dialog.started, dialog.expires, dialog.lifetime, dialog.flags, flags,
     dialog.caller_cseq, dialog.callee_cseq, dialog.end_reason, dialog.ended, dialog.delay, dialog.shifts,
     dialog.values, profiles, dialog.armed, dialog.kept) = rest
    dialog.profiles = [(name, value) for name, value in profiles] if profiles else None
    return dialog, flags


def pack_facts(facts: tuple[Any, ...]) -> bytes:
    """The header values of an INVITE and its answer: see Facts."""
    return packed_of(facts)


class Facts:
    """What the INVITE and its answer said, as it stands in their headers; *told*: the session descriptions that went on
    to the caller and to the callee, where these are others than came."""

    __slots__ = ("call_ids", "contacts", "from_", "recorded", "sockets", "texts", "to", "told", "types")

    def __init__(self, data: bytes) -> None:
        (self.from_, self.to, self.call_ids, self.contacts, self.recorded, self.sockets, self.texts,
         self.types, *told) = unpacked(data)
        self.told: tuple[bytes, bytes] | None = told[0] if told else None

    def packed(self) -> bytes:
        """These facts, packed again."""
        return pack_facts((self.from_, self.to, self.call_ids, self.contacts, self.recorded, self.sockets, self.texts,
                           self.types, *([self.told] if self.told is not None else ())))

    def legs(self, is_ours: Any, hidden: bool = False) -> tuple[Leg, Leg]:
        """Both sides; in a *hidden* dialog all that the callee has seen recorded is behind us."""
        asked, answered = (route_values(each) for each in self.recorded)
        to_callee = routes_to_callee(answered, len(asked), is_ours, hidden)
        return self.leg(CALLER, asked), self.leg(CALLEE, to_callee)

    def leg(self, side: int, routes: list[str]) -> Leg:
        """One side; what the other one knew of From and To stands in its own message."""
        address, peer = (self.from_, self.to) if side == CALLER else (self.to, self.from_)
        told = self.texts[1 - side] if self.told is None else self.told[side]
        return Leg(address[side], peer[side], self.call_ids[side], contact_of(self.contacts[side]), routes,
                   self.sockets[side], self.texts[side], self.types[side], told, self.types[1 - side])


# Texts that are not UTF-8 are rare, and whoever provides for them pays a third more for all others.
PACK = msgpack.Packer(autoreset=True).pack
PACK_ANY = msgpack.Packer(unicode_errors="surrogateescape", autoreset=True).pack


def packed_of(values: tuple[Any, ...]) -> bytes:
    """Values, packed."""
    packed: bytes
    try:
        packed = PACK(values)
    except UnicodeEncodeError:
        packed = PACK_ANY(values)
    return packed


def unpacked(data: bytes) -> Any:
    """What was packed."""
    return msgpack.unpackb(data, unicode_errors="surrogateescape", strict_map_key=False)
