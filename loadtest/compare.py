"""Our CPU per call beside Kamailio's: one run, rounds interleaved, so that both meet the same minutes of the machine.

    python loadtest/compare.py path/to/bench.py [--rounds 5] [--rates 1000,4000] [--scenarios proxy,registrar,options]

Prints bench.py's table of medians, and how we stand to the first peer for every scenario and rate. Ends with 1 where
a run failed: its figures do not count.
"""
from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

RESULTS = pathlib.Path(__file__).resolve().parent / "results" / "bench.jsonl"


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=pathlib.Path, help="the benchmark program")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each peer in each cell (default 5)")
    parser.add_argument("--rates", type=listed(int), default=[1000, 4000], help="calls a second (default 1000,4000)")
    parser.add_argument("--scenarios", type=listed(str), default=["proxy", "registrar", "options"])
    parser.add_argument("--calls", type=int, default=20000, help="of each run (default 20000)")
    parser.add_argument("--peers", type=listed(str), default=["kamailio", "opensips-py"],
                        help="the first is what the others are held against (default kamailio,opensips-py)")
    parser.add_argument("--json", type=pathlib.Path, default=RESULTS, help="where all rows are kept")
    return parser.parse_args()


def listed(kind: type) -> Any:
    """Values separated by commas."""
    return lambda text: [kind(each) for each in text.split(",")]


def runs(args: argparse.Namespace) -> Iterator[list[str]]:
    """The arguments of each run of bench.py, in order."""
    for scenario in args.scenarios:
        for rate in args.rates:
            for _ in range(args.rounds):
                for peer in args.peers:
                    yield [peer, scenario, "--rate", str(rate), "--calls", str(args.calls), "--json", str(args.json)]


def load(args: argparse.Namespace) -> list[str]:
    """Run all; what failed, in bench.py's own words."""
    failed = []
    every = list(runs(args))
    for number, run in enumerate(every, 1):
        print(f"{number}/{len(every)}: {run[0]}, {run[1]}, {run[3]}/s", file=sys.stderr, flush=True)
        done = subprocess.run([sys.executable, args.bench, "run", *run], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            failed.append(f"{run[0]}, {run[1]}, {run[3]}/s: {done.stderr.strip()[-500:] or done.returncode}")
    return failed


def compared(rows: list[dict[str, Any]], peers: list[str]) -> Iterator[str]:
    """The medians of CPU per call as a table, the last column our share of the first peer's."""
    cells: dict[tuple[str, int], dict[str, list[float]]] = {}
    for row in rows:
        cells.setdefault((row["scenario"], row["rate"]), {}).setdefault(row["peer"], []).append(row["cpu_us"])
    yield f"| scenario | calls/s | {' | '.join(peers)} | ratio |"
    yield f"|---|--:|{'--:|' * (len(peers) + 1)}"
    for (scenario, rate), cell in cells.items():
        medians = [statistics.median(cell.get(peer, [float("nan")])) for peer in peers]
        shown = " | ".join(f"{each:.1f}" for each in medians)
        yield f"| {scenario} | {rate} | {shown} | {medians[-1] / medians[0]:.2f} |"


def main() -> int:
    args = arguments()
    args.json.parent.mkdir(parents=True, exist_ok=True)
    args.json.write_text("")
    failed = load(args)
    rows = [json.loads(line) for line in args.json.read_text().splitlines()]
    subprocess.run([sys.executable, args.bench, "table", args.json], check=True)
    print("CPU microseconds per call, medians\n", *compared(rows, args.peers), f"\nall rows: {args.json}", sep="\n")
    for each in failed:
        print(f"FAILED {each}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
