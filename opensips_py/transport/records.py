"""The cache of DNS answers, negative ones included."""
from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gevent.event import Event

from opensips_py.sip import is_ip
from opensips_py.transport.name_servers import Answer, NameServers, read_hosts

LONGEST = 86400.0  # seconds that an answer is kept, whatever its TTL
LONGEST_NEGATIVE = 300.0


class Records:
    """DNS answers, each asked for once until its time is over; those who want the same meanwhile wait together.

    *lookup* of names may wait. *slow* is called with (name, type, seconds) for queries longer than *threshold*.
    """

    def __init__(self, name_servers: NameServers, clock: Callable[[], float] = time.monotonic,
                 hosts: str = "/etc/hosts", limit: int = 10000) -> None:
        self.name_servers = name_servers
        self.clock = clock
        self.limit = limit
        self.threshold = 0.0  # seconds; 0: no query is slow
        self.slow: Callable[[str, str, float], object] = lambda name, kind, seconds: None
        self.used: Callable[[str, str, list[Any], bool], object] | None = None  # told each answer, and if it was known
        self.queries = 0
        self.hits = 0
        self._answers: dict[tuple[str, str], tuple[float, Answer]] = {}
        self._asking: dict[tuple[str, str], Event] = {}
        self._hosts_path = Path(hosts)
        self._hosts: dict[str, list[str]] = {}
        self._hosts_read = -1.0

    def __len__(self) -> int:
        return len(self._answers)

    def lookup(self, name: str, kind: str) -> Answer:
        """The records of *kind* ("A", "SRV" ...) for *name*."""
        key = name.lower().rstrip("."), kind
        while True:
            known = self._answers.get(key)
            if known is not None and known[0] > self.clock():
                self.hits += 1
                if self.used is not None:
                    self.used(*key, known[1].records, True)
                return known[1]
            asking = self._asking.get(key)
            if asking is None:
                answer = self._ask(key)
                if self.used is not None:
                    self.used(*key, answer.records, False)
                return answer
            asking.wait()

    def search(self, name: str, kind: str) -> Answer:
        """As lookup, for a name that the search list of resolv.conf may complete."""
        answer = Answer()
        for candidate in self.name_servers.candidates(name):
            answer = self.lookup(candidate, kind)
            if answer.records:
                break
        return answer

    def _ask(self, key: tuple[str, str]) -> Answer:
        done = self._asking[key] = Event()
        started = self.clock()
        try:
            self.queries += 1
            answer = self.name_servers.ask(*key)
            self.put(key, answer)
        finally:
            del self._asking[key]
            done.set()
        took = self.clock() - started
        if self.threshold and took > self.threshold:
            self.slow(*key, took)
        return answer

    def put(self, key: tuple[str, str], answer: Answer) -> None:
        """Keep *answer* for as long as it says."""
        if len(self._answers) >= self.limit:
            self._make_room()
        # At least a moment: who waited for this very answer must find it, even where its TTL is 0.
        longest = LONGEST if answer.records else LONGEST_NEGATIVE
        self._answers[key] = self.clock() + min(max(answer.ttl, 0.1), longest), answer

    def _make_room(self) -> None:
        now = self.clock()
        self._answers = {key: kept for key, kept in self._answers.items() if kept[0] > now}
        for key in list(self._answers)[:len(self._answers) - self.limit + 1 + self.limit // 10]:
            del self._answers[key]

    def forget(self) -> None:
        """Drop every answer."""
        self._answers.clear()

    # hosts(5)

    def in_hosts(self, name: str) -> list[str]:
        """The addresses that the hosts file has for *name*; the file is read again when it changes."""
        try:
            changed = self._hosts_path.stat().st_mtime
            if changed != self._hosts_read:
                self._hosts = read_hosts(self._hosts_path.read_text(errors="replace").splitlines())
                self._hosts_read = changed
        except OSError:
            self._hosts = {}
        return [address for address in self._hosts.get(name.lower().rstrip("."), ()) if is_ip(address)]
