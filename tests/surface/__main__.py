"""`python -m tests.surface`: the table; with --mutate MODULE, the proof that its tests notice."""
from __future__ import annotations

import argparse
import sys

from tests.surface import count, declared, mutation, recording, table
from tests.surface.declared import Name


def main() -> int:
    """Print what was asked for; 1 where a name could be lost unnoticed."""
    options = argparse.ArgumentParser(prog="python -m tests.surface", description=__doc__)
    options.add_argument("--mutate", metavar="MODULE", action="append", default=[],
                         help="replace each name of MODULE by one that does nothing, and see whether a test fails")
    mutated = options.parse_args().mutate
    names = [*declared.of_core(), *(name for cls in declared.classes() for name in declared.declared(cls))]
    unknown = set(mutated) - {each.module for each in names} - {"core"}
    if unknown:
        print(f"no such module: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    suites = recording.OF_MODULES if mutated and "core" not in mutated else recording.SUITES
    record = recording.recorded(suites)
    if not mutated:
        print(table.printed(names, record), end="")
        return 0
    left = [each for each in mutated if survived(each, names, record)]
    return 1 if left else 0


def survived(module: str, names: list[Name], record: count.Record) -> bool:
    """Mutate one module; whether anything survived."""
    own = [*(each for each in names if each.module == module), *(
        each for each in count.made_at_run_time(record) if each.module == module)]
    keys = mutation.keys_of(own)
    left = list(mutation.survivors(keys, record))
    for key, why in sorted(left):
        print(f"{key}: {why}")
    print(f"{module}: {len(keys) - len(left)} of {len(keys)} names are missed by a test when they do nothing")
    return bool(left)


if __name__ == "__main__":
    sys.exit(main())
