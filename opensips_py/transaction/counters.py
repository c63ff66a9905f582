"""What the layer counts."""
from __future__ import annotations

from typing import Protocol


class Counter(Protocol):
    """Something to count with: a statistic, or a number of this process."""

    def add(self, n: int = 1, /) -> None:
        """Count *n* more."""


class Count:
    """A number of this process alone."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def add(self, n: int = 1, /) -> None:
        """Count *n* more."""
        self.value += n


class Counters:
    """The counters of a layer; the tm module puts its statistics in their place."""

    __slots__ = ("finals", "in_use", "local", "received", "relayed", "response_retransmissions", "retransmissions",
                 "server", "silent", "unanswered", "user_agent")

    def __init__(self) -> None:
        self.received: Counter = Count()  # responses
        self.relayed: Counter = Count()
        self.local: Counter = Count()
        self.server: Counter = Count()  # transactions opened by received requests
        self.user_agent: Counter = Count()  # ... and by requests of our own
        self.finals: tuple[Counter, ...] = tuple(Count() for _ in range(5))  # 2xx to 6xx
        self.in_use: Counter = Count()
        self.retransmissions: tuple[Counter, ...] = tuple(Count() for _ in range(4))  # of requests: first ... later
        self.response_retransmissions: Counter = Count()
        self.silent: Counter = Count()  # branches that heard nothing at all
        self.unanswered: Counter = Count()  # INVITE branches without a final response
