"""Script variables that are read and never set: most often a slip of the pen."""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from opensips_py.module.kinds import FormatKind, Integer, Text
from opensips_py.script import tree
from opensips_py.script.diagnostics import Diagnostics, did_you_mean
from opensips_py.script.walk import nodes

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry

USE = re.compile(r"\$\(?\s*var\(\s*([^()$]+?)\s*\)")
CHANGING = re.compile(r"\$\(?\s*var\([^()]*\$")  # a name that only the run knows


def warn(script: tree.Script, registry: Registry, diagnostics: Diagnostics) -> None:
    """Warn of each $var that is read while nothing sets it."""
    routes = script.of(tree.Route)
    written: set[str] = set()
    for each in script.of(tree.ModParam):
        written.update(USE.findall(str(each.value.value)))
    for route in routes:
        written.update(each.name for each in route.parameters if not each.is_local)
        for text in texts_written(route, registry):
            if CHANGING.search(text):
                return
            written.update(USE.findall(text))
    for name, node in first_reads(routes):
        if name not in written:
            diagnostics.warning(f"nothing ever sets $var({name}): it is always NULL", node.place,
                                fix=did_you_mean(name, written))


def texts_written(route: tree.Node, registry: Registry) -> Iterator[str]:
    """The variables, and texts that may name some, which *route* assigns or lets functions assign."""
    for node in nodes(route):
        if isinstance(node, (tree.Assign, tree.ForEach)):
            yield node.target.text
        elif isinstance(node, tree.Call):
            found = registry.functions.get(node.name)
            arguments = found.declaration.arguments if found is not None else ()
            for index, given in enumerate(node.arguments):
                kind = arguments[min(index, len(arguments) - 1)].kind.bare if arguments else None
                replaced = type(kind) in (Text, FormatKind) or isinstance(kind, Integer)
                if not replaced and isinstance(given, (tree.Variable, tree.String)):
                    yield given.text if isinstance(given, tree.Variable) else given.value


def first_reads(routes: Iterable[tree.Route]) -> Iterator[tuple[str, tree.Node]]:
    """Each name that occurs, with the place where it does so first."""
    seen: set[str] = set()
    for route in routes:
        for node in nodes(route):
            text = node.text if isinstance(node, tree.Variable) else node.value if isinstance(node, tree.String) else ""
            for name in USE.findall(text):
                if name not in seen:
                    seen.add(name)
                    yield name, node
