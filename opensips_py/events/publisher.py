"""Who hears of an event: the script's route of that name, and the subscribers."""
from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from opensips_py.errors import MIError
from opensips_py.module.masking import without_password
from opensips_py.restraint import Restraint

log = logging.getLogger(__name__)

NEVER = 0.0
BAD_SOCKET = 400

Values = Mapping[str, Any] | Sequence[Any]


class Carrier(Protocol):
    """One way for events to leave; a module registers it under the protocol that sockets begin with."""

    def check(self, address: str) -> str | None:
        """What is wrong with *address*, if anything is."""

    def send(self, address: str, event: str, values: Values) -> None:
        """Tell *event* to the subscriber at *address*; must not wait. OSError where it is clear at once that nobody
        hears it. A carrier that learns only later may have a method `deliver` as well, which also takes a function to
        call, with whether the subscriber has the event."""


@dataclass(slots=True)
class Subscription:
    """One subscriber of one event; *until* is wall clock, 0: for ever."""

    socket: str
    carrier: Carrier
    address: str
    expire: int
    until: float

    def row(self, now: float) -> dict[str, Any]:
        """As management lists it."""
        socket = without_password(self.socket)
        if not self.until:
            return {"socket": socket, "expire": "never"}
        return {"socket": socket, "expire": self.expire, "ttl": int(self.until - now)}


class Publisher:
    """The events of one process.

    *declared* lists the events of the loaded modules; others come into being when they are first raised or subscribed
    to by a script. *route* runs the event route of a name, if the script has one; *routed* says whether it has.
    *share* tells the other processes of a subscription that was made here alone.
    """

    def __init__(self, declared: Callable[[], Sequence[str]],
                 route: Callable[[str, Values], object] = lambda name, values: None,
                 clock: Callable[[], float] | None = None,
                 routed: Callable[[str], bool] = lambda name: False,
                 share: Callable[[str, str, int], object] = lambda event, socket, expire: None) -> None:
        self._share = share
        self._declared, self._route, self._clock, self._routed = declared, route, clock or time.time, routed
        self._complaints = Restraint(log, level=logging.ERROR)
        self._custom: list[str] = []
        self._carriers: dict[str, Carrier] = {}
        self.subscriptions: dict[str, list[Subscription]] = {}  # by event, of those that have any
        self._remembered: dict[tuple[str, str], float] = {}

    def names(self) -> list[str]:
        """All events by name: the modules', then the script's."""
        return list(dict.fromkeys([*self._declared(), *self._custom]))

    def declare(self, name: str) -> None:
        """Make *name* an event, as a script does by raising it."""
        if name not in self.names():
            self._custom.append(name)

    def register(self, protocol: str, carrier: Carrier) -> None:
        """Let *carrier* tell events to sockets that begin with ``protocol:``; a reload renews it."""
        self._carriers[protocol] = carrier
        for subscriptions in self.subscriptions.values():
            for each in subscriptions:
                if each.socket.startswith(f"{protocol}:"):
                    each.carrier = carrier

    def subscribe(self, event: str, socket: str, expire: int = 0) -> None:
        """Tell *event* to *socket* for *expire* seconds (0: for ever); renews a subscription that is there."""
        carrier, address = self.carrier(socket)
        trouble = carrier.check(address)
        if trouble:
            raise MIError(BAD_SOCKET, without_password(trouble))
        self.unsubscribe(event, socket)
        until = self._clock() + expire if expire else NEVER
        self.subscriptions.setdefault(event, []).append(Subscription(socket, carrier, address, expire, until))

    def subscribe_everywhere(self, event: str, socket: str, expire: int = 0) -> None:
        """Subscribe in all processes; refused where this one would refuse it."""
        self.subscribe(event, socket, expire)
        self._share(event, socket, expire)

    def follow(self, event: str, socket: str, expire: int) -> None:
        """Subscribe as another process has done."""
        try:
            self.subscribe(event, socket, expire)
        except MIError as error:
            log.error("event %s to %s: %s", event, without_password(socket), error)

    def carrier(self, socket: str) -> tuple[Carrier, str]:
        """Who tells events to *socket*, and the address that it is given."""
        protocol, _, address = socket.partition(":")
        carrier = self._carriers.get(protocol)
        if carrier is None:
            raise MIError(BAD_SOCKET, f"no loaded module tells events to {protocol!r} sockets")
        return carrier, address

    def unsubscribe(self, event: str, socket: str) -> None:
        """Tell *event* no longer to *socket*."""
        self._keep(event, [each for each in self.subscriptions.get(event, ()) if each.socket != socket])

    def remember(self, event: str, socket: str, expire: int) -> None:
        """Note a subscription that was made in the workers, for a worker that starts later."""
        self._remembered[event, socket] = self._clock() + expire if expire else NEVER

    def forget(self, event: str, socket: str) -> None:
        """A subscription that was noted is over."""
        self._remembered.pop((event, socket), None)

    def remembered(self) -> list[tuple[str, str, int]]:
        """The subscriptions noted, with the seconds that they still have."""
        now = self._clock()
        return [(event, socket, max(1, round(until - now)) if until else 0)
                for (event, socket), until in self._remembered.items() if not until or until > now]

    def subscribers(self) -> dict[str, list[dict[str, Any]]]:
        """The subscriptions by event, as management lists them; the script's route is one that never ends."""
        now = self._clock()
        routed = [event for event in self.names() if self._routed(event)]
        found: dict[str, list[dict[str, Any]]] = {
            event: [each.row(now) for each in self._current(event, now)] if self.is_subscribed(event) else []
            for event in dict.fromkeys([*self.subscriptions, *routed])}
        for event in routed:
            found[event].append({"socket": f"route:{event}", "expire": "never"})
        return found

    def is_heard(self, event: str) -> bool:
        """Whether anybody is subscribed to *event*, or the script has a route for it."""
        return self.is_subscribed(event) or self._routed(event)

    def is_subscribed(self, event: str) -> bool:
        """Whether anybody is subscribed to *event*: what may change while one generation of the script works."""
        return event in self.subscriptions

    def raise_event(self, event: str, values: Values) -> None:
        """Run the script's route for *event* and tell its subscribers; one that fails does not keep the others."""
        self._route(event, values)
        if not self.is_subscribed(event):
            return
        for subscription in self._current(event, self._clock()):
            try:
                subscription.carrier.send(subscription.address, event, values)
            except OSError as error:
                self._complaints.say("event %s to %s: %s", event, without_password(subscription.socket), error)
            except Exception:
                log.exception("event %s to %s", event, without_password(subscription.socket))

    def _current(self, event: str, now: float) -> list[Subscription]:
        kept = [each for each in self.subscriptions[event] if not each.until or each.until > now]
        self._keep(event, kept)
        return kept

    def _keep(self, event: str, subscriptions: list[Subscription]) -> None:
        if subscriptions:
            self.subscriptions[event] = subscriptions
        else:
            self.subscriptions.pop(event, None)
