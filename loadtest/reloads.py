"""A thousand reloads under calls: none fails, and memory stays flat.

    python -m loadtest.reloads [--reloads 1000] [--rate 50]

Two workers pass SIPp's calls while the configuration is changed and reloaded again and again: the script each time,
parameters, a module and listeners every few times; now and then a broken one, which has to be refused. The workers'
memory is read after each fifth, when all calls have ended. Ends with 1 where a call failed, a reload did not come
through, or the later fifths made memory grow.
"""
from __future__ import annotations

import argparse
import contextlib
import pathlib
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from opensips_py.errors import MIError
from tests.live import HOST, Server, Sipp, ask, free_ports, options
from tests.scenarios.flows import LENIENT, bound, mi, serve, until

PARTS = 5
FLAT = 0.05  # of the resident memory after the first part: how much it may grow in all others
BLOCKS = 100  # of Python's allocator that a reload may leave behind, in a worker
ANSWER = 'sl_send_reply(200, "OK");'
PER_CALL = 1.0  # blocks that a call may leave behind


@dataclass(slots=True)
class Part:
    """What one fifth came to: of the workers the highest numbers."""

    reloads: int
    seconds: float
    failed: int
    calls: int
    resident: int
    blocks: int


class Reloads:
    """Changes the configuration of *server*, and has it reloaded."""

    def __init__(self, server: Server) -> None:
        self.server, self.text, self.number = server, server.config.read_text(), 0
        self.port = free_ports()[0]

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
        told = mi(self.server, "reload")["changes"]
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
    server, began = reloads.server, time.monotonic()
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
    return Part(reloads.number, ended, counts["failed"], counts["done"], max(each["resident"] for each in seen),
                max(each["blocks"] for each in seen))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reloads", type=int, default=1000, help="in all (default 1000)")
    parser.add_argument("--rate", type=int, default=50, help="calls a second meanwhile (default 50)")
    args = parser.parse_args(arguments)
    seen: list[Part] = []
    with serve(2, FR=10) as server, tempfile.TemporaryDirectory(prefix="reloads-") as folder:
        reloads = Reloads(server)
        print(f"{'reloads':>8} {'seconds':>8} {'calls':>8} {'failed':>7} {'resident MiB':>13} {'blocks':>8}")
        for _ in range(PARTS):
            last = part(reloads, args.reloads // PARTS, args.rate, pathlib.Path(folder))
            seen.append(last)
            print(f"{last.reloads:>8} {last.seconds:>8.0f} {last.calls:>8} {last.failed:>7} "
                  f"{last.resident / 2**20:>13.2f} {last.blocks:>8}", flush=True)
        if "Traceback" in server.log:
            print(server.log[-4000:], file=sys.stderr)
            return 1
    return verdict(seen)


def verdict(seen: list[Part]) -> int:
    """The exit status: 1 where a call failed or memory grew."""
    first, last = seen[0], seen[-1]
    grown, blocks = last.resident - first.resident, last.blocks - first.blocks
    allowed = BLOCKS * (last.reloads - first.reloads) + PER_CALL * sum(each.calls for each in seen[1:])
    print(f"since the first part: {grown / 2**20:.2f} MiB and {blocks} blocks more in a worker")
    return int(any(each.failed for each in seen) or (grown > FLAT * first.resident and blocks > allowed)
               or blocks > allowed)


if __name__ == "__main__":
    sys.exit(main())
