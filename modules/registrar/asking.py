"""Questions about who is registered, and from where."""
from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.db import DatabaseError
from opensips_py.errors import MalformedMessage
from opensips_py.module import Route, Run, TableOf, Variable, VariableKind, script
from opensips_py.modules.registrar.parameters import Parameters
from opensips_py.modules.registrar.registration import Refused
from opensips_py.modules.registrar.telling import told
from opensips_py.sip import Uri, address_key, is_ip
from opensips_py.state._bindings import Binding
from opensips_py.state.matching import parsed, same

if TYPE_CHECKING:
    from collections.abc import Callable

    from opensips_py.modules.usrloc import UsrLoc

Table_ = Annotated[str, TableOf("usrloc")]
ROUTES = Route.REQUEST | Route.FAILURE | Route.BRANCH | Route.ONREPLY | Route.LOCAL


class Asking(Parameters):
    """Functions that change nothing."""

    usrloc: UsrLoc
    dialect: Any
    log: logging.Logger
    aor: Callable[[Uri], str]
    hand_out: Callable[..., None]

    def asked(self, run: Run, domain: str, aor: str, by_request_uri: bool = False) -> list[Binding]:
        """The contacts of *aor*, or of the user that the request itself means."""
        message = run.message
        try:
            if aor:
                uri = Uri.parse(aor)
            elif not message.is_request:
                self.log.error("in a reply route an address-of-record must be given")
                return []
            elif by_request_uri:
                uri = message.parsed_uri
            else:
                uri = message.to.parsed_uri if message.method == "REGISTER" else message.from_.parsed_uri
            return told(run, self.usrloc.table(domain), self.aor(uri))
        except (MalformedMessage, Refused, DatabaseError, OSError) as error:
            self.log.error("is %s registered: %s", aor or "the user of the request", error)
            return []

    @script(ROUTES, dialect="2.1")
    def registered(self, run: Run, domain: Table_, aor: str = "", callid: str = "") -> bool:
        """Whether the Request-URI, or *aor*, has a contact, with *callid* one that was registered by that Call-ID."""
        bindings = self.asked(run, domain, aor, by_request_uri=True)
        found = [each for each in bindings if not callid or each.call_id == callid]
        if found and self.attr_avp is not None:
            self.hand_out(run, run.message, found[:1], [], 1)
        return bool(found)

    @script(ROUTES, dialect="4.0")
    def is_registered(self, run: Run, domain: Table_, aor: str = "") -> bool:
        """Whether *aor* has a contact; without it the user in To of a REGISTER, in From of any other request."""
        found = self.asked(run, domain, aor)
        if found and self.attr_avp is not None and run.request is not None:
            self.hand_out(run, run.request, found[:1], [], 1)
        return bool(found)

    @script(ROUTES, dialect="4.0")
    def is_contact_registered(self, run: Run, domain: Table_, aor: str = "", contact: str = "",
                              callid: str = "") -> bool:
        """Whether *aor* has that contact, or one registered by that Call-ID; without either, those of the request."""
        bindings = self.asked(run, domain, aor)
        if not contact and not callid:
            named = run.message.contacts
            return any(same(each.contact, other.uri) for each in bindings for other in named)
        return any((not contact or same(each.contact, contact)) and (not callid or each.call_id == callid)
                   for each in bindings)

    @script(ROUTES, dialect="4.0")
    def is_ip_registered(self, run: Run, domain: Table_, aor: str = "", ip: Variable | None = None,
                         port: Variable | None = None) -> bool:
        """Whether *aor* has a contact at one of the addresses in *ip*, at the port that *port* has for it."""
        if ip is None:
            raise ValueError("is_ip_registered needs a variable with addresses")
        wanted = [str(each) for each in values(run, ip)]
        ports = values(run, port) if port is not None else []
        bindings = self.asked(run, domain, aor)
        for number, host in enumerate(wanted):
            asked = int(ports[number]) if number < len(ports) else None
            if any(is_at(each, host, asked) for each in bindings):
                return True
        return False

    @script(Route.REQUEST, dialect="2.1")
    def is_other_contact(self, run: Run, domain: Table_, ips: Annotated[Variable, VariableKind(("avp",))]) -> bool:
        """Whether the user in To has a contact at another address than those in *ips*."""
        uri = run.message.to.uri
        allowed = [str(each) for each in values(run, ips)]
        return any(not any(is_at(each, host, None) for host in allowed) for each in self.asked(run, domain, uri))


def values(run: Run, variable: Variable) -> list[int | str]:
    """All values of an AVP, or the one of another variable."""
    spec = variable.spec
    if spec.type == "avp" and spec.name is not None and spec.name in run.avps:
        return list(run.avps[spec.name])
    value = variable.get()
    return [] if value is None else [value]


def place(binding: Binding) -> tuple[str, int]:
    """Host and port of a contact: those it registered from, else its own."""
    return place_of(binding.received or binding.contact)


def place_of(text: str) -> tuple[str, int]:
    """Host and port of a URI."""
    uri = parsed(text)
    return ("", 0) if uri is None else (uri.host.strip("[]"), uri.port or (5061 if uri.scheme == "sips" else 5060))


def is_at(binding: Binding, host: str, port: int | None) -> bool:
    """Whether a contact is at this address; without a port, at any."""
    found, found_port = place(binding)
    return same_host(found, host) and port in (None, found_port)


def same_host(one: str, other: str) -> bool:
    """Whether two hosts are the same text or address."""
    one, other = one.strip("[]").lower(), other.strip("[]").lower()
    if one == other:
        return True
    return ":" in one and is_ip(one) and is_ip(other) and address_key(one, 0) == address_key(other, 0)
