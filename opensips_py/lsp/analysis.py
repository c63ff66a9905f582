"""One configuration as it stands in the editor: what is wrong with it, and where its names are."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from opensips_py.lsp.text import VARIABLE, without_comments
from opensips_py.module.kinds import RouteName
from opensips_py.script import tree
from opensips_py.script.configuration import Configuration
from opensips_py.script.diagnostics import Place
from opensips_py.script.routes import KINDS
from opensips_py.script.walk import nodes
from opensips_py.server.verdict import verdict

PRIVATE = ("var", "avp", "bavp")  # variables whose names are the script's own


@dataclass(frozen=True, slots=True)
class Mention:
    """A place that means a route or a variable: *kind* is route, failure_route ... or var, avp."""

    kind: str
    name: str
    place: Place
    defines: bool = False


class Analysis:
    """The configuration *path*, its files read by *reader*."""

    def __init__(self, path: str, reader: Callable[[str], str]) -> None:
        self.path = path
        self.configuration: Configuration = verdict(path, reader, notes=False).configuration
        self.mentions = [*self.routes(), *self.variables()]

    def findings(self) -> list[dict[str, Any]]:
        """What is to be said of all its files, as plain data."""
        return self.configuration.diagnostics.as_data()

    @property
    def files(self) -> list[str]:
        """The files that it consists of."""
        return list(self.configuration.diagnostics.texts)

    def routes(self) -> Iterator[Mention]:
        """Where routes are defined and called."""
        for route in self.configuration.script.of(tree.Route):
            if route.name:
                yield Mention(route.kind, route.name, route.name_place, True)
            for node in nodes(route):
                if isinstance(node, (tree.RouteCall, tree.Async, tree.Launch)):
                    yield from self.named("route", node.route)
                elif isinstance(node, tree.Call):
                    yield from self.in_call(node)

    def in_call(self, call: tree.Call) -> Iterator[Mention]:
        """The routes that the arguments of a function name, as in t_on_failure("x")."""
        bound = self.configuration.registry.functions.get(call.name)
        declared = bound.declaration.arguments if bound is not None else ()
        for argument, given in zip(declared, call.arguments, strict=False):
            if isinstance(argument.kind, RouteName):
                kinds = [name for name, route in KINDS.items() if route & argument.kind.route]
                for kind in kinds[:1]:
                    yield from self.named(kind, given)

    def named(self, kind: str, node: tree.Expression | None) -> Iterator[Mention]:
        """The route that an expression names, if it names one."""
        if isinstance(node, tree.String) and "$" not in node.value:
            yield Mention(kind, node.value, self.inner(node))
        elif isinstance(node, tree.Name):
            yield Mention(kind, node.name, node.place)

    def inner(self, node: tree.String) -> Place:
        """The place of a quoted text without its quotes."""
        line = self.configuration.diagnostics.line(node.place) or ""
        quoted = line[node.place.column - 1:node.place.column] in ("'", '"')
        return node.place.inside(int(quoted), len(node.value))

    def variables(self) -> Iterator[Mention]:
        """Where variables of the script are read and written."""
        for file, lines in self.configuration.diagnostics.texts.items():
            for number, line in enumerate(without_comments("\n".join(lines)).split("\n"), 1):
                for match in VARIABLE.finditer(line):
                    if match[1] in PRIVATE and match[2]:
                        yield Mention(match[1], match[2], Place(file, number, match.start(2) + 1, len(match[2])))

    def at(self, file: str, line: int, column: int) -> Mention | None:
        """What is mentioned at a place; line and column count from 1."""
        for each in self.mentions:
            place = each.place
            if (place.file, place.line) == (file, line) and place.column <= column <= place.column + place.length:
                return each
        return None

    def like(self, mention: Mention) -> list[Mention]:
        """All places that mean the same."""
        return [each for each in self.mentions if (each.kind, each.name) == (mention.kind, mention.name)]

    def names(self, *kinds: str) -> list[str]:
        """The names of these kinds that the configuration has."""
        return sorted({each.name for each in self.mentions if each.kind in kinds and (each.defines or
                                                                                      each.kind in PRIVATE)})
