"""Pings that keep the way to registered contacts through their NATs open.

The slots of this worker are gone through once an interval, a few at a time: so each contact is pinged once an interval,
by the worker that its address-of-record belongs to, and never many at once. Intervals are those of the clock of the
machine: a process that takes over goes on where the one before was.
"""
from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import gevent

from opensips_py.errors import MalformedMessage, TransportError
from opensips_py.module import hookimpl, timer
from opensips_py.modules.nathelper.watching import Watching
from opensips_py.sip import NameAddr, Response, Uri, build_request
from opensips_py.state._bindings import Binding, unpack

if TYPE_CHECKING:
    from opensips_py.modules.nathelper.spoofing import Spoofed
    from opensips_py.modules.usrloc.table import Table

EMPTY = bytes(4)  # what a ping that is no SIP consists of
STEPS_A_SECOND = 2
CATCH_UP = 0.1  # of an interval, before we begin, whose pings are sent at once: nobody may have been there
MOST_STEPS = 1024  # there are no more slots
AT_ONCE = 50  # pings that are sent before other work gets its turn
MARK = "ping-"  # begins what the Call-IDs of our pings say when they are opened


class Pings:
    """What outlives a reload: where in the interval we are, and the contacts whose answer is awaited."""

    def __init__(self) -> None:
        self.step = 0
        self.began: float | None = None
        self.interval = 0
        self.serials = itertools.count(time.time_ns())
        self.awaited: dict[int, Any] = {}


class Pinging(Watching):
    """The timer that pings, and what a ping is made of."""

    usrloc: Any
    services: Any
    dialect: Any
    log: Any
    pings: Pings
    natping_interval: int
    natping_tcp: bool
    ping_nated_only: bool
    sipping_from: str
    sipping_method: str
    sipping_bflag: int
    remove_on_timeout_bflag: int
    sipping_latency_flag: int
    force_socket: str
    spoofed: Spoofed | None
    step_seconds: float
    enabled: Any

    @timer("step_seconds")
    def ping(self) -> None:
        """Ping the contacts whose turn it is."""
        pings, now = self.pings, self.services.timers.now
        if pings.began is None or pings.interval != self.natping_interval:
            pings.began, pings.interval = now - time.time() % self.natping_interval, self.natping_interval
            pings.step = int((now - pings.began - CATCH_UP * pings.interval) / self.step_seconds)
        due = int((now - pings.began) / self.step_seconds + 0.001)
        pings.step = max(pings.step, due - self.steps)  # after a long stop nobody is pinged twice
        while pings.step < due and not self.__dict__.get("stopped"):
            pings.step += 1
            if self.is_enabled:
                self.ping_slots(pings.step % self.steps)
        if due % self.steps == 0:
            self.forget_old()

    @property
    def steps(self) -> int:
        """How many parts an interval has."""
        return min(MOST_STEPS, self.natping_interval * STEPS_A_SECOND)

    @property
    def is_enabled(self) -> bool:
        """Whether an operator has not turned pings off."""
        return bool(self.enabled.load(0) == 0)

    def ping_slots(self, step: int) -> None:
        """Ping the contacts in those of our slots that belong to *step* of the interval."""
        slots = self.services.slots.owned_by(self.services.index)[step::self.steps]
        sent = 0
        for table in self.usrloc.tables():
            now = table.clock()
            for aor, record in table.records(slots):
                for binding in unpack(record):
                    if binding.expires and binding.expires <= now:
                        continue
                    if self.ping_binding(table, aor, binding):
                        sent += 1
                        if sent % AT_ONCE == 0:
                            gevent.sleep(0)

    def ping_binding(self, table: Table, aor: str, binding: Binding) -> bool:
        """Ping one contact, if it wants that; whether it did."""
        nated = self.usrloc.nat_bflag
        if self.ping_nated_only and not (nated >= 0 and binding.cflags >> nated & 1):
            return False
        try:
            hop = Uri.parse(hop_of(binding))
        except MalformedMessage:
            return False
        target = self.services.resolver.literal(hop, self.listener(binding))
        if target is None:
            self.services.spawn(self.ping_name, table, aor, binding, hop)  # the DNS makes nobody wait
        else:
            self.ping_target(table, aor, binding, target)
        return True

    def ping_name(self, table: Table, aor: str, binding: Binding, hop: Uri) -> None:
        """Ping a contact whose next hop is given by name."""
        targets = self.services.resolver.resolve(hop, self.listener(binding))
        if targets:
            self.ping_target(table, aor, binding, targets[0])

    def ping_target(self, table: Table, aor: str, binding: Binding, target: Any) -> None:
        """Send the ping that a contact gets at *target*."""
        if target.listener is None:
            return
        datagrams = target.protocol == "udp"
        if not datagrams and not self.natping_tcp:
            return
        wanted = self.sipping_bflag >= 0 and binding.cflags >> self.sipping_bflag & 1
        if self.sipping_from and (wanted or not datagrams):
            self.send_request(table, aor, binding, target)
        elif datagrams and self.spoofed is not None and self.spoofed.can_reach(target.address):
            self.spoofed.send(target.address, EMPTY)
        elif datagrams:
            self.send(target, EMPTY)

    def send_request(self, table: Table, aor: str, binding: Binding, target: Any) -> None:
        """Send a SIP request, once: whoever does not answer is asked again after the interval."""
        target.may_connect = False  # nobody can be called behind NAT, a connection is kept or lost
        slot, slots = table.slot(aor), self.services.slots
        serial = next(self.pings.serials)
        call_id = slots.seal(slot, f"{MARK}{binding.id:x}-{serial:x}")
        tag = f"{serial:x}"
        branch = slots.via_branch(tag, call_id, tag, 1, 0, slot)  # the response comes to this worker by its slot
        contact = bare(binding.contact)
        data = build_request(
            self.sipping_method, contact, via=target.listener.via_prefix + branch.encode() + b"\r\n",
            from_=f"<{self.sipping_from}>;tag={tag}", to=f"<{contact}>", call_id=call_id, cseq=1,
            headers=f"Route: {binding.path}\r\n".encode("utf-8", "surrogateescape") if binding.path else b"")
        self.watch(table, aor, binding, serial)
        self.send(target, data)

    def send(self, target: Any, data: bytes) -> None:
        """Send *data*; what cannot be sent is a ping without an answer."""
        try:
            self.services.transports.send(target, data)
        except TransportError as error:
            self.log.debug("ping to %s: %s", target, error)

    def listener(self, binding: Binding) -> Any:
        """The listener to ping a contact from: the one that it registered at, else force_socket."""
        named = binding.socket or self.force_socket
        return next((each for each in self.services.transports.listeners if named in (each.uri_text, each.name,
                    each.uri_text.partition(":")[2])), None) if named else None

    @hookimpl
    def response_received(self, response: Response) -> bool | None:
        """Take the answers to our pings, and all other responses as they come."""
        if response.cseq_method != self.sipping_method:
            return None
        opened = self.services.slots.unseal(response.call_id)
        if opened is None or not opened[1].startswith(MARK):
            return None
        identifier, _, serial = opened[1].removeprefix(MARK).partition("-")
        self.answered(int(identifier, 16), int(serial, 16), response.status)
        return True


def hop_of(binding: Binding) -> str:
    """The URI of the next hop to a contact: its Path, the address that it registered from, or itself."""
    if binding.path:
        start = binding.path.find("<")
        first = binding.path[start:binding.path.find(">", start) + 1] if start >= 0 else binding.path
        return NameAddr.parse(first).uri
    return binding.received or binding.contact


def bare(contact: str) -> str:
    """A contact as a Request-URI: RFC 3261, 19.1.1 allows no headers there."""
    return contact if "?" not in contact else str(Uri.parse(contact).replace(headers=""))
