"""One connection to a host at a time, among all workers."""
from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from opensips_py.module import Services

PLACES = 256  # hosts share them by their hash


class Connecting:
    """Who is connecting where. A worker that dies gives way after *seconds*; *lifetime* is how long a connection that
    this worker has made counts."""

    def __init__(self, services: Services, seconds: int, lifetime: int) -> None:
        self.words = services.shared_words("rest_client connecting", PLACES)
        self.slots = services.slots
        self.seconds, self.lifetime = seconds, lifetime
        self.connected: dict[str, float] = {}

    @contextlib.contextmanager
    def to(self, host: str) -> Iterator[bool]:
        """Whether this worker may connect to *host* now; nobody else may inside the block."""
        now = time.time()
        if self.lifetime and now < self.connected.get(host, 0.0):
            yield True
            return
        place = self.slots.hash(host) % PLACES
        held = self.words.load(place)
        mine = round((now + self.seconds) * 1000)
        if held > now * 1000 or not self.words.cas(place, held, mine):
            yield False
            return
        try:
            yield True
            self.connected[host] = time.time() + self.lifetime
        finally:
            self.words.cas(place, mine, 0)
