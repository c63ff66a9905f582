"""The addresses of this machine, by network interface."""
from __future__ import annotations

import fcntl
import ipaddress
import pathlib
import socket
import struct

SIOCGIFADDR = 0x8915
V6_TABLE = pathlib.Path("/proc/net/if_inet6")
LINK_LOCAL = ipaddress.ip_network("fe80::/10")


def addresses() -> dict[str, list[str]]:
    """Interface -> its addresses, IPv4 first; link-local ones are left out, as nobody can answer them by address."""
    found: dict[str, list[str]] = {}
    for _, name in socket.if_nameindex():
        address = v4(name)
        found[name] = [address] if address else []
    for name, address in v6():
        found.setdefault(name, []).append(address)
    return found


def v4(interface: str) -> str | None:
    """The IPv4 address of *interface*, if it has one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("256s", interface.encode()[:15])
        try:
            answer = fcntl.ioctl(sock.fileno(), SIOCGIFADDR, request)
        except OSError:
            return None
    return socket.inet_ntoa(answer[20:24])


def v6() -> list[tuple[str, str]]:
    """(interface, address) for every IPv6 address but link-local ones."""
    try:
        lines = V6_TABLE.read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    rows = [line.split() for line in lines]
    pairs = [(row[5], ipaddress.ip_address(int(row[0], 16))) for row in rows]
    return [(name, str(address)) for name, address in pairs if address not in LINK_LOCAL]
