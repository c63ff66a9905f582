"""Thousands of SIPp calls through cfg/provider.cfg, with digest, NAT and media, and what its database says of them.

    python -m loadtest.provider [--calls 5000] [--rate 40] [--db postgres | mysql | sqlite]

Some callers hang up, some wait until the other side does; some are busy, give up, or nobody answers; some have too many
calls. Ends with 1 where a call failed, a CDR is missing, is there twice or is not what SIPp saw, or where a call had no
media at rtpengine. The database server and rtpengine are started for it.
"""
from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time

from tests.scenarios.provider import PACKETS, Provider, provider
from tests.servers import mariadb, postgres

SHORTEST, LONGEST = 800, 2800  # milliseconds that a call lasts
RING = 10  # seconds for which a phone rings


def told(made: Provider, seconds: float) -> int:
    """Print what came of it; how much of that is wrong."""
    seen, wrong = made.seen, made.complaints()
    rows = made.rows("acc", len(seen.answered))
    lasted = sum(seen.ended[each] - seen.answered[each] for each in seen.answered)
    differences = sorted(row[4] / 1000 - seen.ended[row[0]] + seen.answered[row[0]] for row in rows
                         if row[0] in seen.ended)
    media = made.media()
    print(f"{len(seen.answered)} calls answered, {len(seen.missed)} missed, {len(seen.refused)} refused, "
          f"{seen.failed} failed, in {seconds:.0f} s")
    print(f"acc: {len(rows)} rows of {sum(row[4] for row in rows) / 1000:.3f} s in all, as SIPp saw it {lasted:.3f} s")
    if differences:
        print(f"a call differs by {differences[0] * 1000:.1f} to {differences[-1] * 1000:.1f} ms, "
              f"the median by {differences[len(differences) // 2] * 1000:.1f} ms")
    print(f"rtpengine: {sum(media.values())} packets, both ways some {2 * PACKETS * lasted:.0f} were sent")
    silent = [each for each in seen.answered if not media.get(each)]
    wrong += [f"{len(silent)} calls without media, such as {silent[0]}"] if silent else []
    wrong += ["the server has failed somewhere:\n" + made.server.log[-4000:]] if "Traceback" in made.server.log else []
    print(*wrong[:20], sep="\n")
    return len(wrong) + seen.failed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=5000, help="in all (default 5000)")
    parser.add_argument("--rate", type=int, default=40, help="calls a second (default 40)")
    parser.add_argument("--db", choices=("postgres", "mysql", "sqlite"), default="postgres")
    args = parser.parse_args()
    with contextlib.ExitStack() as stack:
        if args.db == "sqlite":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="provider-db-"))
            url = f"sqlite://{folder}/provider.sqlite"
        else:
            url = stack.enter_context(postgres() if args.db == "postgres" else mariadb()).url
        made = stack.enter_context(provider(url, args.calls, max(200, args.rate * 5), ring=RING))
        began = time.monotonic()
        made.play(args.calls, args.rate, (SHORTEST, LONGEST), args.calls // args.rate * 2 + 60)
        return int(told(made, time.monotonic() - began) > 0)


if __name__ == "__main__":
    sys.exit(main())
