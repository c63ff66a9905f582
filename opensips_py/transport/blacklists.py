"""Lists of destinations that requests are not sent to."""
from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any

from opensips_py.sip import address_host, address_port
from opensips_py.transport.target import Target

USED, UNUSED = "blacklists", "blacklists not used"  # keys of a message's context: names of lists
IPV6 = 1 << 144
OF_DNS, RESTING = "dns", 240  # the list of destinations of the DNS that failed, and the seconds they stay on it


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; *protocol* empty: any, *port* 0: any, *pattern* empty: whatever the message says."""

    network: IPv4Network | IPv6Network
    port: int = 0
    protocol: str = ""
    pattern: str = ""
    negated: bool = False

    def fits(self, address: IPv4Address | IPv6Address, port: int, protocol: str, text: str) -> bool:
        """Whether a destination, and the message for it, are what this rule names."""
        named = (address in self.network and (not self.port or self.port == port)
                 and (not self.protocol or self.protocol == protocol)
                 and (not self.pattern or fnmatchcase(text, self.pattern)))
        return named is not self.negated


@dataclass(slots=True)
class Blacklist:
    """One list. *default*: it counts without use_blacklist(); *readonly*: the script cannot change its rules."""

    name: str
    default: bool = False
    readonly: bool = True
    expires: bool = False
    rules: dict[Rule, float] = field(default_factory=dict)  # until when; 0: for ever

    def fits(self, address: IPv4Address | IPv6Address, port: int, protocol: str, text: str, now: float) -> bool:
        """Whether any rule in force names the destination."""
        return any(rule.fits(address, port, protocol, text) for rule, until in self.rules.items()
                   if not until or until > now)

    def prune(self, now: float) -> None:
        """Forget rules whose time is over."""
        for rule in [rule for rule, until in self.rules.items() if until and until <= now]:
            del self.rules[rule]


def rule(network: str, port: int = 0, protocol: str = "", pattern: str = "", *, negated: bool = False) -> Rule:
    """A rule from its parts as texts; ValueError for what is no network. `!` before the network turns it round."""
    text = network.strip()
    negated = negated or text.startswith("!")
    protocol = protocol.strip().lower()
    return Rule(ip_network(text.lstrip("! ").replace("[", "").replace("]", ""), strict=False), port,
                "" if protocol == "any" else protocol, pattern, negated)


class Blacklists:
    """All lists of one process."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self.lists: dict[str, Blacklist] = {}
        self.clock = clock or time.time

    def define(self, name: str, flags: Iterable[str] = (), rules: Iterable[Rule] = ()) -> Blacklist:
        """Make the list *name* what the configuration says; without flags it is readonly."""
        words = {each.lower() for each in flags}
        made = Blacklist(name, "default" in words, not words or "readonly" in words, "expire" in words)
        made.rules = dict.fromkeys(rules, 0.0)
        present = self.lists.get(name)
        if present is not None and not made.readonly:  # what came at run time outlives a reload
            made.rules = {**present.rules, **made.rules}
        self.lists[name] = made
        return made

    def blocks(self, target: Target, data: bytes, context: dict[str, Any] | None) -> bool:
        """Whether a request must not go to *target*, by the lists that count for it."""
        context = context or {}
        used, unused = context.get(USED, ()), context.get(UNUSED, ())
        counting = [each for each in self.lists.values()
                    if each.name in used or (each.default and each.name not in unused)]
        if not counting:
            return False
        address, port = ip_of(target.address), address_port(target.address)
        text = data.decode("latin-1") if any(rule.pattern for each in counting for rule in each.rules) else ""
        now = self.clock()
        return any(each.fits(address, port, target.protocol, text, now) for each in counting)

    def add(self, name: str, new: Rule, expire: int = 0) -> bool:
        """Add a rule at run time, for *expire* seconds or for ever; False where the list cannot be changed."""
        found = self.lists.get(name)
        if found is None or found.readonly or (expire and not found.expires):
            return False
        now = self.clock()
        found.prune(now)
        found.rules[new] = now + expire if expire else 0.0
        return True

    def failed(self, target: Target) -> None:
        """A destination that the DNS gave did not work: if there is a list for such ones, it is on it for a while."""
        found = self.lists.get(OF_DNS)
        if found is not None:
            new = Rule(network_of(target.address), address_port(target.address), target.protocol)
            if found.rules.get(new, 0.0) <= self.clock():  # not once more by being refused because of it
                self.add(OF_DNS, new, RESTING)

    def remove(self, name: str, gone: Rule) -> bool:
        """Take a rule away; False where it is not there or the list cannot be changed."""
        found = self.lists.get(name)
        if found is None or found.readonly:
            return False
        return found.rules.pop(gone, None) is not None


def network_of(key: int) -> IPv4Network | IPv6Network:
    """The IP address in an address key, as a network of its own."""
    return ip_network(ip_of(key))


def ip_of(key: int) -> IPv4Address | IPv6Address:
    """The IP address in an address key."""
    host = address_host(key)
    return IPv6Address(host.strip("[]")) if key >= IPV6 else IPv4Address(host)
