"""Routes that nothing ever comes to."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.script import tree
from opensips_py.script.diagnostics import Diagnostics
from opensips_py.script.routes import called, plain, reached, routes_armed, routes_named, title
from opensips_py.script.walk import nodes

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry

ARMED = {"failure_route": "t_on_failure()", "branch_route": "t_on_branch()", "onreply_route": "t_on_reply()"}
ANYTHING = "*"


def check(script: tree.Script, registry: Registry, diagnostics: Diagnostics) -> None:
    """Warn of routes that are neither called nor armed nor named by a parameter."""
    routes = script.of(tree.Route)
    given = {str(each.value.value) for each in script.of(tree.ModParam)}
    given |= {each.value for route in routes for node in nodes(route) if isinstance(node, tree.Call)
              for each in node.arguments if isinstance(each, tree.String)}  # a function may take the name of a route
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
            for given, armed, _ in routes_armed(node, registry.functions):
                if armed == kind:
                    name = called(given)
                    found.add(ANYTHING if name is None else name)
    return found
