"""Routes of the script that run when an event is raised: event_route[NAME]."""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from opensips_py.module import Kind, Module, Route, Run, script
from opensips_py.module.kinds import ScriptLanguage, VariableSpec


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
    def fetch_event_params(self, run: Run, pvar_list: Annotated[list[tuple[str, VariableSpec]], Wanted()]) -> bool:
        """Put parameters of the event at hand into variables: *pvar_list* is name=$variable, or $variable in the order
        of the parameters, several with ";" between them. False where the event lacks one; the others are there."""
        given: Any = run.parameters[-1] if run.parameters else ()
        by_name = given if isinstance(given, Mapping) else {}
        by_place = list(given.values()) if isinstance(given, Mapping) else list(given)
        whole = True
        for place, (name, spec) in enumerate(pvar_list):
            known = name in by_name if name else place < len(by_place)
            whole = whole and known
            value = (by_name[name] if name else by_place[place]) if known else None
            assert spec.write is not None  # looked at when the script was read
            spec.write(run, value if value is None or isinstance(value, int) else str(value))
        return whole
