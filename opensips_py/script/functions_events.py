"""Core functions on events: raising one, subscribing somebody to one."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from opensips_py.errors import MIError
from opensips_py.module.kinds import Variable, VariableKind
from opensips_py.module.marks import script
from opensips_py.module.run import Route

if TYPE_CHECKING:
    import logging

    from opensips_py.module.services import Services

Avp = Annotated[Variable, VariableKind(("avp",))]


class EventFunctions:
    """Functions on events."""

    log: logging.Logger
    services: Services

    @script(Route.ANY, name="raise_event")
    def raise_script_event(self, event: str, names: Avp | None = None, values: Avp | None = None) -> bool:
        """Raise an event; *names* and *values* are AVPs with the names and values of its parameters, values without
        names are told by their order."""
        given = values.assigned() if values is not None else []
        titles = [str(each) for each in names.assigned()] if names is not None else []
        if names is not None and len(titles) != len(given):
            self.log.error("raise_event: %d names for %d values", len(titles), len(given))
            return False
        self.services.events.declare(event)
        self.services.events.raise_event(event, dict(zip(titles, given, strict=True)) if titles else given)
        return True

    @script(Route.ANY, name="subscribe_event")
    def subscribe_to_event(self, event: str, socket: str, expire: int = 0) -> bool:
        """Tell an event to *socket*, for *expire* seconds or for ever."""
        try:
            self.services.events.subscribe(event, socket, expire)
        except MIError as error:
            self.log.error("subscribe_event: %s", error)
            return False
        return True
