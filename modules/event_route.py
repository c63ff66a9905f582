"""Routes of the script that run when an event is raised: event_route[NAME]."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from opensips_py.module import Kind, Module, Route, Run, script
from opensips_py.module.kinds import ScriptLanguage, VariableSpec

OUTSIDE, WITHOUT_PARAMETERS, NONE_FITS = -1, -2, -3
MISSING: Any = object()


@dataclass(frozen=True)
class Wanted(Kind):
    """A list of variables, each with the parameter that it takes: ``ip=$avp(ip);$avp(second)``."""

    name = "string"
    script = True
    literal = True

    def compile(self, value: str, language: ScriptLanguage) -> list[tuple[str, VariableSpec]]:
        """The names, "" where the place decides, and the variables."""
        found = []
        for part in value.split(";"):
            head, dollar, tail = part.partition("$")
            name = head.strip().removesuffix("=").strip()
            if not dollar or (name and not head.strip().endswith("=")):
                raise ValueError(f"'{part.strip()}' is no variable: write name=$avp(x), or $avp(x) alone")
            spec = language.variable(dollar + tail.strip())
            if spec.write is None:
                raise ValueError(f"{spec.text} cannot be assigned")
            found.append((name, spec))
        return found


class RouteCarrier:
    """Tells events to routes of other names: the socket is ``route:NAME``."""

    def __init__(self, module: EventRoute) -> None:
        self.module = module

    def check(self, address: str) -> str | None:
        """What is wrong with the name of a route."""
        found = self.module.services.generation.route(Route.EVENT, address)
        return None if found is not None else f"the script has no event_route[{address}]"

    def send(self, address: str, event: str, values: Any) -> None:
        """Run the route, beside whatever raised the event."""
        self.module.services.spawn(self.run, address, values)

    def run(self, route: str, values: Any) -> None:
        """Run the route with the parameters of the event."""
        self.module.services.run_route(Route.EVENT, route, parameters=values)


class EventRoute(Module, name="event_route"):
    """Handle events in the script: a route named event_route[E_PIKE_BLOCKED] runs whenever this event is raised, at
    once ("sync", the default) or beside the run that raised it ("async")."""

    def start(self) -> None:
        self.services.events.register("route", RouteCarrier(self))

    @script(Route.REQUEST | Route.EVENT)
    def fetch_event_params(self, run: Run, pvar_list: Annotated[list[tuple[str, VariableSpec]], Wanted()]) -> int:
        """Put parameters of the event at hand into variables: *pvar_list* is name=$variable, or $variable in the order
        of the parameters, several with ";" between them. A variable whose parameter the event lacks stays as it is.
        How many were found; -1 outside of events, -2 where the event has no parameters at all, -3 where none fits."""
        if run.kind != Route.EVENT or not run.parameters:
            return OUTSIDE
        given: Any = run.parameters[0]  # those behind it belong to routes that the event route calls
        if not given:
            return WITHOUT_PARAMETERS
        by_name = given if isinstance(given, Mapping) else {}
        by_place = iter(by_name.values() if by_name else given)
        found = 0
        for name, spec in pvar_list:
            value = by_name.get(name, MISSING) if name else next(by_place, MISSING)
            if value is MISSING:
                continue
            assert spec.write is not None  # looked at when the script was read
            spec.write(run, value if value is None or isinstance(value, int) else str(value))
            found += 1
        return found or NONE_FITS
