"""What can be said of routes before they are compiled: functions and routes that exist, called where they may be."""
from __future__ import annotations

from difflib import get_close_matches

from opensips_py.module.declare import ScriptFunction
from opensips_py.module.registry import Registry
from opensips_py.module.run import Route
from opensips_py.script import renames, tree
from opensips_py.script.absent import Absent
from opensips_py.script.diagnostics import Diagnostics, Place, did_you_mean, nearest
from opensips_py.script.foreign import SET
from opensips_py.script.levels import NAMES, level_of
from opensips_py.script.routes import KINDS, TITLES, Key, called, plain, reached, routes_armed, routes_named, title
from opensips_py.script.walk import nodes

PRINTING = ("printf", "print", "echo", "syslog", "puts", "println")  # what other languages have for xlog
PRINTS = ("xlog", "log")
LETTERS = {each[2] for each in NAMES}


class Checker:
    """Checks all routes of one configuration."""

    def __init__(self, registry: Registry, diagnostics: Diagnostics, absent: Absent | None = None, *,
                 whole: bool = True) -> None:
        self.registry, self.diagnostics = registry, diagnostics
        self.absent = absent or Absent(registry)
        self.whole = whole  # False: parts of the text could not be read, and may have held what is missing
        self.routes: list[tree.Route] = []
        self.known: dict[Key, Route] = {}
        self.waiting: set[int] = set()  # calls inside of async() and launch()

    def check(self, routes: list[tree.Route]) -> dict[Key, Route]:
        """Report what is wrong; returns reached()."""
        self.duplicates(routes)
        names = {plain(each) for each in routes if each.kind == "route"}
        in_python = {name for name, each in self.registry.functions.items() if each.declaration.returns == "value"}
        self.routes, self.known = routes, reached(routes)
        self.waiting = {id(each.call) for route in routes for each in nodes(route)
                        if isinstance(each, (tree.Async, tree.Launch))}
        for route in routes:
            for node in nodes(route):
                if isinstance(node, tree.Call):
                    self.call(node, route)
                elif isinstance(node, tree.RouteCall) and (wanted := called(node.route)) in in_python - names:
                    self.call(tree.Call(node.place, wanted or "", list(node.arguments), node.place), route)
                elif isinstance(node, (tree.Async, tree.Launch)):
                    self.asynchronous(node)
            self.targets(route, names | in_python)
        return self.known

    def begun(self, route: tree.Route) -> Route:
        """The kinds of route that a run in *route* may have begun with; none where nothing calls it."""
        return self.known.get((route.kind, plain(route)), Route(0) if route.kind == "route" else KINDS[route.kind])

    def targets(self, route: tree.Route, names: set[str]) -> None:
        """The routes that *route* calls."""
        for node, name in routes_named(route):
            if name is not None and name not in names and (name != "0" or "" not in names) and self.whole \
                    and not self.absent.is_python(name, names):
                self.diagnostics.error(f"there is no route[{name}]", node.place,
                                       fix=did_you_mean(name, names) or f"add route[{name}] {{ ... }}",
                                       related=self.defined("route", nearest(name, names)) or self.of_other_kind(name))

    def armed(self, node: tree.Call) -> None:
        """The routes that arguments of a function name."""
        for given, title_, argument in routes_armed(node, self.registry.functions):
            name = called(given)
            names = {plain(each) for each in self.routes if each.kind == title_}
            if name and name not in names and name != "0" and self.whole:
                self.diagnostics.error(f"{node.name}, argument '{argument.name}': there is no {title_}[{name}]",
                                       given.place, fix=did_you_mean(name, names) or f"add {title_}[{name}] {{ ... }}",
                                       related=self.defined(title_, nearest(name, names)) or self.of_other_kind(name))

    def of_other_kind(self, name: str) -> list[tuple[str, Place]]:
        """Where a route of that name and another kind stands."""
        return [(f"this is {article(each.kind)} {each.kind}", each.name_place) for each in self.routes
                if plain(each) == name][:1]

    def defined(self, kind: str, name: str) -> list[tuple[str, Place]]:
        """Where the route that may have been meant stands."""
        return [("defined here", each.name_place) for each in self.routes
                if name and each.kind == kind and plain(each) == name][:1]

    def duplicates(self, routes: list[tree.Route]) -> None:
        """Two routes of one kind and name."""
        first: dict[Key, tree.Route] = {}
        for route in routes:
            before = first.setdefault((route.kind, plain(route)), route)
            if before is not route:
                self.diagnostics.error(f"{title(route)} is there twice", route.place,
                                       fix=second(route), related=[("the first one", before.place)])

    def call(self, node: tree.Call, route: tree.Route) -> None:
        """One call: the function exists, may be called here, and has as many arguments as it takes."""
        found = self.registry.functions.get(node.name)
        if found is None:
            self.unknown(node, route)
            return
        if wrong := self.begun(route) & ~found.declaration.routes:
            self.misplaced(node, found.declaration, wrong, route)
        if not self.comma(node, found.declaration):
            self.count(node, found.declaration)
        self.armed(node)
        self.log_level(node)

    def comma(self, node: tree.Call, declared: ScriptFunction) -> bool:
        """Whether a comma is refused that has nothing behind it: OpenSIPS leaves arguments out where a module may have
        one, and nowhere in the functions of its core that only print."""
        most = 1 if node.name in PRINTS else declared.arity[1]
        wrong = bool(node.arguments) and node.arguments[-1] is None and most is not None and len(node.arguments) > most
        if wrong:
            comma = max((self.diagnostics.line(node.end) or "").rfind(",", 0, node.end.column - 1), 0)
            self.diagnostics.error(f"nothing stands behind the last comma in the call of {node.name}",
                                   Place(node.end.file, node.end.line, comma + 1), fix="remove it")
        return wrong

    def log_level(self, node: tree.Call) -> None:
        """The level of xlog(level, text). OpenSIPS goes by one letter of it, the third."""
        text = node.arguments[-1] if node.name == "xlog" and node.arguments else None
        if isinstance(text, tree.Number):
            self.diagnostics.error(f"xlog, argument 'text': a text is needed, not the number {text.value}", text.place,
                                   fix=f'write "{text.value}" with quotes')
        given = node.name in PRINTS and len(node.arguments) == 2 and node.arguments[1] is not None
        first = node.arguments[0] if given else None
        if not isinstance(first, tree.String) or "$" in first.value:
            return
        try:
            level_of(first.value)
        except ValueError as error:
            message, fix = str(error), did_you_mean(first.value, NAMES)
            if first.value[2:3] in LETTERS:
                self.diagnostics.warning(message, first.place, fix=fix)
            else:
                self.diagnostics.error(message, first.place, fix=fix or f"write {' or '.join(NAMES)}")

    def misplaced(self, node: tree.Call, declared: ScriptFunction, wrong: Route, route: tree.Route) -> None:
        """A call in a route that may run as part of one where the function is not allowed."""
        works = "it works in " + ", ".join(TITLES[kind] for kind in Route if kind & declared.routes)
        if route.kind != "route" or not plain(route):
            self.diagnostics.error(f"{node.name} cannot be called in {article(route.kind)} {route.kind}", node.place,
                                   fix=works)
            return
        kinds = ", ".join(TITLES[kind] for kind in Route if kind & wrong)
        # OpenSIPS looks at each route alone, so scripts that work have this: what fails there is false, and logged
        message = f"{node.name} is not for {title(route)} where that runs in {article(kinds)} {kinds}"
        self.diagnostics.warning(message, node.place, fix=works,
                                 related=[("called here", each) for each in self.callers(route, wrong)])

    def callers(self, route: tree.Route, begun: Route) -> list[Place]:
        """Where a run that began in a route of the kinds *begun* first comes to *route*."""
        return [node.place for each in self.routes if self.begun(each) & begun
                for node, name in routes_named(each) if name in (None, plain(route))][:1]

    def unknown(self, node: tree.Call, route: tree.Route) -> None:
        """A function that nobody declares."""
        if self.absent.explained("functions", node.name):
            return
        message, _, hint = self.registry.missing_function(node.name).partition(": ")
        renamed = renames.advice("functions", node.name) if self.registry.dialect == "4.0" else ""
        if renamed:
            message, hint = f"function {node.name} is unknown", renamed
        elif id(node) not in self.waiting and any(each.kind == "route" and plain(each) == node.name
                                                  for each in self.routes):
            hint = f"write route({node.name}) instead of {node.name}()" if not node.arguments else \
                f"write route({node.name}, ...) to run the route"
        elif node.name in SET and node.arguments and isinstance(node.arguments[0], tree.Variable):
            sign = "==" if "null" in node.name or "empty" in node.name else "!="
            hint = f"write {node.arguments[0].text} {sign} NULL"
        elif node.name in PRINTING:
            hint = "did you mean xlog?"
        elif node.name in TITLES.values():
            hint = f"write route instead of {node.name}"
        elif not hint.startswith("add ") and (fitting := self.nearest(node, route)):
            hint = f"did you mean {fitting}?"
        self.diagnostics.error(message, node.place, fix=hint)

    def nearest(self, node: tree.Call, route: tree.Route) -> str:
        """The function that was meant: of names that are alike, the first that takes as many arguments."""
        begun = self.begun(route)
        fitting = [name for name, each in self.registry.functions.items() if not begun & ~each.declaration.routes]
        alike = get_close_matches(node.name, fitting, 5, 0.7) or \
            get_close_matches(node.name, list(self.registry.functions), 5, 0.7)
        given = len(node.arguments)
        for each in alike:
            least, most = self.registry.functions[each].declaration.arity
            if least <= given and (most is None or given <= most):
                return each
        return next(iter(alike), "")

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
        """async() and launch() are for functions that wait, and for routes in Python, which may."""
        found = self.registry.functions.get(node.call.name)
        if found is not None and not found.declaration.waits and found.declaration.returns != "value":
            word = "async" if isinstance(node, tree.Async) else "launch"
            name = node.call.name
            self.diagnostics.error(f"{name} never waits, and {word} is for functions that do", node.call.place,
                                   fix=f"call {name} without {word}")


def article(kind: str) -> str:
    """The article of a kind of route."""
    return "an" if kind[:1] in "aeiou" else "a"


def second(route: tree.Route) -> str:
    """What to do about the second route of one kind and name."""
    if plain(route):
        return "give one of them another name"
    return "name one of them, as in route[name], or remove it" if route.kind == "route" else "remove one of them"
