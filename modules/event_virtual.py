"""Several subscribers as one: all of them, the first one that hears, or one after the other."""
from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from opensips_py.errors import MIError
from opensips_py.module import Between, Module, param, process_state
from opensips_py.module.masking import without_password
from opensips_py.restraint import Restraint

PARALLEL, FAILOVER, ROUND_ROBIN = "PARALLEL", "FAILOVER", "ROUND-ROBIN"
POLICIES = PARALLEL, FAILOVER, ROUND_ROBIN
PROTOCOL = "virtual"


class Turns:
    """Whose turn it is, by virtual socket, and until when failed subscribers are left alone; of this process."""

    def __init__(self) -> None:
        self.next: dict[str, int] = {}
        self.failed: dict[str, float] = {}


class VirtualCarrier:
    """Sockets ``virtual:POLICY subscriber subscriber …``."""

    def __init__(self, module: EventVirtual) -> None:
        self.module = module

    def check(self, address: str) -> str | None:
        """What is wrong with a policy or one of the subscribers."""
        policy, *sockets = address.split() or [""]
        if policy not in POLICIES:
            return f"{policy or 'nothing'} is no policy: {', '.join(POLICIES)} are"
        if not sockets:
            return "a virtual socket has subscribers"
        for socket in sockets:
            try:
                carrier, inner = self.module.services.events.carrier(socket)
            except MIError as error:
                return error.message
            trouble = "a virtual socket has no virtual ones" if carrier is self else carrier.check(inner)
            if trouble:
                return str(trouble)
        return None

    def send(self, address: str, event: str, values: Any) -> None:
        """Tell the event as the policy says."""
        policy, *sockets = address.split()
        if policy == FAILOVER:
            self.module.first(sockets, event, values)
        elif policy == PARALLEL:
            for socket in sockets:
                self.module.tell(socket, event, values)
        else:
            turns = self.module.turns.next
            turns[address] = (turns.get(address, -1) + 1) % len(sockets)
            self.module.tell(sockets[turns[address]], event, values)


class EventVirtual(Module, name="event_virtual"):
    """Tell an event to several subscribers that are one to the rest of the server: `virtual:POLICY socket socket …`.
    The policy is PARALLEL (all of them), ROUND-ROBIN (one after the other, an event each, in every worker) or FAILOVER:
    the first one that takes the event; one that does not is left out for a while. Sockets that learn only later that
    nobody has the event, as those of event_rabbitmq, pass it on then."""

    failover_timeout: Annotated[int, Between(0, 1 << 30)] = param(
        30, "Seconds for which FAILOVER leaves a failed subscriber out.")
    turns: Turns = process_state(Turns)

    def start(self) -> None:
        """Take subscriptions from now on."""
        self.complaints = Restraint(self.log, level=logging.ERROR)
        self.services.events.register(PROTOCOL, VirtualCarrier(self))

    def tell(self, socket: str, event: str, values: Any) -> None:
        """Tell one subscriber; that it fails is its own matter."""
        try:
            carrier, address = self.services.events.carrier(socket)
            carrier.send(address, event, values)
        except (OSError, MIError) as error:
            self.complaints.say("event %s to %s: %s", event, without_password(socket), error)

    def first(self, sockets: list[str], event: str, values: Any) -> None:
        """Tell the first of *sockets* that takes the event; OSError where none does."""
        now = time.monotonic()
        for number, socket in enumerate(sockets):
            if self.turns.failed.get(socket, 0.0) > now:
                continue
            rest = partial(self.outcome, socket, sockets[number + 1:], event, values)
            try:
                self.deliver(socket, event, values, rest)
            except (OSError, MIError) as error:
                self.failed(socket, event, error)
            else:
                return
        raise OSError(f"none of {len(sockets)} subscribers takes it")

    def deliver(self, socket: str, event: str, values: Any, done: Callable[[bool], None]) -> None:
        """Tell one subscriber; *done* hears of the outcome where the carrier tells it."""
        carrier, address = self.services.events.carrier(socket)
        deliver = getattr(carrier, "deliver", None)
        if deliver is not None:
            deliver(address, event, values, done)
        else:
            carrier.send(address, event, values)

    def outcome(self, socket: str, rest: list[str], event: str, values: Any, arrived: bool) -> None:
        """A subscriber has the event, or it is the turn of the *rest*."""
        if arrived:
            return
        self.failed(socket, event, "it did not arrive")
        try:
            self.first(rest, event, values)
        except OSError as error:
            self.complaints.say("event %s: %s", event, error)

    def failed(self, socket: str, event: str, why: object) -> None:
        """Leave a subscriber out for a while."""
        self.complaints.say("event %s to %s: %s", event, without_password(socket), why)
        if self.failover_timeout:
            self.turns.failed[socket] = time.monotonic() + self.failover_timeout
