"""`kill -9` with 10,000 bindings and 2,000 calls: what is still known, how soon, and what is accounted.

    python -m loadtest.killed [--bindings 10000] [--calls 2000] [--db postgres | mysql | sqlite] [--stored]

Everything is killed while nothing goes on, while times are over, in bursts of BYEs, and while the database is away;
single workers are killed in bursts of BYEs. Ends with an error where a binding, a call, a BYE or a CDR is missing or
there twice, where a time is over late, or where the server is not back with everything in two seconds, or so much
longer as the machine is busy with other things. With --stored bindings and calls are written to the database as well.
"""
from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
import tempfile
import time

from tests.scenarios.killed import Drill, drill
from tests.servers import DatabaseServer, mariadb, postgres

WORKERS, SOON = 2, 2.0  # seconds until everything is back
PING = 5  # seconds between two pings to a side
SHORT = 25  # seconds of a call whose time is over soon
LATE = 1.0  # seconds that this may come late
ROUNDS = 5  # bursts of BYEs in which everything is killed, and in which a worker is


def noted(what: str) -> None:
    """Tell what was done."""
    print(f"{time.strftime('%H:%M:%S')}  {what}", flush=True)


def play(made: Drill, count: int, calls: int, server: DatabaseServer | None) -> float:
    """The whole of it; the seconds until everything was back."""
    some = calls // 20
    began = time.monotonic()
    made.register(count)
    long = made.establish("long", calls - 2 * some)
    pinged = made.establish("pinged", some)
    short = made.establish("short", some)
    noted(f"{count} bindings and {calls} calls in {time.monotonic() - began:.1f} s")
    made.kill()
    back = made.start(count, calls)
    noted(f"all killed; back with everything in {back:.2f} s")
    made.check()
    noted("all is known, the sizes of profiles are right, nothing is accounted yet")
    delays = made.timeouts(short)
    made.check_accounts()
    noted(f"{some} times over: BYEs {min(delays):.2f} to {max(delays):.2f} s late; lengths {made.lengths(short)} ms")
    assert max(delays) < LATE and made.lengths(short) == {SHORT * 1000}
    again = made.establish("short", some)
    made.timeouts(again, killed=True)
    assert made.lengths(again) == {SHORT * 1000}
    noted(f"{some} times over, all killed before the BYEs were answered: they came again as they were")
    random.shuffle(long)
    share = len(long) // (2 * ROUNDS + 2)
    for each in range(2 * ROUNDS):
        burst, long = long[:share], long[share:]
        moment = random.randrange(share)
        if each % 2:
            made.hang_up(burst, moment, again=made.kill_worker)
        else:
            made.hang_up(burst, moment)
        made.check_accounts()
        noted(f"{share} BYEs, {'a worker' if each % 2 else 'all'} killed after {moment}")
    if server is not None:
        made.without_database(long[:share], server)
        long = long[share:]
        made.check_accounts()
        noted(f"{share} BYEs while the database was away, all killed in the middle")
    made.hang_up(pinged, some // 2)
    made.check()
    noted(f"{len(made.over)} calls are over and accounted once, {len(long)} go on")
    return back


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bindings", type=int, default=10_000)
    parser.add_argument("--calls", type=int, default=2_000)
    parser.add_argument("--db", choices=("postgres", "mysql", "sqlite"), default="postgres")
    parser.add_argument("--stored", action="store_true", help="bindings and calls are in the database as well")
    args = parser.parse_args()
    kept = {"preset": "single-instance-sql-write-back", "dialogs": 2} if args.stored else {}
    with contextlib.ExitStack() as stack:
        server = None
        if args.db == "sqlite":
            url = f"sqlite://{stack.enter_context(tempfile.TemporaryDirectory(prefix='killed-'))}/killed.sqlite"
        else:
            server = stack.enter_context(postgres() if args.db == "postgres" else mariadb())
            url = server.url
        busy = max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))  # with other things
        made = stack.enter_context(drill(url, workers=WORKERS, short=SHORT, ping=PING, **kept))
        return int(play(made, args.bindings, args.calls, server) > SOON * busy)


if __name__ == "__main__":
    sys.exit(main())
