"""What can be said of routes before they are compiled: functions and routes that exist, called where they may be."""
from __future__ import annotations

from collections.abc import Iterable

from opensips_py.module import awaited
from opensips_py.module.declare import ScriptFunction
from opensips_py.module.registry import Registry
from opensips_py.module.run import Route
from opensips_py.script import tree
from opensips_py.script.diagnostics import Diagnostics, did_you_mean
from opensips_py.script.walk import nodes

Key = tuple[str, str]  # kind of a route and its name
KINDS = {"route": Route.REQUEST, "branch_route": Route.BRANCH, "failure_route": Route.FAILURE,
         "onreply_route": Route.ONREPLY, "error_route": Route.ERROR, "local_route": Route.LOCAL,
         "startup_route": Route.STARTUP, "timer_route": Route.TIMER, "event_route": Route.EVENT}
TITLES = {kind: title for title, kind in KINDS.items()}


def plain(route: tree.Route) -> str:
    """The name a route goes by: route[0] is the unnamed one."""
    return "" if route.name == "0" else route.name


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


def named(routes: dict[str, tree.Route], name: str) -> list[tree.Route]:
    """The route *name*, as a list; empty where there is none."""
    found = routes.get("" if name == "0" else name)
    return [] if found is None else [found]


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
            for target in by_name.values() if name is None else named(by_name, name):
                before = known.get(("route", plain(target)), Route(0))
                if before | begun != before:
                    known["route", plain(target)] = before | begun
                    left.append(target)
    return known


class Checker:
    """Checks all routes of one configuration; *unavailable* are modules whose loadmodule line has failed."""

    def __init__(self, registry: Registry, diagnostics: Diagnostics, unavailable: Iterable[str] = ()) -> None:
        self.registry, self.diagnostics = registry, diagnostics
        self.unavailable = set(unavailable)

    def check(self, routes: list[tree.Route]) -> dict[Key, Route]:
        """Report what is wrong; returns reached()."""
        self.duplicates(routes)
        names = {plain(each) for each in routes if each.kind == "route"}
        known = reached(routes)
        for route in routes:
            begun = known.get((route.kind, plain(route)), KINDS[route.kind])
            allowed = begun | Route.REQUEST if route.kind == "route" else begun
            for node in nodes(route):
                if isinstance(node, tree.Call):
                    self.call(node, allowed, route)
                elif isinstance(node, (tree.Async, tree.Launch)):
                    self.asynchronous(node)
            for node_named, name in routes_named(route):
                if name is not None and name not in names and name != "0":
                    self.diagnostics.error(f"there is no route[{name}]", node_named.place,
                                           fix=did_you_mean(name, names))
        return known

    def duplicates(self, routes: list[tree.Route]) -> None:
        """Two routes of one name; an event may have several."""
        first: dict[Key, tree.Route] = {}
        for route in routes:
            before = first.setdefault((route.kind, plain(route)), route)
            if before is not route:
                title = f"{route.kind}[{route.name}]" if route.name else route.kind
                self.diagnostics.error(f"{title} is there twice", route.place, fix="give one of them another name",
                                       related=[("the first one", before.place)])

    def call(self, node: tree.Call, allowed: Route, route: tree.Route) -> None:
        """One call: the function exists, may be called here, and has as many arguments as it takes."""
        found = self.registry.functions.get(node.name)
        if found is None:
            self.unknown(node)
            return
        declared = found.declaration
        if not declared.routes & allowed:
            kinds = ", ".join(TITLES[kind] for kind in Route if kind & declared.routes)
            self.diagnostics.error(f"{node.name} cannot be called in a {route.kind}", node.place,
                                   fix=f"it works in {kinds}")
        self.count(node, declared)

    def unknown(self, node: tree.Call) -> None:
        """A function that nobody declares; silent where the module that has it was refused already."""
        if self.unavailable.intersection(awaited.owners("functions", node.name)):
            return
        message, _, hint = self.registry.missing_function(node.name).partition(": ")
        self.diagnostics.error(message, node.place, fix=hint)

    def count(self, node: tree.Call, declared: ScriptFunction) -> None:
        """The number of arguments."""
        given = list(node.arguments)
        while given and given[-1] is None:
            given.pop()
        least, most = declared.arity
        if least <= len(given) and (most is None or len(given) <= most):
            return
        takes = f"{least}" if least == most else f"{least} or more" if most is None else f"{least} to {most}"
        names = ", ".join(f"[{each.name}]" if each.optional or each.rest else each.name for each in declared.arguments)
        self.diagnostics.error(f"{node.name} takes {takes} argument{'' if takes == '1' else 's'}, not {len(given)}",
                               node.place, fix=f"{node.name}({names})")

    def asynchronous(self, node: tree.Async | tree.Launch) -> None:
        """async() and launch() are for functions that wait; any other is done at once, which is worth a word."""
        found = self.registry.functions.get(node.call.name)
        if found is not None and not found.declaration.waits:
            self.diagnostics.note(f"{node.call.name} never waits: there is nothing to do asynchronously", node.place)
