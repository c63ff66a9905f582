"""Extensions for scripts: shared variables, locks, chance, waiting, time recurrences."""
from __future__ import annotations

from opensips_py.module import Module
from opensips_py.module.declare import Dialect
from opensips_py.modules.cfgutils.chance import Chance
from opensips_py.modules.cfgutils.inspecting import Inspecting
from opensips_py.modules.cfgutils.locking import LockFunctions
from opensips_py.modules.cfgutils.moments import Moments
from opensips_py.modules.cfgutils.shared import Value
from opensips_py.modules.cfgutils.variables import Variables
from opensips_py.modules.cfgutils.waiting import Waiting


class CfgUtils(Module, Variables, Chance, LockFunctions, Moments, Waiting, Inspecting, name="cfgutils"):
    """Give scripts variables and locks that all processes share, decisions by chance, waits and time recurrences."""

    def __init__(self, dialect: Dialect = "4.0") -> None:
        super().__init__(dialect)
        self.mentioned: dict[str, None] = {}
        self.initial_values: dict[str, Value] = {}
        self.begin_moments()

    def load(self) -> None:
        """Check the parameters."""
        self.begin_values()
        self.check_locks()

    def start(self) -> None:
        """Find what the processes share."""
        self.start_variables()
        self.start_chance()
        self.start_hash()
        self.locks.join(self.services)
