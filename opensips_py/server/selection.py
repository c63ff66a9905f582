"""Which calls are traced: what an operator asks for, and whether a message fits."""
from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opensips_py.errors import MalformedMessage

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(slots=True)
class Selector:
    """Picks calls by their messages; all that is given must fit. *until* and *calls* bound what it picks."""

    name: str
    call_id: str = ""
    user: str = ""
    ip: str = ""
    method: str = ""
    until: float = 0.0  # wall clock; 0: until it is taken away
    calls: int = 0  # that it may still pick in this worker
    level: int | None = None  # the log level of what these calls run
    records: bool = True
    picked: int = 0
    network: Network | None = None

    def __post_init__(self) -> None:
        if self.ip:
            self.network = ipaddress.ip_network(self.ip, strict=False)

    @property
    def is_over(self) -> bool:
        """Whether its time has passed."""
        return bool(self.until) and time.time() >= self.until

    def fits(self, message: Any) -> bool:
        """Whether *message* is one of a call that it picks."""
        if self.calls <= 0 or self.is_over:
            return False
        if self.call_id and message.call_id != self.call_id:
            return False
        if self.method and message.method != self.method:
            return False
        if self.network is not None and ipaddress.ip_address(message.source_host.strip("[]")) not in self.network:
            return False
        return not self.user or self.user in users_of(message)

    def row(self) -> dict[str, Any]:
        """What it asks for, in one row."""
        given: dict[str, Any] = {each: getattr(self, each) for each in ("call_id", "user", "ip", "method")
                                 if getattr(self, each)}
        if self.level is not None:
            given["level"] = self.level
        if self.until:
            given["seconds_left"] = max(0, round(self.until - time.time()))
        return {"name": self.name, **given, "records": self.records, "picked": self.picked, "calls_left": self.calls}


def users_of(message: Any) -> set[str]:
    """The users that a message names: in From, in To, and in the Request-URI."""
    found: set[str] = set()
    uris: list[Callable[[], Any]] = [lambda: message.from_.parsed_uri, lambda: message.to.parsed_uri]
    if message.is_request:
        uris.append(lambda: message.parsed_uri)
    for uri in uris:
        try:
            found.add(uri().user)
        except (MalformedMessage, AttributeError):
            continue
    return found
