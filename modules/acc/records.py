"""A record: what is told of one request, and the values that the script adds to it."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.modules.acc.accounts import Account, Value
from opensips_py.sip import Edits, scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opensips_py.module import Run
    from opensips_py.modules.acc.kinds import Extra
    from opensips_py.sip import Message

Named = list[tuple[str, Value]]
ANSWERED, MISSED, ACCOUNTED = "transaction answered", "call missed", "request accounted"
ENDED = "call ended"


@dataclass(frozen=True, slots=True)
class Record:
    """What every record has; *created* is when the call began, told of missed calls and of whole ones. Those are of the
    *time* when they were answered, and lasted *milliseconds*."""

    what: str
    method: str
    from_tag: str
    to_tag: str
    call_id: str
    code: str
    reason: str
    time: int
    created: int
    milliseconds: int = 0

    @property
    def whole(self) -> bool:
        """Whether this is a CDR."""
        return self.what == ENDED

    @property
    def duration(self) -> int:
        """Seconds that a call lasted; those that have begun count."""
        return -(-self.milliseconds // 1000)

    @property
    def missed(self) -> bool:
        """Whether this tells of a missed call."""
        return self.what == MISSED

    @property
    def succeeded(self) -> bool:
        """Whether its code tells of success; one without a code does not."""
        return self.code.isdecimal() and int(self.code) < 300

    @property
    def is_missed(self) -> bool:
        """Whether E_ACC_MISSED_EVENT tells of it: a missed call, or a request that has failed, as the script says."""
        return self.missed or (self.what == ACCOUNTED and not self.succeeded)

    @property
    def setup(self) -> int:
        """Seconds from the beginning of the call to this record."""
        return max(self.time - self.created, 0)


@dataclass(frozen=True, slots=True)
class View:
    """Where further values are read: in the request's run, for some in the response's, and in the account."""

    run: Run
    reply: Run | None
    account: Account | None

    def extras(self, extras: Sequence[Extra], names: Sequence[tuple[str, str]]) -> Named:
        """The values that *extras* define, then those assigned by tag."""
        found = [(each.name, self.read(each)) for each in extras]
        given = self.account.extras if self.account is not None else {}
        return found + [(name, given.get(tag)) for tag, name in names]

    def read(self, extra: Extra) -> Value:
        """One value; NULL where the message has none, or none that can be read."""
        run = self.reply if extra.reply else self.run
        try:
            value: Value = extra.variable.read(run) if run is not None else None
        except (MalformedMessage, ValueError):
            return None
        return value

    def legs(self, extras: Sequence[Extra], names: Sequence[tuple[str, str]]) -> list[Named]:
        """The values of each leg: of AVPs the newest first, and one leg at least; then the legs of the account."""
        found: list[Named] = []
        if extras:
            columns = [(each.name, self.run.avps.get(plain(each.variable.name or ""), [])) for each in extras]
            count = max(1, *(len(values) for _, values in columns))
            found = [[(name, values[n] if n < len(values) else None) for name, values in columns]
                     for n in range(count)]
        if names and self.account is not None:
            found += [[(name, leg.get(tag)) for tag, name in names] for leg in self.account.legs]
        return found


def joined(legs: list[Named], more: list[Named]) -> list[Named]:
    """Legs with further values of each."""
    return [[*(legs[n] if n < len(legs) else []), *(more[n] if n < len(more) else [])]
            for n in range(max(len(legs), len(more)))]


def plain(avp: str) -> str:
    """The name of an AVP without the s: or i: that old scripts put before it."""
    return avp[2:] if avp[:2] in ("s:", "i:") else avp


def swapped(message: Any) -> Any:
    """*message* with From and To in each other's place; for reading alone."""
    data, edits = message.data, Edits()
    one, other = message.headers("From")[0], message.headers("To")[0]
    edits.replace(one.value_start, one.value_end, data[other.value_start:other.value_end])
    edits.replace(other.value_start, other.value_end, data[one.value_start:one.value_end])
    made: Message | None = scan(edits.apply(data), message.listener, message.source, message.connection,
                                message.received_at)
    if made is None or made.fault is not None:
        return message
    made.context, made.flags, made.branch_flags = message.context, message.flags, message.branch_flags
    made.destination, made.path, made.send_socket = message.destination, message.path, message.send_socket
    made.q = message.q
    if message.is_request and made.uri != message.uri:  # type: ignore[attr-defined]
        made.uri = message.uri  # type: ignore[attr-defined]
    return made
