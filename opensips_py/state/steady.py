"""A clock that goes on evenly, whatever the clock of the machine is set to: by it ends what lasts so many seconds."""
from __future__ import annotations

import os
import pathlib
import time

from opensips_py.state.directory import current_boot, last_use, offset


class SteadyClock:
    """Seconds since 1970, as the clock of the machine showed them when the state directory was used first in this boot;
    the same in all processes, also in those after a restart."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        found = last_use(pathlib.Path(directory))
        self.offset = found.offset if found.boot == current_boot() else offset()

    def __call__(self) -> float:
        return time.monotonic() + self.offset

    def ahead(self) -> int:
        """Seconds by which the clock of the machine was set forward since: others are told of times that much later."""
        return round(offset() - self.offset)
