"""Where a message goes."""
from __future__ import annotations

from typing import Any

from opensips_py.sip import address_host, address_port
from opensips_py.transport.listener import Listener, bracketed


class Target:
    """A next hop: protocol, address key and the listener to leave by.

    *connection* is tried first, before any other to the same address. With *may_connect* off only a connection that
    exists is used. *host* is the name that the address was found for (for TLS); '' where it was an address.
    """

    __slots__ = ("address", "connection", "host", "listener", "may_connect", "protocol")

    def __init__(self, protocol: str, address: int, listener: Listener | None = None, connection: Any = None,
                 host: str = "", may_connect: bool = True) -> None:
        self.protocol = protocol
        self.address = address
        self.listener = listener
        self.connection = connection
        self.host = host
        self.may_connect = may_connect

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Target) and self.protocol == other.protocol and self.address == other.address

    def __hash__(self) -> int:
        return hash((self.protocol, self.address))

    def __str__(self) -> str:
        return f"{self.protocol}:{bracketed(address_host(self.address))}:{address_port(self.address)}"

    __repr__ = __str__


def datagram_target(address: Any, listener: Listener) -> Target:
    """A next hop over UDP. Every response of ours has one: it costs a third of what Target() does."""
    made: Target = Target.__new__(Target)
    made.protocol, made.address, made.listener = "udp", address, listener
    made.connection, made.host, made.may_connect = None, "", True
    return made
