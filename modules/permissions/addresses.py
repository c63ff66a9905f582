"""A table of addresses: which group a host belongs to, by network, port and protocol.

The table never changes: a new one takes its place as a whole. A look-up costs as many steps as the group has different
lengths of networks, not as it has networks.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from opensips_py.module import Pattern
from opensips_py.module.glob import glob

ANY, NONE = "any", "none"
ANY_GROUP = 0
Network = IPv4Network | IPv6Network
Key = tuple[int, int, int]  # group, version of IP, length of the network
PROTOCOLS = frozenset((ANY, NONE, "udp", "tcp", "tls", "sctp", "ws", "wss"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the table; port 0 and protocol any stand for all of them, without a pattern any text will do."""

    group: int
    network: Network
    port: int = 0
    protocol: str = ANY
    pattern: Pattern | None = None
    pattern_text: str = ""
    info: str | None = None

    @property
    def is_host(self) -> bool:
        """Whether it is a single address."""
        return self.network.prefixlen == self.network.max_prefixlen

    def fits(self, port: int, protocol: str, text: str | None) -> bool:
        """Whether a host in the network is meant that uses *port* and *protocol*; *text* is held against the pattern,
        if there is one."""
        return (not self.port or not port or self.port == port) and self.protocol != NONE \
            and (self.protocol == ANY or protocol in (ANY, self.protocol)) \
            and (self.pattern is None or text is None or self.pattern.matches(text))


def entry(group: int, ip: str, mask: int, port: int, protocol: str, pattern: str | None, info: str | None,
          compiled: Callable[[str], Pattern] = glob) -> Entry:
    """A row of the database as an entry; ValueError where something in it is wrong. Bits of the address behind the mask
    are of no interest."""
    network = ip_network((ip.strip().strip("[]"), mask), strict=False)
    spoken = protocol.strip().lower() or ANY
    if group < 0 or not 0 <= port <= 65535 or spoken not in PROTOCOLS:
        raise ValueError(f"group {group}, port {port}, protocol {protocol}: that cannot be")
    return Entry(group, network, port, spoken, compiled(pattern) if pattern else None, pattern or "", info)


class Addresses:
    """The table, ready for look-ups."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.entries = tuple(entries)
        networks: dict[Key, dict[int, list[Entry]]] = {}
        for each in self.entries:
            bits = each.network.max_prefixlen - each.network.prefixlen
            start = int(each.network.network_address) >> bits
            for group in {each.group, ANY_GROUP}:
                key = group, each.network.version, each.network.prefixlen
                networks.setdefault(key, {}).setdefault(start, []).append(each)
        self.groups = frozenset(each.group for each in self.entries)
        self._networks = networks
        self._lengths: dict[tuple[int, int], tuple[int, ...]] = {}
        for group, version, length in sorted(networks, reverse=True):  # the longest network first
            known = self._lengths.get((group, version), ())
            self._lengths[group, version] = (*known, length)

    def __len__(self) -> int:
        return len(self.entries)

    def has(self, group: int) -> bool:
        """Whether there is a group of that number; 0 stands for all of them."""
        return group == ANY_GROUP or group in self.groups

    def candidates(self, group: int, address: IPv4Address | IPv6Address) -> Iterator[Entry]:
        """The entries of *group* (0: of all) whose network holds *address*, those of the smallest network first."""
        number, version, most = int(address), address.version, address.max_prefixlen
        for length in self._lengths.get((group, version), ()):
            yield from self._networks[group, version, length].get(number >> (most - length), ())

    def find(self, group: int, ip: str, port: int, protocol: str, text: str | None = None) -> Entry | None:
        """The entry of *group* (0: of any) that fits; None where there is none. ValueError where *ip* is no address."""
        address = ip_address(ip.strip().strip("[]"))
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped  # a host is the same however its socket writes it
        spoken = protocol.lower()
        return next((each for each in self.candidates(group, address) if each.fits(port, spoken, text)), None)

    def hosts(self) -> list[Entry]:
        """The single addresses."""
        return [each for each in self.entries if each.is_host]

    def subnets(self) -> list[Entry]:
        """The networks of more than one address."""
        return [each for each in self.entries if not each.is_host]
