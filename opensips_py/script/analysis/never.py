"""What never happens: a case that stands there for the second time, an event that nobody raises."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.module import loader
from opensips_py.script import tree
from opensips_py.script.diagnostics import Diagnostics, Place, did_you_mean
from opensips_py.script.walk import nodes

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry

OF_CORE = "E_CORE_"
RAISING = ("raise_event", "subscribe_event")


def check(routes: list[tree.Route], registry: Registry, diagnostics: Diagnostics) -> None:
    """Warn of both."""
    for route in routes:
        for node in nodes(route):
            if isinstance(node, tree.Switch):
                check_cases(node, diagnostics)
    heard = [each for each in routes if each.kind == "event_route" and not each.name.startswith(OF_CORE)]
    raised = events_raised(routes, registry) if heard else None
    for route in heard:
        if raised is not None and route.name not in raised:
            hint = did_you_mean(route.name, raised) or raising(route.name)
            diagnostics.warning(f"nothing raises {route.name}", route.name_place, "", hint)


def check_cases(switch: tree.Switch, diagnostics: Diagnostics) -> None:
    """Warn of a second case of one value: the first one has run."""
    seen: dict[object, Place] = {}
    for case in switch.cases:
        if isinstance(case.value, (tree.Number, tree.String)):
            first = seen.setdefault(case.value.value, case.place)
            if first is not case.place:
                diagnostics.warning("this case is never reached", case.place, "", "",
                                    [("this one is, with the same value", first)])


def events_raised(routes: list[tree.Route], registry: Registry) -> set[str] | None:
    """The events that modules declare and the script names; None where a variable decides which one is raised."""
    found = {event.name for module in registry.modules.values() for event in module.declarations.events}
    for route in routes:
        for node in nodes(route):
            if isinstance(node, tree.Call) and node.name in RAISING and node.arguments:
                name = node.arguments[0]
                if not isinstance(name, tree.String) or "$" in name.value:
                    return None
                found.add(name.value)
    return found


def raising(event: str) -> str:
    """The module that raises *event*, where none is loaded."""
    for name in loader.available():
        if event.startswith(f"E_{name.upper()}_"):
            return f'add loadmodule "{name}.so"'
    return ""
