"""The tables of one process; they outlive reloads."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opensips_py.modules.usrloc.memory import PREFIX
from opensips_py.modules.usrloc.table import Table

Make = Callable[[str], Table]


class Storage:
    """The tables that scripts have named, made when they are first asked for."""

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {}
        self.mirror: Any = None  # the SQL database beside them, if there is one
        self._make: Make | None = None

    def open(self, make: Make, names: list[str]) -> None:
        """Make tables by *make*, unless they are made already, and have those that are called *names*."""
        if self._make is None:
            self._make = make
        for name in names:
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
