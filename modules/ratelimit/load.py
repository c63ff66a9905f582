"""What the machine has to do: the load of its processors, and the bytes that wait in our sockets, for all workers."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.modules.ratelimit.algorithms import Gains
from opensips_py.modules.ratelimit.pipes import number, word
from opensips_py.state import Words

if TYPE_CHECKING:
    from opensips_py.module.services import Services

LOAD, BEGUN, INTEGRAL, PROPORTIONAL, DERIVATIVE, WAITING = range(6)  # words; of the last there is one per worker
STATISTICS = "net:waiting_udp", "net:waiting_tcp", "net:waiting_tls"
IDLE, IO_WAIT = 3, 4  # columns of /proc/stat in which a processor does nothing (proc(5))


class Load:
    """The load, as one process measures and reads it."""

    def __init__(self, services: Services, path: str = "/proc/stat") -> None:
        self.services, self.path = services, path
        self.words: Words = services.shared_words("ratelimit load", WAITING + services.workers)
        self.before = 0, 0
        if self.words.cas(BEGUN, 0, 1):
            self.set_gains(Gains())

    @property
    def gains(self) -> Gains:
        """The gains of the controller."""
        return Gains(*(number(self.words.load(place)) for place in (INTEGRAL, PROPORTIONAL, DERIVATIVE)))

    def set_gains(self, gains: Gains) -> None:
        """Change the gains, in all processes."""
        for place, value in ((INTEGRAL, gains.integral), (PROPORTIONAL, gains.proportional),
                             (DERIVATIVE, gains.derivative)):
            self.words.store(place, word(value))

    @property
    def processors(self) -> float:
        """How busy the processors were in the last interval, 0 to 1."""
        return number(self.words.load(LOAD))

    @property
    def waiting(self) -> int:
        """Bytes that waited in the sockets of all workers when the last interval began."""
        return sum(self.words.load(WAITING + worker) for worker in range(self.services.workers))

    def measure(self) -> None:
        """Look again: each worker at its sockets, the first one at the processors."""
        known = [self.services.statistics.get(name) for name in STATISTICS]
        index = max(self.services.index, 0)
        self.words.store(WAITING + index, sum(each.value for each in known if each is not None))
        if index == 0:
            before, self.before = self.before, self.times()
            busy, total = (now - then for now, then in zip(self.before, before, strict=True))
            if before[1] and total > 0:
                self.words.store(LOAD, word(busy / total))

    def times(self) -> tuple[int, int]:
        """How long the processors have been busy, and how long there have been any, in ticks."""
        with open(self.path, encoding="ascii") as file:
            columns = [int(each) for each in file.readline().split()[1:9]]
        total = sum(columns)
        return total - columns[IDLE] - columns[IO_WAIT], total
