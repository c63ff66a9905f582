"""Tell events by datagrams, over UDP and over Unix sockets."""
from __future__ import annotations

import errno
import socket
import time
from typing import Any

from opensips_py.events.payload import payload
from opensips_py.module import Module, process_state, run_blocking
from opensips_py.sip import is_ip

LONGEST = 65_457  # bytes of a datagram, as upstream has it
REMEMBERED = 60.0  # seconds that the address of a name is used
RESOLVING = 5.0  # seconds that looking for it may take

Address = str | tuple[str, int]


class Sockets:
    """The sockets that events of this process leave from, and where the hosts are that have names."""

    def __init__(self) -> None:
        self.sockets: dict[int, socket.socket] = {}
        self.hosts: dict[str, tuple[str, float]] = {}

    def send(self, data: bytes, address: Address) -> None:
        """Send one datagram; OSError where it does not go at once."""
        family = socket.AF_UNIX if isinstance(address, str) else \
            socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        if family not in self.sockets:
            self.sockets[family] = socket.socket(family, socket.SOCK_DGRAM)
            self.sockets[family].setblocking(False)
        self.sockets[family].sendto(data, address)

    def known(self, host: str) -> str | None:
        """The address of *host*; None where it has to be looked for."""
        if is_ip(host):
            return host
        address, until = self.hosts.get(host, ("", 0.0))
        return address if time.monotonic() < until else None

    def find(self, host: str) -> str:
        """Look for the address of *host*; this waits."""
        found = run_blocking(socket.getaddrinfo, host, None, 0, socket.SOCK_DGRAM, deadline=RESOLVING)
        address = str(found[0][4][0])
        self.hosts[host] = address, time.monotonic() + REMEMBERED
        return address


class UdpCarrier:
    """Sockets ``udp:host:port``."""

    def __init__(self, module: EventDatagram) -> None:
        self.module = module

    def check(self, address: str) -> str | None:
        """What is wrong with an address."""
        host, port = parted(address)
        return None if host and 0 < port < 65536 else f"udp:{address}: udp:host:port is needed"

    def send(self, address: str, event: str, values: Any) -> None:
        """Send a datagram, beside the caller where the host has to be looked for first."""
        host, port = parted(address)
        data = self.module.data(event, values)
        known = self.module.sockets.known(host)
        if known is not None:
            self.module.sockets.send(data, (known, port))
        else:
            self.module.services.spawn(self.send_later, host, port, data)

    def send_later(self, host: str, port: int, data: bytes) -> None:
        """Look for the host, and send."""
        try:
            self.module.sockets.send(data, (self.module.sockets.find(host), port))
        except OSError as error:
            self.module.log.error("event to udp:%s:%d: %s", host, port, error)


class UnixCarrier:
    """Sockets ``unix:path``."""

    def __init__(self, module: EventDatagram) -> None:
        self.module = module

    def check(self, address: str) -> str | None:
        """What is wrong with a path."""
        if not 0 < len(address.encode("utf-8", "surrogateescape")) < 108:  # unix(7)
            return f"unix:{address}: the path of a socket has 1 to 107 bytes"
        return None

    def send(self, address: str, event: str, values: Any) -> None:
        """Send a datagram."""
        self.module.sockets.send(self.module.data(event, values), address)


class EventDatagram(Module, name="event_datagram"):
    """Tell events to sockets `udp:host:port` and `unix:path`, one datagram each: in the dialect of 4.0 a JSON-RPC
    notification, whose method is the event, in that of 2.1 lines, the name of the event first, then name::value for
    each parameter. An event of more than 65,457 bytes is not sent, nor one that the socket has no room for."""

    sockets: Sockets = process_state(Sockets)

    def start(self) -> None:
        """Take subscriptions from now on."""
        self.services.events.register("udp", UdpCarrier(self))
        self.services.events.register("unix", UnixCarrier(self))

    def data(self, event: str, values: Any) -> bytes:
        """An event as a datagram."""
        data = payload(self.dialect, event, values)
        if len(data) > LONGEST:
            raise OSError(errno.EMSGSIZE, f"{len(data)} bytes are too long for a datagram")
        return data


def parted(address: str) -> tuple[str, int]:
    """Host and port; 0 where there is none."""
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
