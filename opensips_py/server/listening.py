"""The sockets of a script as addresses to bind: interfaces, host names, port ranges and protocols taken apart."""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from opensips_py.errors import ConfigError
from opensips_py.module import loader
from opensips_py.server.boot import BoundListener
from opensips_py.transport.bonds import BOND, bond
from opensips_py.transport.interfaces import addresses_of
from opensips_py.transport.listener import DEFAULT_PORTS, Listener, ListenerSpec

INTERFACE = re.compile(r"[a-z][a-zA-Z]*\d[\w@-]*(\.\d+)?")  # eth0, ens192, enX0, eth0.12
NAME = re.compile(r"[\w-]+(\.[\w-]+)*")

def listeners(sockets: Iterable[Any], values: Mapping[str, Any], protocols: Iterable[str]) -> list[BoundListener]:
    """What to bind for the *sockets* of a script (script.tree.Socket), in their order, each address once.

    *values* are the core parameters; *protocols* those that this server speaks. Without any socket in the script, every
    IPv4 address of the machine is one.
    """
    spoken, given = list(protocols), list(sockets)
    specs = [spec for one in given if one.protocol != BOND for spec in specified(one, values, spoken)]
    if not specs:
        specs = [ListenerSpec(protocol, "0.0.0.0", default_port(values)) for protocol in spoken]
    found: dict[tuple[str, str, int], Listener] = {}
    for each in (each for spec in specs for each in spec.expand()):
        found.setdefault((each.protocol, each.host, each.port), each)
    for one in given:
        if one.protocol == BOND and bond(one.host, one.members, found.values()) is None:
            raise ConfigError(f"bond:{one.host} has no member among the sockets of the script")
    return [bound(each, values) for each in found.values()]


def specified(one: Any, values: Mapping[str, Any], protocols: list[str]) -> Iterator[ListenerSpec]:
    """One socket of a script for each protocol it is meant for."""
    for protocol in protocols if one.protocol in ("", "any") else [one.protocol]:
        if protocol not in DEFAULT_PORTS or protocol not in protocols:
            raise ConfigError(unspoken(protocol))
        options: dict[str, Any] = dict.fromkeys(one.options, True)
        if one.tos:
            options["tos"] = one.tos
        yield ListenerSpec(protocol, one.host, one.port or default_port(values), one.last_port, one.advertised_host,
                           one.advertised_port, one.tag, options)


def unspoken(protocol: str) -> str:
    """What is wrong with a socket whose *protocol* no loaded module speaks."""
    module = f"proto_{protocol}"
    if module in loader.available():
        return f'no loaded module speaks {protocol}: add loadmodule "{module}.so"'
    return f"no loaded module speaks {protocol}, for module {module} is not available yet: leave it out until then"


def may_be_elsewhere(host: str, dialect: str) -> bool:
    """Whether *host*, which this machine does not know, may be right on the one that the script is for.

    An interface may; so may any name in 4.0, where OpenSIPS goes on without the socket. 2.1 refuses to.
    """
    if addresses_of(host):
        return False
    is_name = NAME.fullmatch(host) is not None and not is_with_port(host) and not host.replace(".", "").isdigit()
    return INTERFACE.fullmatch(host) is not None or (dialect == "4.0" and is_name)


def is_with_port(host: str) -> bool:
    """Whether *host* is an address with its port behind a dot."""
    _, dot, port = host.rpartition(".")
    return bool(dot) and port.isdigit() and host.count(".") == 4


def wrong(sockets: Iterable[Any], values: Mapping[str, Any],
          protocols: Iterable[str]) -> Iterator[tuple[Any, str, str]]:
    """The sockets that nobody can listen on: each with what is wrong with it, and what to write."""
    spoken = list(protocols)
    for one in sockets:
        try:
            for spec in specified(one, values, spoken) if one.protocol != BOND else ():
                spec.expand()
        except ConfigError as error:
            message, _, fix = error.message.partition(": ")
            if message.startswith("no loaded module"):
                yield one, message, fix
            else:
                yield one, error.message, addressed(one)


def addressed(one: Any) -> str:
    """What to write for a socket whose host is none of this machine."""
    if is_with_port(one.host):
        host, _, port = one.host.rpartition(".")
        return f"a colon stands before the port: {one.protocol}:{host}:{port}"
    return "write an address or interface of this machine, or 0.0.0.0 for all of them"


def bound(listener: Any, values: Mapping[str, Any]) -> BoundListener:
    """A transport.Listener as the supervisor knows it; what all advertise fills in what it does not."""
    advertised = listener.advertised_host or values.get("advertised_address") or ""
    return BoundListener(
        listener.protocol, listener.host, listener.port, advertised, listener.advertised_port or
        int(values.get("advertised_port") or 0), listener.name, listener.options, listener.hostname)


def default_port(values: Mapping[str, Any]) -> int:
    """The port of sockets without one; 0: the usual one of the protocol."""
    return int(values.get("port") or 0)


def workers_asked(sockets: Iterable[Any], values: Mapping[str, Any], found: Iterable[BoundListener]) -> int:
    """The largest number of workers that the script asks for."""
    numbers: list[int] = [int(values.get("udp_workers") or 1), *(one.workers for one in sockets)]
    if any(each.protocol != "udp" for each in found):
        numbers.append(int(values.get("tcp_workers") or 0))
    return max(1, *numbers)
