"""Core functions that ask what state the server and its sockets are in."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.module.kinds import Known
from opensips_py.module.marks import script
from opensips_py.module.run import Route, Run
from opensips_py.module.status import CORE
from opensips_py.script.functions_log import text_of

if TYPE_CHECKING:
    import logging

    from opensips_py.module.registry import Registry
    from opensips_py.module.services import Services
    from opensips_py.transport.bonds import Bond

UNKNOWN = -(1 << 31)  # the status of an identifier that is not there


class StatusFunctions:
    """Functions on status reports and bonds."""

    log: logging.Logger
    registry: Registry
    services: Services
    bonds: dict[str, Bond]
    bond_members: dict[str, list[str]]

    def socket_named(self, text: str) -> Any:
        """The socket that *text* describes."""
        raise NotImplementedError

    @script(Route.ANY, dialect="4.0")
    def sr_check_status(self, run: Run, group: Annotated[str, Known("group of status reports")],
                        identifier: str | None = None) -> int:
        """The status of a part of the server: above 0 where it is ready. Without *identifier* that of the group's main
        one is meant, with all 1 or -1 for the whole group."""
        name = text_of(group, run)
        status: int | None = self.services.reports.status(name, identifier)
        if status is not None:
            return status
        self.log.error("sr_check_status: %s has no status reports%s", name, f" of {identifier}" if identifier else "")
        return UNKNOWN if name in self.services.reports.groups else -1

    @script(Route.ANY, dialect="4.0")
    def socket_belongs_to_bond(self, run: Run, socket: str, bond: Annotated[str, Known("bond")]) -> bool:
        """Whether *socket*, written [protocol:]address[:port], is a member of the bond socket *bond*."""
        name = text_of(bond, run)
        known = self.bonds.get(name)
        if known is None:
            self.log.error("socket_belongs_to_bond: there is no bond %s", name)
            return False
        return self.socket_named(socket) in known.members

    def no_bond(self, name: str) -> str:
        """Why the configuration has no bond *name*; empty where it has."""
        known = ", ".join(self.bond_members)
        return "" if name in self.bond_members else f"there is no bond {name}" + (f", only {known}" if known else "")

    def no_group(self, name: str) -> str:
        """Why nothing has status reports in the group *name*; empty where something has."""
        there = name == CORE or name in self.registry.status_groups or self.registry.providing(f"class:status:{name}")
        return "" if there else f"no loaded module has status reports in a group {name}"
