"""Names whose module is not loaded: the reason is given once, not at every use."""
from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from opensips_py.module import awaited
from opensips_py.script.diagnostics import nearest

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry


class Absent:
    """What is said of names that no loaded module has; *unavailable* are modules whose loadmodule line failed."""

    def __init__(self, registry: Registry, unavailable: Iterable[str] = (), *, lacks_python: bool = False) -> None:
        self.registry, self.lacks_python = registry, lacks_python
        self.unavailable = set(unavailable)
        self.said: set[tuple[str, ...]] = set()

    def is_python(self, name: str, known: Iterable[str] = ()) -> bool:
        """Whether *name* may be that of a route in a Python file that could not be imported: it is like no other."""
        return self.lacks_python and not nearest(name, [*self.registry.functions, *known])

    def explained(self, kind: str, name: str) -> bool:
        """Whether the user knows already why there is no *name* among the "functions" or "pvars"."""
        owners = tuple(awaited.owners(kind, name))
        if not owners and kind == "functions" and self.is_python(name):
            return True
        if not owners or self.unavailable.intersection(owners):
            return bool(owners)
        if any(each in self.registry.modules for each in owners):
            return False
        known = owners in self.said
        self.said.add(owners)
        return known
