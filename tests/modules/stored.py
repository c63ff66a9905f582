"""A script whose modules keep things in a real LMDB environment, which another one can take over."""
from __future__ import annotations

import pathlib
from collections.abc import Callable, Iterator
from typing import Any

from opensips_py.state.environment import Environment
from tests.modules.bench import Bench, options


class Stored(Bench):
    """A bench with an environment in *folder*; *started* is when its server was started."""

    def __init__(self, folder: pathlib.Path, modules: str, body: str = "", settings: str = "", dialect: Any = "4.0",
                 started: float = 1.0) -> None:
        self.environment = Environment(folder / "state.mdb", smallest=1 << 20)
        self.started = started
        super().__init__(modules, body, settings, dialect=dialect)

    def run(self) -> dict[str, Any]:
        """The script variables that the request route leaves behind."""
        found: dict[str, Any] = self.run_on(self.message(options())).variables
        return found

    def close(self) -> None:
        """End it; what it has stored stays."""
        self.registry.stop()
        self.environment.close()


def benches(folder: pathlib.Path) -> Iterator[Callable[..., Stored]]:
    """What a fixture yields: makes benches in *folder*, one after the other, and ends them."""
    made: list[Stored] = []

    def make(*arguments: Any, **named: Any) -> Stored:
        if made:
            made.pop().close()
        made.append(Stored(folder, *arguments, **named))
        return made[-1]
    yield make
    for each in made:
        each.close()
