"""The two sides of a dialog as the proxy between them sees them: targets, route sets, their views of each other."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from opensips_py.errors import MalformedMessage
from opensips_py.sip import Message, NameAddr, parse_addresses

CALLER, CALLEE = 0, 1
MENDED = "mended contact"  # in the context of a message: its Contact as it leads back to the sender


@dataclass(slots=True)
class Leg:
    """One side. What it is called and what it calls the other side are header values with their tags."""

    address: str  # how it appears in the requests of the other side: To
    peer: str  # how the other side appears to it: From of what we send to it
    call_id: str
    target: str = ""  # the URI of its Contact: the Request-URI of what we send to it
    routes: list[str] = field(default_factory=list)  # Route values from us to it
    socket: str = ""  # the socket of ours that it talks with, as protocol:address:port
    body: bytes = b""  # the session description that it sent last
    body_type: str = ""
    told: bytes = b""  # the one that it was sent last: what the other has sent, unless a relay of media changed that
    told_type: str = ""


def contact_of(value: str | None) -> str:
    """The URI of a Contact header; empty where it has none, or one that cannot be read."""
    if not value or value.strip() == "*":
        return ""
    try:
        return parse_addresses(value)[0].uri
    except (MalformedMessage, IndexError):
        return ""


def contact_in(message: Message) -> str | None:
    """The Contact by which the sender of *message* is reached: what it says itself, unless that was mended."""
    mended: str | None = message.context.get(MENDED) if message.context is not None else None
    return message.header("Contact") if mended is None else mended


def uri_of(value: str) -> str:
    """The URI of a From or To."""
    try:
        return NameAddr.parse(value).uri
    except MalformedMessage:
        return ""


def route_values(values: Sequence[str]) -> list[str]:
    """The single values of Route or Record-Route headers, in their order; what cannot be read is left out."""
    found: list[str] = []
    for value in values:
        try:
            found += [str(each) for each in parse_addresses(value)]
        except MalformedMessage:
            continue
    return found


def routes_to_callee(recorded: Sequence[str], passed: int, is_ours: Callable[[str], bool],
                     hidden: bool = False) -> list[str]:
    """The route set from us to the callee (RFC 3261, 12.1.2): of the values in its response those that proxies behind
    us have added, which stand above ours, in reverse. *passed* is how many the INVITE had before it came to us. The
    callee of a *hidden* dialog has seen none of these, nor ours: all are behind us."""
    if hidden:
        return list(reversed(recorded))
    above = next((place for place, value in enumerate(recorded) if is_ours(value)), None)
    if above is None:  # we are not on the path: all that is new is behind us
        above = max(len(recorded) - passed, 0)
    return list(reversed(recorded[:above]))
