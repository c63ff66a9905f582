"""Routes that nothing ever comes to."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.module.kinds import RouteName
from opensips_py.script import tree
from opensips_py.script.diagnostics import Diagnostics
from opensips_py.script.routes import TITLES, plain, reached, routes_named, title
from opensips_py.script.walk import nodes

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry

ARMED = {"failure_route": "t_on_failure()", "branch_route": "t_on_branch()", "onreply_route": "t_on_reply()"}
ANYTHING = "*"


def check(script: tree.Script, registry: Registry, diagnostics: Diagnostics) -> None:
    """Warn of routes that are neither called nor armed nor named by a parameter."""
    routes = script.of(tree.Route)
    given = {str(each.value.value) for each in script.of(tree.ModParam)}
    for function in registry.functions.values():
        given |= getattr(function.module, "words", set())  # of a file of Python routes
    armed = {kind: names_armed(kind, routes, registry) for kind in ARMED}
    known = reached(routes)
    for route in routes:
        name = plain(route)
        if not name or name in given or route.broken:
            continue
        if route.kind == "route" and ("route", name) not in known and not calls_anything(routes):
            diagnostics.warning(f"nothing calls {title(route)}", route.place, "", f"remove it, or call route({name})")
        elif route.kind in armed and not armed[route.kind] & {name, ANYTHING}:
            diagnostics.warning(f"nothing arms {title(route)}", route.place, "",
                                f"remove it, or name it in {ARMED[route.kind]}")


def calls_anything(routes: list[tree.Route]) -> bool:
    """Whether a variable decides somewhere which route is called."""
    return any(name is None for route in routes for _, name in routes_named(route))


def names_armed(kind: str, routes: list[tree.Route], registry: Registry) -> set[str]:
    """The routes of a kind that arguments of functions name; ANYTHING where a variable does."""
    found: set[str] = set()
    for route in routes:
        for node in nodes(route):
            declared = registry.functions.get(node.name) if isinstance(node, tree.Call) else None
            if declared is None or not isinstance(node, tree.Call):
                continue
            for given, argument in zip(node.arguments, declared.declaration.arguments, strict=False):
                inner = getattr(argument.kind, "inner", argument.kind)
                if isinstance(inner, RouteName) and TITLES[inner.route] == kind and given is not None:
                    found.add(text_of(given))
    return found


def text_of(node: tree.Expression) -> str:
    """The name that an argument gives, ANYTHING where the run decides."""
    match node:
        case tree.String(value=text) if "$" not in text:
            return text
        case tree.Number(value=number):
            return str(number)
        case tree.Name(name=name):
            return name
    return ANYTHING
