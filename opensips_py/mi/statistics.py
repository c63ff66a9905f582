"""The management commands for statistics."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.errors import MIError
from opensips_py.mi import remote
from opensips_py.mi.arguments import INVALID_PARAMS
from opensips_py.module import mi

if TYPE_CHECKING:
    from opensips_py.module.declare import Dialect
    from opensips_py.module.services import Services

NOT_FOUND = 404


def needed(statistics: list[str]) -> None:
    """Refuse a command that names no statistics at all."""
    if not statistics:
        raise MIError(INVALID_PARAMS, 'missing parameter statistics: name some, as "core:" or "all"')


class StatisticCommands:
    """Commands that read and reset statistics; the workers count, the answer is one."""

    services: Services
    dialect: Dialect

    @mi("get_statistics", v40="statistics:get")
    def get_statistics(self, statistics: list[str]) -> dict[str, int]:
        """The values of the *statistics* named: "all", "group:" or single ones; in 4.0 nothing where there is none."""
        needed(statistics)
        rows = self.rows(statistics) if self.dialect == "2.1" else self.found(statistics)
        return {f"{group}:{name}": value for group, name, _, _, value in rows}

    @mi("list_statistics", v40="statistics:list")
    def list_statistics(self, statistics: list[str]) -> dict[str, str]:
        """The statistics there are, and whether they only grow. In 4.0 those that are asked for by name alone are also
        told so."""
        wanted = statistics or ["all"]
        rows, alone = (self.rows(wanted), ()) if self.dialect == "2.1" else (self.found(wanted), wanted)
        return {name if name in alone else f"{group}:{name}": "incremental" if kind == "counter" else "non-incremental"
                for group, name, kind, _, _ in rows}

    @mi("reset_statistics", v40="statistics:reset")
    def reset_statistics(self, statistics: list[str]) -> None:
        """Set the *statistics* named back to zero: those that only grow, and series of module statistics."""
        needed(statistics)
        unknown = self.reset(statistics)
        if len(unknown) == len(statistics):
            raise MIError(NOT_FOUND, "Statistics Not Found")

    @mi(None, v40="statistics:reset_all")
    def reset_all_statistics(self) -> None:
        """Set all statistics back to zero that only grow, and series of module statistics."""
        self.reset(["all"])

    def reset(self, names: list[str]) -> list[str]:
        """Reset statistics; the names that no worker knows. A script may have made one in a single worker."""
        unknown: list[list[str]] = [*self.services.mi.each("reset_statistics", names).values()]
        return [name for name in names if all(name in each for each in unknown)]

    def found(self, names: list[str]) -> list[remote.Row]:
        """The statistics that *names* select in the workers, joined."""
        return remote.joined(self.services.mi.each("statistics", names))

    def rows(self, names: list[str]) -> list[remote.Row]:
        """The statistics that *names* select in the workers, joined; MIError where that is none."""
        found = self.found(names)
        if not found and "all" not in names:
            raise MIError(NOT_FOUND, "Statistics Not Found")
        return found
