"""Bonds: several listeners under one name, of which each destination takes the one that leads there."""
from __future__ import annotations

from collections.abc import Iterable

from opensips_py.errors import ConfigError
from opensips_py.transport.listener import Listener, parse

BOND = "bond"


class Bond(Listener):
    """A group of listeners; a request is sent by it as by a listener, and leaves by one of its members."""

    def __init__(self, name: str, members: list[Listener]) -> None:
        super().__init__(BOND, members[0].host, members[0].port)
        self.members = members
        self.uri_text = f"{BOND}:{name}"


def meant(text: str, listeners: Iterable[Listener]) -> list[Listener]:
    """The *listeners* that a member of a bond names: protocol:host[:port]."""
    try:
        wanted = {(each.protocol, each.host, each.port) for each in parse(text).expand()}
    except ConfigError:
        return []
    return [each for each in listeners if (each.protocol, each.host, each.port) in wanted]


def bond(name: str, members: Iterable[str], listeners: Iterable[Listener]) -> Bond | None:
    """The bond *name* of those among *listeners* that are its *members*; None where it has none."""
    known = list(listeners)
    found = [each for text in members for each in meant(text, known)]
    return Bond(name, found) if found else None
