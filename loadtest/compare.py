"""Our CPU per call beside Kamailio's, rounds interleaved in one run.

    python loadtest/compare.py path/to/bench.py [--rounds 5] [--rates 1000,4000] [--scenarios proxy,registrar,options]

Prints bench.py's table of medians, and our ratio to Kamailio for every scenario and rate.
"""
from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=pathlib.Path, help="the benchmark program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rates", default="1000,4000")
    parser.add_argument("--scenarios", default="proxy,registrar,options")
    parser.add_argument("--calls", type=int, default=20000)
    parser.add_argument("--peers", default="kamailio,opensips-py", help="the first is what the others are held against")
    args = parser.parse_args()
    results = pathlib.Path(tempfile.mkstemp(prefix="bench-", suffix=".jsonl")[1])
    peers = args.peers.split(",")
    for scenario in args.scenarios.split(","):
        for rate in args.rates.split(","):
            for _ in range(args.rounds):
                for peer in peers:
                    subprocess.run([sys.executable, args.bench, "run", peer, scenario, "--rate", rate, "--calls",
                                    str(args.calls), "--json", results], stdout=subprocess.DEVNULL, check=False)
    subprocess.run([sys.executable, args.bench, "table", results], check=True)
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    cells: dict[tuple[str, int], dict[str, list[float]]] = {}
    for row in rows:
        cells.setdefault((row["scenario"], row["rate"]), {}).setdefault(row["peer"], []).append(row["cpu_us"])
    print(f"\n| scenario | calls/s | {' | '.join(peers)} | ratio |\n|---|--:|{'--:|' * (len(peers) + 1)}")
    for (scenario, rate), cell in cells.items():
        medians = [statistics.median(cell[peer]) if peer in cell else float("nan") for peer in peers]
        print(f"| {scenario} | {rate} | {' | '.join(f'{m:.1f}' for m in medians)} | {medians[-1] / medians[0]:.2f} |")
    print(f"\nall rows: {results}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
