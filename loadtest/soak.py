"""A hundred thousand calls through one worker: memory stays flat, and no garbage is left to collect.

    python -m loadtest.soak [--calls 100000] [--rate 400]

After each fifth of the calls, when their transactions are over, a full collection is forced and the worker's memory is
read. Ends with 1 where a call failed, where there was garbage, or where the later fifths made the memory grow: the
blocks of Python's allocator tell of leaks exactly, the resident bytes keep the highest load. SIPp plays both sides.
"""
from __future__ import annotations

import argparse
import pathlib
import sys
import tempfile

from tests.live import Server, Sipp, free_ports
from tests.scenarios.flows import LENIENT, bound, mi, serve, until

PARTS = 5
FLAT = 0.05  # of the resident memory after the first part: how much it may grow in all others
BLOCKS = 0.01  # that a call may leave behind


def part(server: Server, calls: int, rate: int, folder: pathlib.Path) -> dict[str, int]:
    """Play *calls* calls and look into the worker when the last transaction is over."""
    target, own = free_ports(2)
    seconds = calls // rate + 60
    answering = Sipp("answer.xml", target, *LENIENT, calls=calls, folder=folder, timeout=seconds)
    until(lambda: bound(target), 30)
    calling = Sipp("call.xml", own, *LENIENT, "-d", "0", target=server.port, calls=calls, rate=rate, folder=folder,
                   timeout=seconds, keys={"user": f"to-{target}"})
    try:
        counts = calling.finish()
    finally:
        answering.stop()
        calling.stop()
    until(lambda: mi(server, "get_statistics", ["inuse_transactions"]) == {"tm:inuse_transactions": 0}, 60)
    [seen] = mi(server, "probe_memory")
    return {**counts, **seen}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=100_000, help="in all (default 100000)")
    parser.add_argument("--rate", type=int, default=400, help="calls a second (default 400)")
    args = parser.parse_args()
    seen = []
    with serve(1, FR=10) as server, tempfile.TemporaryDirectory(prefix="soak-") as folder:
        print(f"{'calls':>8} {'failed':>7} {'resident MiB':>13} {'blocks':>8} {'collected':>10}")
        for number in range(1, PARTS + 1):
            seen.append(part(server, args.calls // PARTS, args.rate, pathlib.Path(folder)))
            last = seen[-1]
            print(f"{number * args.calls // PARTS:>8} {last['failed']:>7} {last['resident'] / 2**20:>13.2f} "
                  f"{last['blocks']:>8} {last['collected'] - seen[0]['collected']:>10}", flush=True)
        if "Traceback" in server.log:
            print(server.log[-4000:], file=sys.stderr)
            return 1
    first, last = seen[0], seen[-1]
    grown, blocks = last["resident"] - first["resident"], last["blocks"] - first["blocks"]
    garbage, failed = last["collected"] - first["collected"], sum(each["failed"] for each in seen)
    print(f"since the first part: {grown / 2**20:.2f} MiB and {blocks} blocks more, {garbage} objects collected")
    return int(failed > 0 or garbage > 0 or grown > FLAT * first["resident"] or blocks > BLOCKS * args.calls)


if __name__ == "__main__":
    sys.exit(main())
