"""What a request within a dialog looks like (RFC 3261, 12.2.1.1)."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from opensips_py.dialog.legs import Leg, uri_of
from opensips_py.errors import MalformedMessage
from opensips_py.sip import NameAddr


@dataclass(frozen=True, slots=True)
class Way:
    """Where a request within a dialog goes."""

    uri: str  # the Request-URI
    routes: tuple[str, ...]  # Route values
    next_hop: str | None  # the URI to send to; None: the Request-URI

    @property
    def lines(self) -> bytes:
        """The Route header lines."""
        return "".join(f"Route: {each}\r\n" for each in self.routes).encode("utf-8", "surrogateescape")


def way(target: str, routes: Sequence[str]) -> Way:
    """The way to *target* along *routes*; a strict router comes first in the Request-URI, and the target last."""
    if not routes:
        return Way(target, (), None)
    first = uri_of(routes[0])
    if is_loose(routes[0]):
        return Way(target, tuple(routes), first)
    return Way(first, (*routes[1:], f"<{target}>"), None)


def is_loose(route: str) -> bool:
    """Whether a Route value says that its router leaves the Request-URI alone."""
    try:
        return NameAddr.parse(route).parsed_uri.parameter("lr") is not None
    except MalformedMessage:
        return True


def way_to(leg: Leg) -> Way:
    """The way from us to one side of a dialog."""
    return way(leg.target, leg.routes)
