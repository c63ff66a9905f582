"""The sockets of a script as addresses to bind: interfaces, host names, port ranges and protocols taken apart."""
from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opensips_py.errors import ConfigError
from opensips_py.server import interfaces
from opensips_py.server.boot import BoundListener

DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061, "sctp": 5060, "ws": 80, "wss": 443}


def listeners(sockets: Iterable[Any], values: Mapping[str, Any], protocols: Iterable[str]) -> list[BoundListener]:
    """What to bind for the *sockets* of a script (script.tree.Socket), in their order, each address once.

    *values* are the core parameters; *protocols* those that this server speaks.
    """
    spoken = list(protocols)
    given = list(sockets)
    found = [each for one in given for each in expanded(one, values, spoken)] if given else everywhere(values, spoken)
    return list({(each.protocol, each.host, each.port): each for each in found}.values())


def everywhere(values: Mapping[str, Any], protocols: Iterable[str]) -> list[BoundListener]:
    """Without any socket in the script: every IPv4 address of the machine."""
    port = int(values.get("port") or 0)
    hosts = [host for group in interfaces.addresses().values() for host in group if ":" not in host]
    return [BoundListener(protocol, host, port or DEFAULT_PORTS[protocol], values.get("advertised_address") or "",
                          int(values.get("advertised_port") or 0))
            for protocol in protocols for host in hosts]


def expanded(one: Any, values: Mapping[str, Any], protocols: list[str]) -> Iterator[BoundListener]:
    """The addresses of one socket."""
    wanted = protocols if one.protocol in ("", "any") else [one.protocol]
    for protocol in wanted:
        if protocol not in protocols:
            raise ConfigError(f'no loaded module speaks {protocol}: add loadmodule "proto_{protocol}.so"')
        first = one.port or int(values.get("port") or 0) or DEFAULT_PORTS.get(protocol, 5060)
        for host in hosts(one.host):
            for port in range(first, max(first, one.last_port) + 1):
                yield BoundListener(
                    protocol, host, port, one.advertised_host or values.get("advertised_address") or "",
                    one.advertised_port or int(values.get("advertised_port") or 0), one.tag,
                    {"tos": one.tos, "flags": sorted(one.options), "name": one.host if one.host != host else ""})


def hosts(text: str) -> list[str]:
    """The addresses that a host in a script stands for: an address, `*`, an interface, a name of the DNS."""
    bare = text.strip("[]")
    try:
        return [str(ipaddress.ip_address(bare))]
    except ValueError:
        pass
    known = interfaces.addresses()
    if bare == "*":
        return [host for group in known.values() for host in group if ":" not in host]
    if bare in known:
        if not known[bare]:
            raise ConfigError(f"network interface {bare} has no address")
        return known[bare]
    try:
        rows = socket.getaddrinfo(bare, None, type=socket.SOCK_DGRAM)
    except OSError:
        raise ConfigError(f"{bare} is no address, no network interface and no host name") from None
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def workers_asked(sockets: Iterable[Any], values: Mapping[str, Any], bound: Iterable[BoundListener]) -> int:
    """The largest number of workers that the script asks for."""
    has_streams = any(each.protocol != "udp" for each in bound)
    numbers: list[int] = [int(values.get("udp_workers") or 1), *(one.workers for one in sockets)]
    if has_streams:
        numbers.append(int(values.get("tcp_workers") or 0))
    return max(1, *numbers)
