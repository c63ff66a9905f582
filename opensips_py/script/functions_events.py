"""Core functions on events: raising one, subscribing somebody to one."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.errors import MIError
from opensips_py.module.kinds import Format, Text, Variable, VariableKind
from opensips_py.module.marks import script
from opensips_py.module.run import Route, Run

if TYPE_CHECKING:
    import logging

    from opensips_py.module.declare import Dialect
    from opensips_py.module.services import Services

Avp = Annotated[Variable, VariableKind(("avp",))]
Name = str | Format


class EventName(Text):
    """The name of an event; one that the script names is there from the start, whether or not it is ever raised."""

    script = True

    def compile(self, value: str, language: Any) -> Name:
        """Note that the script names an event."""
        if "$" in value:
            return language.format(value)  # type: ignore[no-any-return]
        language.registry.script_events.setdefault(value)
        return value


class EventFunctions:
    """Functions on events."""

    dialect: Dialect
    log: logging.Logger
    services: Services

    @script(Route.ANY, name="raise_event")
    def raise_script_event(self, run: Run, event: Annotated[Name, EventName()], names: Avp | None = None,
                           values: Avp | None = None) -> bool:
        """Raise an event; *names* and *values* are AVPs with the names and values of its parameters, those first that
        were assigned last. Values without names are told by their order; in 2.1 they are the only AVP there is."""
        if self.dialect == "2.1" and values is None:
            names, values = None, names
        given = values.assigned()[::-1] if values is not None else []
        titles = [str(each) for each in names.assigned()[::-1]] if names is not None else []
        if names is not None and len(titles) < len(given):
            self.log.error("raise_event: %d names for %d values", len(titles), len(given))
            return False
        name = text_of(event, run)
        self.services.events.declare(name)
        self.services.events.raise_event(name, dict(zip(titles, given, strict=False)) if titles else given)
        return True

    @script(Route.ANY, name="subscribe_event")
    def subscribe_to_event(self, run: Run, event: Annotated[Name, EventName()], socket: str, expire: int = 0) -> bool:
        """Have all processes tell an event to *socket*, for *expire* seconds or for ever."""
        try:
            self.services.events.subscribe_everywhere(text_of(event, run), socket, expire)
        except MIError as error:
            self.log.error("subscribe_event: %s", error)
            return False
        return True


def text_of(name: Name, run: Run) -> str:
    """A name that may have variables in it."""
    return name if isinstance(name, str) else name(run) or ""
