"""Scripts that keep rows in a database of files or of others."""
from __future__ import annotations

import pathlib
from typing import Any

from tests.modules.bench import Bench, options

HERE = pathlib.Path(__file__).parent


def script(drivers: str, url: str, body: str = "", settings: str = "", dialect: Any = "4.0") -> Bench:
    """A script with these drivers, whose functions work on *url*."""
    loads = "\n".join(f'loadmodule "{each}.so"' for each in (*drivers.split(), "keeper"))
    return Bench("", body, f'mpath="{HERE}"\n{loads}\nmodparam("keeper", "db_url", "{url}")\n{settings}',
                 dialect=dialect)


def run(bench: Bench) -> dict[str, Any]:
    """The variables that one request leaves."""
    return bench.run_on(bench.message(options())).variables
