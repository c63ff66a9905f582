"""The tables of one process; they outlive reloads."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opensips_py.modules.usrloc.table import PREFIX, Table


class Storage:
    """The tables that scripts have named, made when they are first asked for."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self._make: Callable[[str], Table] | None = None

    def open(self, services: Any) -> None:
        """Use the environment of this worker, with the tables that are in it already."""
        if self._make is None:
            self._make = lambda name: Table(name, services.environment, services.slots, max(services.index, 0))
            for name in stored_names(services.environment):
                self.table(name)

    def table(self, name: str) -> Table:
        """The table *name*."""
        found = self.tables.get(name)
        if found is None:
            if self._make is None:
                raise RuntimeError("bindings are looked up before the worker has started")
            found = self.tables[name] = self._make(name)
        return found


def stored_names(environment: Any) -> list[str]:
    """The tables in an environment that an earlier process has left."""
    return [name.removeprefix(PREFIX) for name in environment.names() if name.startswith(PREFIX)]
