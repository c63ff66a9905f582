"""One configuration as it stands in the editor: what is wrong with it, and where its names are."""
from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from opensips_py.lsp import python_files
from opensips_py.lsp.python_files import Named, PythonText
from opensips_py.lsp.scopes import Block, Local, Scopes
from opensips_py.lsp.text import VARIABLE, without_comments
from opensips_py.script import tree
from opensips_py.script.configuration import Configuration
from opensips_py.script.diagnostics import Diagnostics, Place
from opensips_py.script.preprocessor import Preprocessor
from opensips_py.script.routes import called, kind_named, routes_armed
from opensips_py.script.walk import nodes
from opensips_py.server.verdict import verdict

PRIVATE = ("var", "avp", "bavp")  # variables whose names are the script's own
PYTHON, LOCAL = "Python route", "local"  # kinds of mentions beside those and the kinds of routes
NAME = re.compile(r"[\w.:-]+")
AS_IT_STANDS = "this text is taken as it stands"  # of the warning of a local in a text that is not replaced


@dataclass(frozen=True, slots=True)
class Mention:
    """A place that means a route, a variable or a local: *kind* is route, failure_route ..., Python route, var, local.

    *local* is the one that is meant, *is_spelled* says that the name stands there, and not a word that was defined to
    mean it.
    """

    kind: str
    name: str
    place: Place
    defines: bool = False
    local: Local | None = None
    is_spelled: bool = True


class Analysis:
    """The configuration *path*, its files read by *reader*."""

    def __init__(self, path: str, reader: Callable[[str], str]) -> None:
        self.path, self.reader = path, reader
        self.configuration: Configuration = verdict(path, reader, notes=False).configuration
        self.script, self.registry = self.configuration.script, self.configuration.registry
        self.texts = self.configuration.diagnostics.texts
        self.scopes = Scopes(Preprocessor(Diagnostics(), reader).tokens(path), self.texts)
        self.signatures: dict[str, tree.Route] = {each.name: each for each in self.script.of(tree.Route)
                                                  if each.kind == "route" and each.name and not each.broken}
        self.python = python_files.routes(self.registry)
        self.python_texts = [python_files.examined(each, self.texts[each]) for each in self.imported()]
        self.mentions = [*self.locals(), *self.routes(), *self.variables(), *self.in_python()]

    def findings(self) -> list[dict[str, Any]]:
        """What is to be said of all its files, as plain data."""
        return self.configuration.diagnostics.as_data()

    @property
    def files(self) -> list[str]:
        """The files that it consists of."""
        return list(self.texts)

    def imported(self) -> list[str]:
        """The Python files among them."""
        wanted = {each for item in self.script.of(tree.ImportPython) for each in (
            item.path.value, os.path.join(os.path.dirname(item.path.place.file), item.path.value))}
        return [each for each in self.texts if each in wanted]

    # Mentions

    def locals(self) -> Iterator[Mention]:
        """Where locals are declared and named; a text that is taken as it stands names none."""
        found = self.configuration.diagnostics.found
        literal = {(each.place.file, each.place.line, each.place.column) for each in found
                   if each.message.endswith(AS_IT_STANDS)}
        for use in self.scopes.uses:
            if (use.token.place.file, use.token.place.line, use.token.place.column) not in literal:
                yield Mention(LOCAL, use.local.name, use.place, use.place == use.local.place, use.local, use.is_spelled)
        for route in self.scopes.routes:
            for name, place in route.bare:
                yield Mention("var", name, place, True)

    def routes(self) -> Iterator[Mention]:
        """Where routes are defined and called."""
        for route in self.script.of(tree.Route):
            if route.name:
                yield Mention(route.kind, route.name, route.name_place, True,
                              is_spelled=self.spelled(route.name, route.name_place))
            for node in nodes(route):
                if isinstance(node, (tree.RouteCall, tree.Async, tree.Launch)):
                    yield from self.named("route", node.route)
                elif isinstance(node, tree.Call):
                    if node.name in self.python:
                        yield Mention(PYTHON, node.name, node.place, is_spelled=self.spelled(node.name, node.place))
                    for given, kind, _ in routes_armed(node, self.registry.functions):
                        yield from self.named(kind, given)
        yield from self.of_parameters()
        for name, each in self.python.items():
            yield Mention(PYTHON, name, python_files.home(each, self.reader), True)

    def of_parameters(self) -> Iterator[Mention]:
        """The routes that modparam lines name."""
        for item in self.script.of(tree.ModParam):
            module = self.registry.modules.get(item.module.value)
            declared = module.declarations.parameter(item.parameter.value) if module is not None else None
            kind = kind_named(declared.kind) if declared is not None else ""
            if kind:
                yield from self.named(kind, item.value)

    def named(self, kind: str, node: tree.Expression | None) -> Iterator[Mention]:
        """The route that an expression names, if it names one; a Python route where the script has none."""
        name = called(node)
        if node is None or not name:
            return
        if kind == "route" and name in self.python and name not in self.signatures:
            kind = PYTHON
        place = self.inner(node) if isinstance(node, tree.String) else node.place
        yield Mention(kind, name, place, is_spelled=self.spelled(name, place))

    def inner(self, node: tree.String) -> Place:
        """The place of a quoted text without its quotes."""
        line = self.configuration.diagnostics.line(node.place) or ""
        quoted = line[node.place.column - 1:node.place.column] in ("'", '"')
        return node.place.inside(int(quoted), len(node.value))

    def spelled(self, name: str, place: Place) -> bool:
        """Whether *name* stands at a place as it is."""
        line = self.configuration.diagnostics.line(place) or ""
        return line.startswith(name, place.column - 1)

    def variables(self) -> Iterator[Mention]:
        """Where variables of the script are read and written."""
        for file, lines in self.texts.items():
            for number, line in enumerate(without_comments("\n".join(lines)).split("\n"), 1):
                for match in VARIABLE.finditer(line):
                    if match[1] in PRIVATE and NAME.fullmatch(match[2] or ""):
                        yield Mention(match[1], match[2], Place(file, number, match.start(2) + 1, len(match[2])))

    def in_python(self) -> Iterator[Mention]:
        """What Python files name."""
        for each in (named for text in self.python_texts for named in text.names):
            kind = self.kind_in_python(each)
            if kind:
                yield Mention(kind, each.name, each.place, is_spelled=each.is_spelled)

    def kind_in_python(self, named: Named) -> str:
        """What a text in a Python file is the name of."""
        if named.kind in ("route", "function"):
            if named.kind == "route" and named.name in self.signatures:
                return "route"
            return PYTHON if named.name in self.python else ""
        return named.kind

    # Questions

    def at(self, file: str, line: int, column: int) -> Mention | None:
        """What is mentioned at a place; line and column count from 1."""
        for each in self.mentions:
            place = each.place
            if (place.file, place.line) == (file, line) and place.column <= column <= place.column + place.length:
                return each
        return None

    def like(self, mention: Mention) -> list[Mention]:
        """All places that mean the same, each once."""
        found = {each.place: each for each in self.mentions
                 if (each.kind, each.name, each.local) == (mention.kind, mention.name, mention.local)}
        return list(found.values())

    def names(self, *kinds: str) -> list[str]:
        """The names of these kinds that the configuration has."""
        return sorted({each.name for each in self.mentions if each.kind in kinds and (each.defines or
                                                                                      each.kind in PRIVATE)})

    def seen_at(self, file: str, line: int, column: int) -> list[Local]:
        """The locals that may be named at a place."""
        return self.scopes.seen_at(file, line, column)

    def route_at(self, file: str, line: int, column: int) -> Block | None:
        """The route that a place lies in."""
        return self.scopes.route_at(file, line, column)

    def unread_python(self) -> PythonText | None:
        """A Python file that nobody can read as it stands."""
        return next((each for each in self.python_texts if not each.is_read), None)
