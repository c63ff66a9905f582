"""remove: take contacts out by script."""
from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.db import DatabaseError
from opensips_py.errors import MalformedMessage
from opensips_py.module import Flag, Route, Run, TableOf, script
from opensips_py.modules.registrar.asking import place, place_of, same_host
from opensips_py.modules.registrar.parameters import Parameters
from opensips_py.modules.registrar.registration import Refused
from opensips_py.modules.registrar.saving import first_value
from opensips_py.sip import NameAddr, Uri, address_host, is_ip
from opensips_py.state._bindings import Binding, Record, unpack
from opensips_py.state.matching import same

if TYPE_CHECKING:
    from opensips_py.modules.usrloc import UsrLoc

Table_ = Annotated[str, TableOf("usrloc")]
Test = Callable[[Binding], bool]


class Removing(Parameters):
    """Functions that remove contacts."""

    usrloc: UsrLoc
    services: Any
    log: logging.Logger
    aor: Callable[[Uri], str]

    def take_out(self, domain: str, text: str, goes: Test) -> bool:
        """Remove the contacts of an address-of-record that *goes* says yes to."""
        try:
            return self.take_out_of(domain, self.aor(Uri.parse(text)), goes)
        except (MalformedMessage, Refused, DatabaseError, OSError) as error:
            self.log.error("remove %s: %s", text, error)
            return False

    def take_out_of(self, domain: str, aor: str, goes: Test) -> bool:
        """The same for an address-of-record in its stored form."""
        def edit(record: Record) -> bool:
            for binding in [each for each in record.bindings if goes(each)]:
                record.delete(binding)
            return True
        return self.usrloc.change(self.usrloc.table(domain), aor, edit)

    @script(Route.REQUEST | Route.ONREPLY, name="remove", dialect="2.1", waits=True)
    def remove_old(self, run: Run, domain: Table_, aor: str, target: str = "") -> bool:
        """Remove the contacts of *aor*: all, the one with the URI *target*, or those at the host *target*."""
        if target.lower().startswith(("sip:", "sips:", "tel:")):
            return self.take_out(domain, aor, lambda each: same(each.contact, target))
        hosts = self.addresses(target)
        return self.take_out(domain, aor, lambda each: not target or self.is_behind(each, hosts))

    @script(Route.REQUEST | Route.ONREPLY, dialect="4.0", waits=True)
    def remove(self, run: Run, domain: Table_, aor: str, contact: str = "", next_hop: str = "",
               sip_instance: str = "", bflag: Annotated[int, Flag(scope="branch")] = -1) -> bool:
        """Remove the contacts of *aor* that fit everything given: URI, next hop, instance, branch flag."""
        hosts = self.addresses(next_hop)
        instance = sip_instance.strip('"')
        return self.take_out(domain, aor, lambda each: (
            (not contact or same(each.contact, contact)) and (not next_hop or self.is_behind(each, hosts))
            and (not instance or each.instance == instance) and (bflag < 0 or bool(each.cflags >> bflag & 1))))

    @script(Route.ANY, dialect="4.0", waits=True)
    def remove_ip_port(self, run: Run, ip: str, port: int, domain: Table_, aor: str = "") -> bool:
        """Remove all contacts whose next hop is this address and port, of *aor* alone if it is given."""
        def goes(binding: Binding) -> bool:
            host, own_port = next_hop(binding)
            return port == own_port and same_host(host, ip)

        if aor:
            return self.take_out(domain, aor, goes)
        table = self.usrloc.table(domain)
        found = [name for name, record in table.records() if any(map(goes, unpack(record)))]
        for name in found:
            self.take_out_of(domain, name, goes)
        return True

    def addresses(self, host: str) -> list[str]:
        """A host and, if it is a name, its addresses."""
        if not host or is_ip(host):
            return [host]
        targets = self.services.resolver.resolve(Uri(host=host))
        return [host, *(address_host(each.address) for each in targets)]

    def is_behind(self, binding: Binding, hosts: list[str]) -> bool:
        """Whether the next hop to a contact is one of *hosts*: its first Path, else where it registered from."""
        found = next_hop(binding)[0]
        return any(same_host(found, each) for each in hosts)


def next_hop(binding: Binding) -> tuple[str, int]:
    """Host and port of the next hop to a contact: its first Path, else where it registered from, else its own."""
    return place_of(NameAddr.parse(first_value(binding.path)).uri) if binding.path else place(binding)
