"""Log levels of single calls: the program logs more, and what no such call has logged is dropped again."""
from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from opensips_py.module.trace import CURRENT
from opensips_py.script.levels import PYTHON, Levels

if TYPE_CHECKING:
    from opensips_py.server.generation import Generation


class CallLevels(logging.Filter):
    """Lets pass what the level of everything allows, and what the level of the call at hand allows."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: Levels | None = None

    def follow(self, generation: Generation, wanted: Iterable[int | None]) -> None:
        """Make the levels in *wanted* possible in *generation*; none: as if we were not there."""
        core: Any = generation.registry.modules["core"]
        raised = max((each for each in wanted if each is not None), default=None)
        if self.levels is not None and self.levels is not core.levels:
            self.levels.raised = None  # of the generation before: it goes, and with it what it set
        self.levels = core.levels
        core.levels.raise_to(raised)
        for each in logging.getLogger().handlers:
            if raised is None:
                each.removeFilter(self)
            elif self not in each.filters:
                each.addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether *record* is to be written."""
        if self.levels is None or not record.name.startswith("opensips_py") \
                or record.levelno >= PYTHON[self.levels.log]:
            return True
        account = CURRENT.get()
        return account is not None and account.level is not None and record.levelno >= PYTHON[account.level]
