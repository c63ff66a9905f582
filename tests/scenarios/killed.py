"""A server with bindings and calls whose processes are killed: what it still knows, and what it has accounted."""
from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from opensips_py.db import Database, Unavailable
from opensips_py.errors import MIError
from opensips_py.mi import client
from tests.db.databases import create
from tests.live import Server, options
from tests.scenarios.flows import until
from tests.scenarios.phone import Call, Message, Phone, calls_to
from tests.scenarios.registrations import Registrations, bindings
from tests.servers import DatabaseServer

CONFIG = pathlib.Path(__file__).parent / "killed.cfg"
GROUPS = 7  # values of the profile
BATCH = 50  # calls that begin together
BACK = 0.02  # seconds between two looks at whether the server is back


@dataclass(frozen=True)
class Heard:
    """A request that a phone got, and when."""

    call_id: str
    method: str
    cseq: str
    branch: str
    at: float


class Attendant:
    """Looks after a phone, for a with block: it answers every request by 200, unless it is *silent*, and remembers all
    that came in."""

    def __init__(self, phone: Phone, silent: bool = False) -> None:
        self.phone, self.silent = phone, silent
        self.requests: list[Heard] = []
        self.responses: dict[str, set[str]] = {}  # Call-IDs by status and method
        self._over = threading.Event()

    def __enter__(self) -> Attendant:
        self._thread = threading.Thread(target=self.attend, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)

    def attend(self) -> None:
        """Deal with what comes in."""
        while not self._over.is_set():
            self.phone.hear(0.02)
            heard, self.phone.heard = self.phone.heard, []
            for each in heard:
                self.deal(each)

    def deal(self, message: Message) -> None:
        """Deal with one message."""
        if message.status:
            self.responses.setdefault(message.kind, set()).add(message.call_id)
        elif message.method != "ACK":
            self.requests.append(Heard(message.call_id, message.method, message.get("CSeq"), message.all("Via")[0],
                                       time.time()))
            if not self.silent:
                self.phone.send(message.answer(200))

    def got(self, method: str) -> dict[str, list[Heard]]:
        """The requests of a method, by Call-ID."""
        found: dict[str, list[Heard]] = {}
        for each in list(self.requests):
            if each.method == method:
                found.setdefault(each.call_id, []).append(each)
        return found

    def answers(self, kind: str) -> set[str]:
        """The Call-IDs of responses such as `200 BYE`."""
        return set(self.responses.get(kind, ()))


class Drill:
    """A server on *url*, with two phones; everything that ends is noted in *over*."""

    def __init__(self, url: str, database: Database, *, workers: int = 2, short: int = 3, ping: int = 3600,
                 preset: str = "single-instance-no-db", dialogs: int = 0) -> None:
        self.callee, self.database, self.short = Phone(0), database, short
        self.server = Server(CONFIG, URL=url, WORKERS=workers, SHORT=short, PING=ping, PRESET=preset, DIALOGS=dialogs,
                             CALLEE=self.callee.port)
        self.caller = Phone(self.server.port)
        self.callee.server = self.caller.server
        self.calls: dict[str, Call] = {}
        self.answered: dict[str, float] = {}
        self.over: set[str] = set()
        self.serials = itertools.count(1)
        self.heard: tuple[list[Heard], list[Heard]] = ([], [])  # what either phone was asked so far
        self.registrations: Registrations | None = None

    def mi(self, command: str, *values: Any) -> Any:
        """The answer to a management command, once somebody takes it: the server may just be on its way."""
        folder, deadline = self.server.folder, time.monotonic() + 20
        while True:
            try:
                return client.ask(str(folder / "fifo"), command, list(values), str(folder))
            except (MIError, OSError):
                if time.monotonic() > deadline:
                    raise
                time.sleep(BACK)

    # What there is to be remembered

    def register(self, count: int) -> None:
        """That many bindings."""
        self.registrations = Registrations(self.server.port, 9, [f"user{number}" for number in range(count)])
        self.registrations.round()

    def establish(self, kind: str, count: int) -> list[Call]:
        """That many calls of a kind."""
        made: list[Call] = []
        for first in range(0, count, BATCH):
            users = [f"{kind}-{number % GROUPS}" for number in range(first, min(first + BATCH, count))]
            made += calls_to(self.caller, self.callee, users, answer=True)
            self.answered |= {each.id: time.time() for each in made[first:]}
        self.calls |= {each.id: each for each in made}
        return made

    # The end, and what comes after it

    def kill(self) -> None:
        """kill -9 of everything."""
        self.server.kill_all()

    def start(self, bindings: int = 0, calls: int = 0) -> float:
        """Start it again; the seconds until it serves, with so many bindings and calls."""
        self.server._wait = False
        began = time.monotonic()
        self.server.start()
        with Phone(self.server.port) as probe:
            until(lambda: self.serves(probe), 60)
        until(lambda: self.knows() == (bindings, calls), 60)
        return time.monotonic() - began

    def serves(self, probe: Phone) -> bool:
        """Whether an OPTIONS is answered."""
        probe.send(options(self.server.port, probe.port, next(self.serials)))
        probe.hear(BACK)
        return bool(probe.heard)

    def knows(self) -> tuple[int, int]:
        """How many bindings and calls the server has."""
        found = self.mi("get_statistics", ["location-contacts", "active_dialogs"])
        return int(found.get("usrloc:location-contacts", 0)), int(found["dialog:active_dialogs"])

    def kill_worker(self) -> int:
        """kill -9 of a worker; its number."""
        victim = random.choice(self.server.workers())
        os.kill(victim, signal.SIGKILL)
        return victim

    # Hanging up

    def hang_up(self, calls: Iterable[Call], kill_after: int | None = None, *, again: Any = None) -> None:
        """Both phones end calls, half each, and repeat what is not answered. Once *kill_after* of the BYEs have come
        through, the server is killed and started; *again* does something else in place of that."""
        byes = {}
        for number, each in enumerate(calls):
            own = number % 2 == 0
            byes[each.id] = (self.caller if own else self.callee,
                             self.caller.within(each, "BYE") if own else self.callee.back(each, "BYE", f"b{each.id}"))
        with self.attended() as (caller, callee):
            left, repeat = set(byes), 0.0
            while left:
                if kill_after is not None and len(caller.got("BYE")) + len(callee.got("BYE")) >= kill_after:
                    kill_after = None
                    (again or self.kill_and_start)()
                if time.monotonic() > repeat:
                    repeat = time.monotonic() + 0.5
                    for call_id in left:
                        phone, bye = byes[call_id]
                        phone.send(bye)
                time.sleep(0.002)
                left -= caller.answers("200 BYE") | callee.answers("200 BYE")
            for each in (caller, callee):
                for call_id, heard in each.got("BYE").items():
                    assert len({(one.cseq, one.branch) for one in heard}) == 1, (call_id, heard)
        self.over |= set(byes)

    def kill_and_start(self) -> None:
        """Kill everything and start it, without waiting for it."""
        self.kill()
        self.server._wait = False
        self.server.start()

    @contextlib.contextmanager
    def attended(self, silent: bool = False) -> Iterator[tuple[Attendant, Attendant]]:
        """Somebody at either phone."""
        with Attendant(self.caller, silent) as caller, Attendant(self.callee, silent) as callee:
            yield caller, callee
        for number, each in enumerate((caller, callee)):
            self.heard[number].extend(each.requests)

    def timeouts(self, calls: Iterable[Call], *, killed: bool = False) -> list[float]:
        """Wait for the BYEs of calls whose time is over, one to either side; how late they were. *killed*: nobody
        answers until half of them are there; then everything is killed and started, and they come as they were."""
        wanted = {each.id for each in calls}
        before: tuple[Attendant, ...] = ()
        if killed:
            with self.attended(silent=True) as before:
                until(lambda: all(2 * len(wanted & set(each.got("BYE"))) >= len(wanted) for each in before), 60)
                self.kill_and_start()
        with self.attended() as after:
            until(lambda: all(wanted <= set(each.got("BYE")) for each in after), 30)
            until(lambda: wanted.isdisjoint(self.listed()), 20)
        self.over |= wanted
        delays = []
        for number, each in enumerate(after):
            told = [some.got("BYE") for some in (*before[number:number + 1], each)]
            for call_id in wanted:
                heard = [one for some in told for one in some.get(call_id, ())]
                assert len({(one.cseq, one.branch) for one in heard}) == 1, heard
                delays.append(heard[0].at - self.answered[call_id] - self.short)
        return delays

    def without_database(self, calls: list[Call], database: DatabaseServer) -> None:
        """Calls end while the database is away; everything is killed then, and more calls end before it is back."""
        half = len(calls) // 2
        database.stop(hard=True)
        self.hang_up(calls[:half])
        until(lambda: self.mi("get_statistics", ["waiting_records"])["acc:waiting_records"] >= half, 20)
        self.kill()
        self.start(*self.expected())
        self.hang_up(calls[half:])
        database.start()

    def expected(self) -> tuple[int, int]:
        """How many bindings and calls there should be."""
        return len(self.registrations.users) if self.registrations else 0, len(self.calls) - len(self.over)

    # What is known, and what is accounted

    def listed(self) -> set[str]:
        """The Call-IDs of all calls that the server has."""
        return {each["callid"] for each in self.mi("dialog:list")["Dialogs"]}

    def sizes(self) -> dict[str, int]:
        """The sizes of the profile."""
        return {each["value"]: each["count"] for each in self.mi("dialog:profile_get_values", "group")}

    def check(self) -> None:
        """Whether everything is known that is not over, and what is over is accounted, once."""
        left = [each for call_id, each in self.calls.items() if call_id not in self.over]
        until(lambda: self.listed() == {each.id for each in left}, 20)
        assert self.sizes() == Counter(each.user.rpartition("-")[2] for each in left)
        if self.registrations is not None:
            known = bindings(self.server.port, self.registrations.users)
            assert known == self.registrations.acknowledged
        self.check_numbers()
        self.check_accounts()
        assert "Traceback" not in self.server.log, self.server.log[-4000:]

    def check_numbers(self) -> None:
        """Whether no CSeq number was given to two requests of a call, and its BYE has the highest."""
        for heard in self.heard:
            branches: dict[tuple[str, int], set[str]] = {}
            last: dict[str, tuple[int, str]] = {}
            for each in heard:
                number = int(each.cseq.split()[0])
                branches.setdefault((each.call_id, number), set()).add(each.branch)
                last[each.call_id] = max(last.get(each.call_id, (0, "")), (number, each.method))
            assert all(len(each) == 1 for each in branches.values()), branches
            ended = {each.call_id for each in heard if each.method == "BYE"}
            assert all(last[each][1] == "BYE" for each in ended), {each: last[each] for each in ended}

    def check_accounts(self) -> None:
        """Whether there is a CDR for each call that is over, and no other."""
        found: Counter[str] = Counter()

        def complete() -> bool:
            found.clear()
            with contextlib.suppress(Unavailable):
                found.update(row[0] for row in self.database.select("acc", ("callid",)))
            return len(found) >= len(self.over)
        with contextlib.suppress(AssertionError):
            until(complete, 40)
        missing, more = self.over - set(found), set(found) - self.over
        twice = {each for each, count in found.items() if count > 1}
        assert not missing and not more and not twice, (len(missing), len(more), len(twice), missing, more, twice)

    def lengths(self, calls: Iterable[Call]) -> set[int]:
        """The lengths of calls in milliseconds, as they are accounted."""
        wanted = {each.id for each in calls}
        return {exact for call_id, exact in self.database.select("acc", ("callid", "ms_duration")) if call_id in wanted}


@contextlib.contextmanager
def drill(url: str, **how: Any) -> Iterator[Drill]:
    """A drill on the database of *url*, with empty tables; the server runs."""
    database = create(url, "acc", "missed_calls", "location", "dialog")
    made = Drill(url, database, **how)
    try:
        with made.server:
            yield made
    finally:
        for phone in (made.caller, made.callee):
            phone.close()
        database.close()
