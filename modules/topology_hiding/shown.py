"""The Contact that a side is shown: ours, in place of that of the other side."""
from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.sip import NameAddr, Uri, parse_addresses
from opensips_py.sip.splitting import separated
from opensips_py.transport.via import uri_host

if TYPE_CHECKING:
    from opensips_py.transport import Listener


class Passing:
    """What of a Contact is shown all the same: parameters of its URI and its own, by name."""

    def __init__(self, of_uri: str | None, of_header: str | None) -> None:
        self.of_uri, self.of_header = listed(of_uri), listed(of_header)


def listed(text: str | None) -> frozenset[str]:
    """The names in a list with semicolons between."""
    return frozenset(each.strip().lower() for each in (text or "").split(";") if each.strip())


def chosen(parameters: Iterable[str], names: frozenset[str]) -> str:
    """The parameters that have one of these names, each with its semicolon."""
    return "".join(f";{each.strip()}" for each in parameters if each.partition("=")[0].strip().lower() in names)


def first_of(value: str | None) -> NameAddr | None:
    """The first address of a Contact header; None where it has none that can be read."""
    try:
        return parse_addresses(value)[0] if value else None
    except (MalformedMessage, IndexError):
        return None


NOBODY = "X"  # the user of a Contact with a mark that shows none


class Shown:
    """A Contact of ours that stands for *contact*, with *user*, or where that is None with the same one; *tail* are the
    parameters by which we know what it stands for, *mark* what is added to the user for that."""

    __slots__ = ("tail", "user")

    def __init__(self, contact: NameAddr | None, passing: Passing, user: str | None, tail: str,
                 mark: str = "") -> None:
        uri = uri_of(contact)
        of_uri = chosen(uri.parameters.split(";"), passing.of_uri) if passing.of_uri else ""
        own = separated(contact.parameters, ";") if contact is not None else []
        of_header = chosen(own, passing.of_header) if passing.of_header else ""
        self.user = uri.user if user is None else user
        if mark:
            self.user = f"{self.user or NOBODY}.{mark}"
        self.tail = f"{tail}{of_uri}>{of_header}"

    def value(self, listener: Listener, context: dict[str, Any] | None = None) -> str:
        """The Contact of what leaves by *listener*."""
        transport = "" if listener.protocol == "udp" else f";transport={listener.protocol}"
        name = f"{self.user}@" if self.user else ""
        return f"<sip:{name}{uri_host(listener, context)}{transport}{self.tail}"


def uri_of(contact: NameAddr | None) -> Uri:
    """The SIP URI of a Contact; one without anything where it has none."""
    try:
        uri = contact.parsed_uri if contact is not None else None
    except MalformedMessage:
        uri = None
    return uri if uri is not None and uri.is_sip else Uri()
