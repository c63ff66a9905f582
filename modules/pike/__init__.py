"""Tell floods from calls: how much each source sends, and which of them sends too much."""
from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.errors import MalformedMessage
from opensips_py.mi.tree import Node, rendered
from opensips_py.module import (
    Between,
    Event,
    MIError,
    Module,
    Route,
    RouteName,
    Run,
    hookimpl,
    mi,
    param,
    process_state,
    script,
    timer,
)
from opensips_py.modules.pike.sources import MOST, Checked, Limit, Sources
from opensips_py.restraint import Restraint
from opensips_py.sip import address_host, address_key

if TYPE_CHECKING:
    from opensips_py.sip import Message, Request

LEVELS = {-3: 60, -2: logging.CRITICAL, -1: logging.ERROR, 0: logging.WARNING, 1: logging.WARNING, 2: 25,
          3: logging.INFO, 4: logging.DEBUG}
WATCHED = 1 << 14  # blocked sources whose end a process reports
NOT_FOUND, BAD = 404, 400


class E_PIKE_BLOCKED(Event):
    """A source has just gone over the limit."""

    ip: str


def rows(data: Any) -> list[Node]:
    """2.1's lines of addresses."""
    return [Node("", ip) for ip in data["IPs"]]


class Pike(Module, name="pike", events=[E_PIKE_BLOCKED], provides=("status:pike",)):
    """Find the addresses that send too much, over IPv4 and IPv6 alike, so that the script does not have to serve them.
    All workers count together, in memory whose size a flood does not change: 32,768 sources are known at a time.

    The script asks pike_check_req() about requests; with *check_route*, everything that comes in is counted and a
    flood never gets as far as the script. Exactly reqs_density_per_unit messages of an address pass in each unit of
    time; once one more has come, the address stays blocked until a whole unit has passed with no more than that."""

    sampling_time_unit: Annotated[int, Between(1, 86400)] = param(2, "Seconds of a unit of time.")
    reqs_density_per_unit: Annotated[int, Between(1, MOST - 1)] = param(
        30, "Messages of an address that pass in a unit of time.")
    remove_latency: Annotated[int, Between(1, 1_000_000)] = param(
        120, "Seconds for which an address is remembered after its last message; at least one more than a unit.")
    check_route: Annotated[str, RouteName(Route.REQUEST)] = param(
        "", "A route that runs for everything that comes in, requests and responses, before anything else is done with "
            "it: where it ends with drop, the message is not counted. What is over the limit is dropped by itself.")
    pike_log_level: Annotated[int, Between(-3, 4)] = param(
        1, "Level at which addresses are logged when they become blocked and when they are no longer, -3 (alert) to 4 "
           "(debug).")
    blocked: dict[int, str] = process_state(dict)  # what this process has seen to become blocked

    def start(self) -> None:
        """Find the table."""
        unit = self.sampling_time_unit
        memory = -(-max(self.remove_latency, unit + 1) // unit)
        hashed = self.services.slots.hash
        self.sources = Sources(self.services.shared_words("pike", Sources.size()),
                               Limit(unit, self.reqs_density_per_unit, memory), lambda data: hashed("pike", data))
        self.reports = Restraint(self.log, level=LEVELS[self.pike_log_level])

    @script(Route.REQUEST)
    def pike_check_req(self, request: Request) -> Checked:
        """Count the request for the address that it came from: 1 where it passes, -2 where the address has become
        blocked by it, -1 where it was blocked before."""
        return self.check(request)

    @mi("pike_list", v40="pike:list")
    @rendered(rows)
    def list_sources(self) -> dict[str, list[Any]]:
        """The addresses that are remembered; in 4.0 also what is known of each: messages in this unit of time and in
        the one before, whether it is blocked, and for how many seconds it has been silent."""
        found = [{"ip": address_host(each.pop("address") << 16), **each} for each in self.sources.rows()]
        return {"IPs": [each["ip"] for each in found], "Sources": found}

    @mi(None, v40="pike:rm")
    def remove(self, ip: str) -> None:
        """Forget the address *ip*, and let it in again."""
        try:
            address = address_key(ip, 0) >> 16
        except ValueError:
            raise MIError(BAD, f"{ip} is no IP address") from None
        if not self.sources.remove(address):
            raise MIError(NOT_FOUND, f"{ip} is not known")

    @hookimpl
    def message_refused(self, message: Message) -> bool:
        """Whether a message is dropped for its sender sends too much; only with a check_route."""
        return bool(self.check_route) and self.is_watched(message) and self.check(message) < 0

    def is_watched(self, message: Message) -> bool:
        """Whether the script wants *message* to be counted."""
        # Not as a request route: before a request has been matched, nothing may make a transaction of it.
        run = Run(self.services, self.services.generation, Route.EVENT, message)
        route = self.services.generation.route(Route.REQUEST, self.check_route)
        try:
            route(run)
        except MalformedMessage:
            return True
        finally:
            run.finish()
        return not run.dropped

    def check(self, message: Message) -> Checked:
        """Count a message, and tell of its source when that becomes blocked by it."""
        address = message.source >> 16
        found = self.sources.count(address)
        if found is Checked.DETECTED:
            self.tell(address, message.source_host)
        return found

    def tell(self, address: int, host: str) -> None:
        """A source has become blocked."""
        self.reports.say("%s is blocked: more than %d messages in %d s", host, self.reqs_density_per_unit,
                         self.sampling_time_unit)
        self.services.reports.report(self.name, "main", f"IP {host} detected as flooding")
        if len(self.blocked) < WATCHED:
            self.blocked[address] = host
        self.raise_event(E_PIKE_BLOCKED(host))

    @timer("sampling_time_unit")
    def look_again(self) -> None:
        """Report the sources that are blocked no longer."""
        for address, host in list(self.blocked.items()):
            if not self.sources.is_blocked(address):
                del self.blocked[address]
                self.reports.say("%s is blocked no longer", host)
