"""Names whose module is not loaded: the reason is given once, not at every use."""
from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from opensips_py.module import awaited

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry


class Absent:
    """What is said of names that no loaded module has; *unavailable* are modules whose loadmodule line failed."""

    def __init__(self, registry: Registry, unavailable: Iterable[str] = ()) -> None:
        self.registry = registry
        self.unavailable = set(unavailable)
        self.said: set[tuple[str, ...]] = set()

    def explained(self, kind: str, name: str) -> bool:
        """Whether the user knows already why there is no *name* among the "functions" or "pvars"."""
        owners = tuple(awaited.owners(kind, name))
        if not owners or self.unavailable.intersection(owners):
            return bool(owners)
        if any(each in self.registry.modules for each in owners):
            return False
        known = owners in self.said
        self.said.add(owners)
        return known
