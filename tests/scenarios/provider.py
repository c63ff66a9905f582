"""cfg/provider.cfg with a database, an rtpengine, and calls of SIPp; and whether its CDRs are what SIPp saw."""
from __future__ import annotations

import contextlib
import pathlib
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from typer.testing import CliRunner

from opensips_py.cli import app
from opensips_py.db import Database, Unavailable, moment
from opensips_py.sip.digest import ha1
from tests.db.databases import opened
from tests.live import HOST, ROOT, Server, Sipp, free_ports
from tests.modules.rtpengine.engines import Daemon
from tests.scenarios.flows import until

DOMAIN, PASSWORD = HOST, "secret"
OWN = "ALTER TABLE {} ADD COLUMN caller VARCHAR(64), ADD COLUMN callee VARCHAR(64)"
TABLES = ("acc", "missed_calls", "subscriber", "domain", "location", "dialog")
LIMIT, BURST = 4, 6  # calls that one may have at a time, and those that a greedy one tries
GREEDY, BUSY, CANCELLED, UNANSWERED, HEARD = 0.06, 0.04, 0.08, 0.06, 0.3  # shares of all calls; the others hang up
PACKETS = 50  # of RTP in a second
COLUMNS = ("callid", "method", "sip_code", "duration", "ms_duration", "setuptime", "time", "created", "caller",
           "callee")
Instant = float


def config(url: str, engine: int, ring: int = 60, workers: int = 2) -> str:
    """cfg/provider.cfg with another line for the database, on other ports, and phones that ring shorter."""
    text = pathlib.Path(ROOT, "cfg", "provider.cfg").read_text()
    [line] = re.findall("^db_default_url=.*$", text, re.M)
    for old, new in ((line, f'db_default_url="{url}"'), (":5060", ":@PORT@"), (f"{HOST}:2223", f"{HOST}:{engine}"),
                     ("/tmp/opensips_py_fifo", "@RUN@/fifo"), ("udp_workers=4", f"udp_workers={workers}"),
                     ('"fr_inv_timeout", 60', f'"fr_inv_timeout", {ring}')):
        assert old in text, old
        text = text.replace(old, new)
    return text.replace('/fifo")\n', '/fifo")\nmodparam("mi_fifo", "reply_dir", "@RUN@/")\n')


@dataclass
class Seen:
    """What SIPp saw of calls, by Call-ID: when they were answered and when they ended, or that they were not."""

    answered: dict[str, Instant] = field(default_factory=dict)
    ended: dict[str, Instant] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    missed: set[str] = field(default_factory=set)
    failed: int = 0

    def read(self, text: str) -> None:
        """Take in the log of one SIPp."""
        for word, call_id, seconds, microseconds in re.findall(r"^(\w+) (\S+) ([\d.]+) ([\d.]+)$", text, re.M):
            at = float(seconds) + float(microseconds) / 1e6
            if word in ("refused", "missed"):
                getattr(self, word).add(call_id)
            else:
                getattr(self, word).setdefault(call_id, at)


@dataclass
class Caller:
    """Calls that one SIPp makes."""

    scenario: str
    lines: list[str] = field(default_factory=list)

    def add(self, user: str, callee: str, milliseconds: int = 0) -> None:
        """One call."""
        self.lines.append(f"{user};[authentication username={user} password={PASSWORD}];{callee};{milliseconds};")


class Provider:
    """A provider that runs; *calls* of which *rate* begin in a second."""

    phones = {"talk": "provider_answer.xml", "hang": "provider_answer_hangup.xml", "ring": "provider_ring.xml",
              "busy": "provider_busy.xml"}

    def __init__(self, server: Server, engine: Daemon, database: Database, users: int, folder: pathlib.Path) -> None:
        self.server, self.engine, self.database, self.users, self.folder = server, engine, database, users, folder
        self.seen = Seen()
        (folder / "media.pcmu").write_bytes(bytes(range(256)) * 32)

    def mix(self, calls: int, milliseconds: tuple[int, int]) -> list[Caller]:
        """Calls of each kind, which last from so many milliseconds to so many."""
        shortest, longest = milliseconds
        talking, heard, giving_up, waiting = (Caller(f"provider_{each}.xml") for each in (
            "call", "call_heard", "cancel", "unanswered"))
        for number in range(round(calls * GREEDY / BURST)):
            for _ in range(BURST):
                talking.add(f"greedy{number}", "talk", longest * 2)
        for number in range(round(calls * BUSY)):
            talking.add(f"user{number % self.users}", "busy")
        for number in range(round(calls * CANCELLED)):
            giving_up.add(f"user{number % self.users}", "ring", shortest)
        for number in range(round(calls * UNANSWERED)):
            waiting.add(f"user{number % self.users}", "ring")
        for number in range(round(calls * HEARD)):
            heard.add(f"user{number % self.users}", "hang")
        left = calls - sum(len(each.lines) for each in (talking, heard, giving_up, waiting))
        for number in range(left):
            talking.add(f"user{number % self.users}", "talk", shortest + (longest - shortest) * number // left)
        return [talking, heard, giving_up, waiting]

    def play(self, calls: int, rate: int, milliseconds: tuple[int, int], seconds: int = 60) -> None:
        """Make calls, and wait for the end of all."""
        with self.answering(sum(milliseconds) // 2):
            callers = self.mix(calls, milliseconds)
            running = [self.sipp(each.scenario, free_ports()[0], "-trace_logs", "-log_file", f"{number}.log",
                                 "-rp", "10000", target=self.server.port, calls=len(each.lines), timeout=seconds,
                                 rate=max(1, 10 * rate * len(each.lines) // calls),
                                 fields="\n".join(["SEQUENTIAL", *each.lines, ""]))
                       for number, each in enumerate(callers)]
            try:
                for number, each in enumerate(running):
                    self.seen.failed += each.finish()["failed"]
                    self.seen.read((self.folder / f"{number}.log").read_text())
            finally:
                for each in running:
                    each.stop()

    @contextlib.contextmanager
    def answering(self, milliseconds: int) -> Iterator[None]:
        """Phones that are registered, for the block; those that hang up do so after so many milliseconds."""
        ports = dict(zip(self.phones, free_ports(len(self.phones)), strict=True))
        for name, port in ports.items():  # from where they will be called, or their NAT would let nobody in
            self.sipp("provider_register.xml", port, target=self.server.port, fields="\n".join([
                "SEQUENTIAL", f"{name};[authentication username={name} password={PASSWORD}];", ""])).finish()
        running = [self.sipp(self.phones[name], port, "-d", str(milliseconds), calls=1 << 30, timeout=3600)
                   for name, port in ports.items()]
        try:
            yield
        except AssertionError as error:
            words = [each.errors.read_text(errors="replace")[:3000] for each in running if each.errors.exists()]
            raise AssertionError("\n".join([str(error), *words, self.server.log[-3000:]])) from None
        finally:
            for each in running:
                each.stop()

    def sipp(self, scenario: str, port: int, *arguments: str, **how: Any) -> Sipp:
        """A SIPp of ours."""
        return Sipp(scenario, port, *arguments, folder=self.folder, **how)

    # What came of it

    def rows(self, table: str, count: int, columns: tuple[str, ...] = COLUMNS) -> list[tuple[Any, ...]]:
        """The rows of a table, once there are *count*, or no more come."""
        found: list[tuple[Any, ...]] = []

        def enough() -> bool:
            with contextlib.suppress(Unavailable):
                found[:] = self.database.select(table, columns)
            return len(found) >= count
        with contextlib.suppress(AssertionError):
            until(enough, 20)
        return found

    def complaints(self, drift: float = 1.0) -> list[str]:
        """What is wrong with the rows; times may differ from SIPp's by *drift* seconds."""
        seen, found = self.seen, []
        answered = self.rows("acc", len(seen.answered))
        missed = self.rows("missed_calls", len(seen.missed), ("callid", "sip_code"))
        busy = {call_id for call_id in seen.refused if call_id in {row[0] for row in missed}}
        found += compared("acc", Counter(row[0] for row in answered), seen.answered)
        found += compared("missed_calls", Counter(row[0] for row in missed), seen.missed | busy)
        for row in answered:
            if row[0] in seen.answered and (wrong := self.wrong(row, drift)):
                found.append(f"{row}: {wrong}")
        return found

    def wrong(self, row: tuple[Any, ...], drift: float) -> str:
        """What is wrong with a CDR; empty: nothing."""
        call_id, method, code, seconds, exact, setup, at, created, caller, callee = row
        lasted = self.seen.ended[call_id] - self.seen.answered[call_id]
        if (method, code) != ("INVITE", "200") or not caller or not callee:
            return "another call"
        if seconds != -(-exact // 1000):
            return f"{seconds} s are not {exact} ms"
        if setup != moment(at) - moment(created):
            return "the setup time is another one"
        if abs(exact / 1000 - lasted) > drift:
            return f"lasted {lasted:.3f} s"
        return "" if abs(moment(at) - self.seen.answered[call_id]) < 1 + drift else "answered at another time"

    def media(self) -> dict[str, int]:
        """How many packets of RTP were relayed, by Call-ID."""
        return {call_id: int(packets) for call_id, packets in re.findall(
            r"(\S+): sip:\S+ called \S+, .*?RTP: \d+ bytes, (\d+) packets", self.server.log)}


def compared(table: str, rows: Counter[str], calls: Any) -> list[str]:
    """What is wrong with the Call-IDs in a table."""
    wrong = [f"{table}: {call_id} is there {count} times" for call_id, count in rows.items() if count > 1]
    wrong += [f"{table}: {call_id} is missing" for call_id in calls if call_id not in rows]
    return wrong + [f"{table}: {call_id} should not be there" for call_id in rows if call_id not in calls]


def fill(database: Database, users: int, greedy: int) -> None:
    """Subscribers in a database."""
    for table in ("acc", "missed_calls"):
        for column in ("caller", "callee"):
            database.query(f"ALTER TABLE {table} ADD COLUMN {column} VARCHAR(64)")
    names = [*Provider.phones, *(f"user{number}" for number in range(users)),
             *(f"greedy{number}" for number in range(greedy))]
    database.insert("domain", {"domain": DOMAIN})
    database.insert_many("subscriber", ("username", "domain", "ha1"),
                         [(name, DOMAIN, ha1(name, DOMAIN, PASSWORD)) for name in names])


@contextlib.contextmanager
def provider(url: str, calls: int, users: int, *, ring: int = 60, workers: int = 2) -> Iterator[Provider]:
    """A provider on the database of *url*, which is empty, for *calls* calls of *users* users."""
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="provider-")))
        engine = stack.enter_context(Daemon(folder, "--port-min=40000", "--port-max=49999"))
        server = Server(config(url, engine.port, ring, workers), folder=folder)
        made = CliRunner().invoke(app, ["db", "create", "-f", str(server.config)])
        assert made.exit_code == 0, made.output
        database = opened(url)
        stack.callback(database.close)
        fill(database, users, round(calls * GREEDY / BURST))
        yield Provider(stack.enter_context(server), engine, database, users, folder)
