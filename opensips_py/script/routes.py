"""Routes by kind and name, and which of them a run may come to."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from opensips_py.module.kinds import Kind, RouteName
from opensips_py.module.run import Route
from opensips_py.script import tree
from opensips_py.script.walk import nodes

if TYPE_CHECKING:
    from opensips_py.module.declare import Argument
    from opensips_py.module.registry import BoundFunction

Key = tuple[str, str]  # kind of a route and its name
KINDS = {"route": Route.REQUEST, "branch_route": Route.BRANCH, "failure_route": Route.FAILURE,
         "onreply_route": Route.ONREPLY, "error_route": Route.ERROR, "local_route": Route.LOCAL,
         "startup_route": Route.STARTUP, "timer_route": Route.TIMER, "event_route": Route.EVENT}
TITLES = {kind: title for title, kind in KINDS.items()}


def plain(route: tree.Route) -> str:
    """The name a route goes by: route[0] is the unnamed one."""
    if route.broken:
        return f"<line {route.place.line}>"  # no call can mean it
    return "" if route.name == "0" else route.name


def title(route: tree.Route) -> str:
    """A route as an error names it."""
    return f"{route.kind}[{route.name}]" if route.name else route.kind


def called(node: tree.Expression | None) -> str | None:
    """The route that *node* names, if that is known before the run."""
    if isinstance(node, tree.Name):
        return node.name
    if isinstance(node, tree.Number):
        return str(node.value)
    return node.value if isinstance(node, tree.String) and "$" not in node.value else None


def routes_named(route: tree.Route) -> list[tuple[tree.Expression, str | None]]:
    """The routes that *route* calls, resumes in or reports to; None: a variable decides."""
    found = []
    for node in nodes(route):
        named = node.route if isinstance(node, (tree.RouteCall, tree.Async, tree.Launch)) else None
        if named is not None:
            found.append((named, called(named)))
    return found


def kind_named(kind: Kind) -> str:
    """The kind of route that a value of *kind* names; empty where it names none."""
    bare = kind.bare
    return TITLES[bare.route] if isinstance(bare, RouteName) else ""


def routes_armed(node: tree.Node,
                 functions: Mapping[str, BoundFunction]) -> Iterator[tuple[tree.Expression, str, Argument]]:
    """What a function is given as the name of a route, as in t_on_failure("x"), and the kind that this is of."""
    found = functions.get(node.name) if isinstance(node, tree.Call) else None
    if found is None or not isinstance(node, tree.Call):
        return
    for given, argument in zip(node.arguments, found.declaration.arguments, strict=False):
        if given is not None and (kind := kind_named(argument.kind)):
            yield given, kind, argument


def target(routes: Mapping[str, tree.Route], name: str | None) -> tree.Route | None:
    """The route *name*; None where there is none, or where the run decides which it is."""
    return routes.get("" if name == "0" else name) if name is not None else None


def reached(routes: list[tree.Route]) -> dict[Key, Route]:
    """For each route, the kinds of route that a run which comes there may have begun with."""
    by_name = {plain(each): each for each in routes if each.kind == "route"}
    known: dict[Key, Route] = {(each.kind, plain(each)): KINDS[each.kind] for each in routes if each.kind != "route"}
    if "" in by_name:
        known["route", ""] = Route.REQUEST
    left = [each for each in routes if each.kind != "route" or plain(each) == ""]
    while left:
        route = left.pop()
        begun = known[route.kind, plain(route)]
        for _, name in routes_named(route):
            for each in by_name.values() if name is None else filter(None, [target(by_name, name)]):
                before = known.get(("route", plain(each)), Route(0))
                if before | begun != before:
                    known["route", plain(each)] = before | begun
                    left.append(each)
    return known
