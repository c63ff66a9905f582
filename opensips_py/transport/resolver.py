"""From a URI to the addresses to try, in order (RFC 3263)."""
from __future__ import annotations

import logging
import random
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from opensips_py.restraint import Restraint
from opensips_py.sip import address_key, is_ip
from opensips_py.sip._uri import Uri
from opensips_py.transport.bonds import BOND
from opensips_py.transport.listener import IPV6, Listener
from opensips_py.transport.name_servers import NameServers
from opensips_py.transport.records import Records
from opensips_py.transport.target import Target
from opensips_py.transport.transports import Transports

log = logging.getLogger("opensips_py.transport")
unknown, complaints = Restraint(log), Restraint(log, level=logging.WARNING)

MOST = 32  # targets tried for one request
SERVICES = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls", "SIP+D2S": "sctp", "SIP+D2W": "ws",
            "SIPS+D2W": "wss"}  # RFC 3263, 4.1; RFC 4168; RFC 7118
SERVICE_NAMES = {"udp": "_sip._udp", "tcp": "_sip._tcp", "tls": "_sips._tcp", "sctp": "_sip._sctp"}
SECURE = ("tls", "wss")


class Resolver:
    """Finds where to send requests; only protocols and address families that have a listener count.

    literal() never waits and answers for addresses alone; resolve() may wait for the DNS.
    """

    def __init__(self, transports: Transports, records: Records | None = None, try_ipv6: bool = False,
                 try_naptr: bool = True, chance: random.Random | None = None) -> None:
        self.transports = transports
        self.records = records if records is not None else Records(NameServers.of_system())
        self.try_ipv6 = try_ipv6
        self.try_naptr = try_naptr
        self.chance = chance if chance is not None else random.Random()

    def literal(self, uri: Uri, preferred: Listener | None = None, received: Listener | None = None) -> Target | None:
        """The target of a URI whose host, or maddr parameter, is an address; None for names. Never waits.

        *preferred* is the listener to leave by if it can: that which the script, or a Route, has chosen; where the URI
        asks for no protocol, its own is meant. *received* is that by which the request came.
        """
        host, protocol = uri.host, ""
        if uri.parameters:
            host, protocol = uri.parameter("maddr") or host, uri.transport
        if uri.scheme != "sip":
            if uri.scheme != "sips":
                return None
            protocol = secured(protocol)
        protocol = protocol or protocol_of(preferred)
        try:
            address = address_key(host, uri.port or self.transports.settings.ports.get(protocol or "udp", 5060))
        except ValueError:
            return None
        protocol = protocol or self.usual(address)
        return Target(protocol, address, self.transports.choose_listener(protocol, address, preferred, received))

    def usual(self, address: int) -> str:
        """The protocol where a URI asks for none: UDP (RFC 3263, 4.1), unless no listener could send that."""
        if self.transports.choose_listener("udp", address) is not None:
            return "udp"
        ipv6 = address >= IPV6
        return next((each.protocol for each in self.transports.listeners if each.is_ipv6 == ipv6), "udp")

    def resolve(self, uri: Uri, preferred: Listener | None = None, received: Listener | None = None) -> list[Target]:
        """The targets to try for *uri*, best first; none where it cannot be reached, and the log says why."""
        target = self.literal(uri, preferred, received)
        if target is not None:
            return [target] if target.listener is not None else self.unusable(uri, target.protocol)
        if uri.scheme not in ("sip", "sips") or not uri.host:
            return []
        protocol = secured(uri.transport) if uri.scheme == "sips" else uri.transport
        protocol = protocol or protocol_of(preferred)
        if protocol and protocol not in self.protocols():
            return self.unusable(uri, protocol)
        host = (uri.parameter("maddr") if uri.parameters else None) or uri.host
        found = list(unique(self.locate(host, uri.port, protocol), MOST))
        for each in found:
            each.listener = self.transports.choose_listener(each.protocol, each.address, preferred, received)
        if not found:
            unknown.say("%s: the DNS knows no address that we could send to", host)
        return found

    def unusable(self, uri: Uri, protocol: str) -> list[Target]:
        """Nothing can be sent over *protocol*."""
        why = " (a sips URI asks for TLS)" if uri.scheme == "sips" else ""
        complaints.say("%s: no %s listener to send by%s", uri, protocol, why)
        return []

    def protocols(self) -> list[str]:
        """The protocols that have a listener, in the order of the listeners, UDP first."""
        found = dict.fromkeys(each.protocol for each in self.transports.listeners)
        return sorted(found, key=lambda protocol: protocol != "udp")

    def locate(self, host: str, port: int, protocol: str) -> Iterator[Target]:
        """RFC 3263, 4.1 and 4.2, for a host that is a name."""
        if port or self.records.in_hosts(host) or protocol in ("ws", "wss"):
            yield from self.at_host(host, port, protocol or self.first_protocol())
            return
        services = list(self.services(host, protocol))
        for each, name in services:
            yield from self.at_service(name, each)
        if not services:
            # 4.1: "If no SRV records are found, the client SHOULD use ... UDP for a SIP URI"
            yield from self.at_host(host, 0, protocol or self.first_protocol())

    def first_protocol(self) -> str:
        return next(iter(self.protocols()), "udp")

    def services(self, host: str, protocol: str) -> Iterator[tuple[str, str]]:
        """(protocol, SRV name) of the services that *host* offers and we can use, best first."""
        if not protocol and self.try_naptr:
            found = list(self.by_naptr(host))
            if found:
                yield from found
                return
        for each in [protocol] if protocol else self.protocols():
            if each in SERVICE_NAMES:
                name = f"{SERVICE_NAMES[each]}.{host}"
                if self.records.lookup(name, "SRV").records:
                    yield each, name

    def by_naptr(self, host: str) -> Iterator[tuple[str, str]]:
        """The services in the NAPTR records of *host*, by order and preference."""
        ours = self.protocols()
        for record in sorted(self.records.lookup(host, "NAPTR").records, key=lambda r: (r.order, r.preference)):
            protocol = SERVICES.get(record.service.decode(errors="replace").upper(), "")
            if protocol in ours and record.flags.lower() == b"s":
                yield protocol, record.replacement.to_text(omit_final_dot=True)

    def at_service(self, name: str, protocol: str) -> Iterator[Target]:
        """The targets behind the SRV records of *name*."""
        for record in ordered(self.records.lookup(name, "SRV").records, self.chance):
            host = record.target.to_text(omit_final_dot=True)
            if host not in ("", "."):  # RFC 2782: "." says that there is no such service
                yield from self.at_host(host, record.port, protocol)

    def at_host(self, host: str, port: int, protocol: str) -> Iterator[Target]:
        """The addresses of *host*."""
        port = port or self.transports.settings.ports.get(protocol, 5060)
        for address in self.addresses(host, protocol):
            key = address_key(address, port)
            listener = self.transports.choose_listener(protocol, key)
            if listener is not None:
                yield Target(protocol, key, listener, None, host)

    def addresses(self, host: str, protocol: str = "") -> Iterator[str]:
        """The addresses of *host*, IPv4 first, of the families that have a listener (of *protocol*)."""
        if is_ip(host):
            yield host.strip("[]")
            return
        known = self.records.in_hosts(host)
        if known:
            yield from known
            return
        families = {each.is_ipv6 for each in self.transports.listeners if protocol in ("", each.protocol)}
        if False in families:
            for record in self.records.search(host, "A").records:
                yield record.address
        # Where there is IPv6 alone, nobody has to ask for it.
        if True in families and (self.try_ipv6 or False not in families):
            for record in self.records.search(host, "AAAA").records:
                yield record.address


def secured(protocol: str) -> str:
    """The protocol that a sips URI means."""
    return {"ws": "wss", "wss": "wss"}.get(protocol, "tls")


def ordered(records: Iterable[Any], chance: random.Random) -> Iterator[Any]:
    """SRV records as RFC 2782 orders them: by priority, among equals at random in proportion to their weights."""
    for _, group in groupby(sorted(records, key=lambda record: record.priority), key=lambda record: record.priority):
        left = sorted(group, key=lambda record: record.weight)  # those of weight 0 first: they get a small chance
        while left:
            mark = chance.randint(0, sum(record.weight for record in left))
            for record in left:
                mark -= record.weight
                if mark <= 0:
                    break
            left.remove(record)
            yield record


def unique(targets: Iterable[Target], most: int) -> Iterator[Target]:
    """The first *most* of *targets*, none twice."""
    seen: set[Target] = set()
    for target in targets:
        if target not in seen:
            seen.add(target)
            yield target
            if len(seen) == most:
                return


def protocol_of(preferred: Listener | None) -> str:
    """The protocol that choosing a listener asks for; a bond, whose members have several, asks for none."""
    return preferred.protocol if preferred is not None and preferred.protocol != BOND else ""
