"""lookup: from an address-of-record to where its user can be reached."""
from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.db import DatabaseError
from opensips_py.errors import MalformedMessage
from opensips_py.module import ReturnCode, Route, Run, TableOf, script
from opensips_py.modules.registrar import gruu
from opensips_py.modules.registrar.flags import LookupFlags, LookupFlagsKind
from opensips_py.modules.registrar.methods import takes
from opensips_py.modules.registrar.parameters import Parameters
from opensips_py.modules.registrar.registration import Refused
from opensips_py.modules.registrar.saving import first_value
from opensips_py.modules.registrar.telling import told
from opensips_py.sip import BranchTarget, NameAddr, Request, Uri
from opensips_py.state._bindings import Binding

if TYPE_CHECKING:
    from collections.abc import Callable

    from opensips_py.modules.usrloc import UsrLoc
    from opensips_py.modules.usrloc.table import Table

NONE = LookupFlags()


class Found(ReturnCode):
    """Contacts were found; there are none; none of them takes this method; the look-up went wrong."""

    FOUND, NOT_FOUND, NO_METHOD, ERROR = 1, -1, -2, -3


class Finding(Parameters):
    """The function lookup, and what it is made of."""

    usrloc: UsrLoc
    services: Any
    dialect: Any
    log: logging.Logger
    aor: Callable[[Uri], str]

    @script(Route.REQUEST | Route.FAILURE | Route.ONREPLY)
    def lookup(self, run: Run, domain: Annotated[str, TableOf("usrloc")],
               flags: Annotated[LookupFlags, LookupFlagsKind()] = NONE, aor: str = "") -> Found:
        """Put the contacts of the Request-URI, or of *aor*, in its place: the best there, the others as branches."""
        request: Request = run.request
        table = self.usrloc.table(domain)
        try:
            uri = Uri.parse(aor) if aor else request.parsed_uri
            bindings, code = self.bindings_of(run, table, uri, request.method, flags)
            if flags.branch:
                further = self.bindings_of_branches(run, table, request, flags)
                if bindings or further:
                    self.put(run, request, bindings + further, flags, keep_uri=not bindings)
                    return Found.FOUND
                return code
        except (MalformedMessage, Refused, DatabaseError, OSError) as error:
            self.log.error("lookup of %s: %s", aor or request.uri, error)
            return Found.ERROR
        if bindings:
            self.put(run, request, bindings, flags)
        return code

    def bindings_of(self, run: Run, table: Table, uri: Uri, method: str,
                    flags: LookupFlags) -> tuple[list[Binding], Found]:
        """The contacts of *uri* that will do, the best one first."""
        if self.disable_gruu or uri.parameter("gr") is None:
            bindings = told(run, table, self.aor(uri))
        else:
            said = gruu.read(uri, self.gruu_secret)
            if said is None:
                return [], Found.NOT_FOUND
            bindings = told(run, table, said.aor or self.aor(uri))
            bindings = [each for each in bindings if each.instance.strip("<>") == said.instance
                        and said.call_id in (None, each.call_id)][:1]
        if not bindings:
            return [], Found.NOT_FOUND
        if flags.methods:
            bindings = [each for each in bindings if takes(each.methods, method)]
            if not bindings:
                return [], Found.NO_METHOD
        if flags.pattern is not None:
            bindings = [each for each in bindings if flags.pattern.matches(each.user_agent)]
        if flags.max_latency:
            bindings = [each for each in bindings if each.latency <= flags.max_latency]
        if flags.by_latency:
            bindings.sort(key=lambda each: each.latency)
        bindings = one_flow_each(bindings)
        return bindings, Found.FOUND if bindings else Found.NOT_FOUND

    def bindings_of_branches(self, run: Run, table: Table, request: Request, flags: LookupFlags) -> list[Binding]:
        """The contacts of the addresses-of-record that stand in the branches, which go."""
        branches, request.branches = request.branches or [], None
        found: list[Binding] = []
        for branch in branches:
            found += self.bindings_of(run, table, Uri.parse(branch.uri), request.method, flags)[0]
        return found

    def put(self, run: Run, request: Request, bindings: list[Binding], flags: LookupFlags,
            keep_uri: bool = False) -> None:
        """Send the request where *bindings* say."""
        first, rest = bindings[:0], bindings
        if not keep_uri and not flags.branches_only:
            first, rest = bindings[:1], [] if flags.no_branches else bindings[1:]
            self.put_first(request, bindings[0])
        first_number = len(request.branches or ()) + 1
        if rest:
            request.branches = [*(request.branches or []), *map(self.branch, rest)]
        if self.attr_avp is not None:
            self.hand_out(run, request, first, rest, first_number)

    def put_first(self, request: Request, binding: Binding) -> None:
        """Let the Request-URI be this contact."""
        request.uri = as_request_uri(binding.contact)
        request.destination, request.path = self.next_hop(binding)
        request.send_socket = self.listener(binding.socket)
        request.branch_flags = binding.cflags
        request.q = binding.q

    def branch(self, binding: Binding) -> BranchTarget:
        """This contact as a further branch."""
        destination, path = self.next_hop(binding)
        return BranchTarget(as_request_uri(binding.contact), destination, path, self.listener(binding.socket),
                            binding.cflags, binding.q, binding.instance or None)

    def next_hop(self, binding: Binding) -> tuple[str | None, str | None]:
        """Destination URI and Route values for a contact: its Path, else the address that it registered from."""
        if binding.path:
            return NameAddr.parse(first_value(binding.path)).uri, binding.path
        return binding.received or None, None

    def listener(self, socket: str) -> Any:
        """The listener that a contact registered through; None where we have it no more."""
        return self.services.transports.listener_named(socket) if socket else None

    def hand_out(self, run: Run, request: Request, first: list[Binding], rest: list[Binding], number: int) -> None:
        """Give the script the texts kept with the contacts: in an AVP by branch in 2.1, as branch attributes in 4.0."""
        spec = self.attr_avp
        assert spec is not None
        if self.dialect == "2.1" and spec.type == "avp" and spec.name is not None:
            run.avps[spec.name] = [each.attr for each in first + rest]
            return
        name = spec.name or spec.text
        for each in first:
            if request.context is None:
                request.context = {}
            request.context.setdefault("branch attributes", {})[name] = each.attr
        for binding, branch in zip(rest, (request.branches or [])[number - 1:], strict=False):
            branch.attributes = {**(branch.attributes or {}), name: binding.attr}


def one_flow_each(bindings: list[Binding]) -> list[Binding]:
    """RFC 5626, 7: of several flows to one instance the newest alone is tried."""
    if not any(each.reg_id for each in bindings):
        return bindings
    newest: dict[str, Binding] = {}
    for each in bindings:
        other = newest.get(each.instance)
        if each.reg_id and (other is None or each.modified > other.modified):
            newest[each.instance] = each
    return [each for each in bindings if not each.reg_id or newest[each.instance] is each]


def as_request_uri(contact: str) -> str:
    """A contact as a Request-URI: RFC 3261, 19.1.1 allows no headers there."""
    return contact if "?" not in contact else str(Uri.parse(contact).replace(headers=""))
