"""A thousand reloads under calls: none fails, and memory stays flat.

    python -m loadtest.reloads [--reloads 1000] [--rate 50]

Two workers pass SIPp's calls while the configuration is changed and reloaded again and again: the script each time,
parameters, a module and listeners every few times; now and then a broken one, which has to be refused. After a tenth,
a half and all of the reloads, when the calls have ended, the memory of each process is read. Ends with 1 where a call
failed, a reload did not come through, a generation that is over was kept, or memory grew after the first tenth.
"""
from __future__ import annotations

import argparse
import contextlib
import pathlib
import signal
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from opensips_py.errors import MIError
from tests.live import HOST, Server, Sipp, ask, free_ports, options
from tests.scenarios.flows import LENIENT, bound, mi, serve, until

MARKS = (0.1, 0.5, 1.0)  # of all reloads: when memory is read
FLAT = 0.05  # of the resident memory at the first mark: how much it may grow until the last
BLOCKS = 100  # of Python's allocator that a reload may leave behind, in a worker
ANSWER = 'sl_send_reply(200, "OK");'
PER_CALL = 1.0  # blocks that a call may leave behind


@dataclass(slots=True)
class Part:
    """What the reloads up to one mark came to: of the workers the highest numbers."""

    reloads: int
    seconds: float
    failed: int
    calls: int
    resident: int
    blocks: int
    generations: int
    garbage: int  # blocks that only a search for cycles has freed
    took: list[float]  # seconds of each reload
    processes: list[str]  # their memory, a line for each

    def lines(self) -> Iterator[str]:
        """What to print of it."""
        yield (f"{self.reloads} reloads: {self.calls} calls, {self.failed} failed; {self.seconds:.0f} s, a reload "
               f"{statistics.median(self.took):.2f} s in the middle, {max(self.took):.2f} s at most; in a worker "
               f"{self.blocks} blocks, {self.garbage} of garbage, {self.generations} generations")
        yield from self.processes


class Reloads:
    """Changes the configuration of *server*, and has it reloaded."""

    def __init__(self, server: Server) -> None:
        self.server, self.text, self.number = server, server.config.read_text(), 0
        self.port = free_ports()[0]
        self.took: list[float] = []

    def once(self) -> None:
        """One more reload; AssertionError where it does not come through as it should."""
        self.number += 1
        number, text = self.number, self.text.replace(ANSWER, f'sl_send_reply(200, "OK {self.number}");')
        assert text != self.text
        if number % 10 == 3:
            text = f"log_level=2\n{text}" if "log_level=2" not in text else text
        if number % 10 in (4, 5, 6):
            text = text.replace('loadmodule "rr.so"', 'loadmodule "rr.so"\nloadmodule "cfgutils.so"')
        if number % 10 in (5, 6, 7):
            text = text.replace("\nsocket=udp:[::1]", f"\nsocket=udp:{HOST}:{self.port}\nsocket=udp:[::1]")
        if number % 10 == 9:
            self.refused(text.replace("t_relay();", "t_rellay();"))
        self.server.config.write_text(text)
        began = time.monotonic()
        told = mi(self.server, "reload")["changes"]
        self.took.append(time.monotonic() - began)
        assert "route is changed" in told, told
        word = f"SIP/2.0 200 OK {number}".encode()
        for port in [self.server.port] + [self.port] * (number % 10 in (5, 6, 7)):
            answer = probe(port, number)
            assert answer.startswith(word), answer

    def refused(self, text: str) -> None:
        """A configuration that is wrong changes nothing."""
        self.server.config.write_text(text)
        try:
            mi(self.server, "reload")
        except MIError as error:
            assert "t_rellay" in error.message, error
            return
        raise AssertionError("a broken configuration was taken over")


def probe(port: int, number: int) -> bytes:
    """The answer to an OPTIONS."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((HOST, 0))
        return ask(port, options(port, own.getsockname()[1], number), own=own)


@contextlib.contextmanager
def calls(server: Server, rate: int, folder: pathlib.Path, seconds: int) -> Iterator[tuple[Sipp, Sipp]]:
    """SIPp on both sides, as long as the block runs."""
    target, own = free_ports(2)
    answering = Sipp("answer.xml", target, *LENIENT, calls=rate * seconds, folder=folder, timeout=seconds)
    until(lambda: bound(target), 30)
    calling = Sipp("call.xml", own, *LENIENT, "-d", "500", target=server.port, calls=rate * seconds, rate=rate,
                   folder=folder, timeout=seconds, keys={"user": f"to-{target}"})
    try:
        yield calling, answering
    finally:
        for each in (calling, answering):
            each.stop()


def part(reloads: Reloads, count: int, rate: int, folder: pathlib.Path) -> Part:
    """Reload *count* times under calls, and look at the workers when those are over."""
    server, began, reloads.took = reloads.server, time.monotonic(), []
    with calls(server, rate, folder, 24 * 3600) as (calling, answering):
        until(lambda: calling.counts().get("done"), 30)
        for _ in range(count):
            reloads.once()
        ended = time.monotonic() - began
        calling.process.send_signal(signal.SIGUSR1)  # SIPp begins no further call and ends when the last one has
        calling.process.wait(60)
        counts = calling.counts()
        answering.stop()
    until(lambda: mi(server, "get_statistics", ["inuse_transactions"]) == {"tm:inuse_transactions": 0}, 60)
    seen: list[dict[str, Any]] = mi(server, "probe_memory")
    highest = {name: max(each[name] for each in seen) for name in ("resident", "blocks", "generations", "garbage")}
    return Part(reloads.number, ended, counts["failed"], counts["done"], took=reloads.took,
                processes=list(memory(server)), **highest)


def memory(server: Server) -> Iterator[str]:
    """The memory of each process of *server*."""
    for row in [*mi(server, "ps")["Processes"]]:
        text = pathlib.Path(f"/proc/{row['PID']}/smaps_rollup").read_text()
        kib = {words[0].rstrip(":"): int(words[1]) for line in text.splitlines()[1:] if (words := line.split())}
        status = pathlib.Path(f"/proc/{row['PID']}/status").read_text()
        threads = status.partition("Threads:")[2].split()[0]
        files = len(list(pathlib.Path(f"/proc/{row['PID']}/fd").iterdir()))
        yield (f"  {row['Type']:<14} {kib['Rss'] / 1024:8.2f} MiB resident, {kib['Pss'] / 1024:8.2f} its share, "
               f"{kib['Private_Dirty'] / 1024:8.2f} its own; {threads} threads, {files} files")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reloads", type=int, default=1000, help="in all (default 1000)")
    parser.add_argument("--rate", type=int, default=50, help="calls a second meanwhile (default 50)")
    args = parser.parse_args(arguments)
    seen: list[Part] = []
    with serve(2, FR=10) as server, tempfile.TemporaryDirectory(prefix="reloads-") as folder:
        reloads = Reloads(server)
        for mark in MARKS:
            last = part(reloads, round(args.reloads * mark) - reloads.number, args.rate, pathlib.Path(folder))
            seen.append(last)
            print("\n".join(last.lines()), flush=True)
        if "Traceback" in server.log:
            print(server.log[-4000:], file=sys.stderr)
            return 1
    return verdict(seen)


def verdict(seen: list[Part]) -> int:
    """The exit status: 1 where a call failed or memory grew."""
    first, last = seen[0], seen[-1]
    grown, blocks = last.resident - first.resident, last.blocks - first.blocks
    allowed = BLOCKS * (last.reloads - first.reloads) + PER_CALL * sum(each.calls for each in seen[1:])
    print(f"since the first mark: {grown / 2**20:.2f} MiB and {blocks} blocks more in a worker")
    return int(any(each.failed or each.generations > 2 for each in seen) or grown > FLAT * first.resident
               or blocks > allowed)


if __name__ == "__main__":
    sys.exit(main())
