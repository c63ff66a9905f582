"""Names of OpenSIPS 2.1 in a script of 4.0: they work here, and nowhere else."""
from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from opensips_py.module import loader
from opensips_py.script import renames, tree
from opensips_py.script.converting.functions import with_words
from opensips_py.script.diagnostics import Diagnostics, Place
from opensips_py.script.remedies import Edit, at
from opensips_py.script.renames import Renamed
from opensips_py.script.walk import nodes

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry

VARIABLE = re.compile(r"\$(\(?)(?:<\w+>)?([\w.]+)")
EXACT = frozenset(("globals", "variables", "functions"))  # kinds whose new name takes the place of the old one


def check(script: tree.Script, registry: Registry, diagnostics: Diagnostics) -> None:
    """Warn of each place; a script of 2.1 is right to use them."""
    if registry.dialect == "2.1":
        return
    letters(script, diagnostics)
    refused = {each.place for each in diagnostics.errors}
    for kind, name, found, place in old_names(script, registry):
        if place in refused:
            continue
        edits = edits_for(kind, name, found, place, diagnostics)
        sign = "$" if kind == "variables" else ""
        instead = f"{sign if found.to else ''}{found.words}"
        diagnostics.warning(f"{sign}{name} is of OpenSIPS 2.1: OpenSIPS 4.0 has {instead}", place, "",
                            f"write {instead}", (), edits, is_sure=bool(edits) and not found.module)


def letters(script: tree.Script, diagnostics: Diagnostics) -> None:
    """Warn of flags as letters, which are words since OpenSIPS 3.2."""
    for node in (node for route in script.of(tree.Route) for node in nodes(route)):
        if not isinstance(node, tree.Call) or node.name not in ("save", "lookup") or len(node.arguments) < 2:
            continue
        flags = node.arguments[1]
        changed = with_words(node.name, ["", f'"{flags.value}"']) if isinstance(flags, tree.String) else None
        if changed is not None and isinstance(flags, tree.String):
            words = changed[changed.index('"'):changed.rindex('"') + 1]
            diagnostics.warning(f'{node.name}, flags "{flags.value}": OpenSIPS 4.0 has words instead of letters',
                                flags.place, "", f"write {words}", (), [at(flags.place, words)], is_sure=True)


def old_names(script: tree.Script, registry: Registry) -> Iterator[tuple[str, str, Renamed, Place]]:
    """Kind, old name, what it has become, where."""
    for item in script.items:
        kind, name, place = "", "", item.place
        if isinstance(item, tree.Global):
            kind, name = "globals", item.name
        elif isinstance(item, tree.LoadModule):
            kind, name, place = "modules", loader.module_name(item.name), item.name_place
        elif isinstance(item, tree.ModParam):
            kind, name, place = "params", f"{item.module.value}.{item.parameter.value}", item.parameter.place
        elif isinstance(item, tree.Route):
            yield from in_route(item, registry)
            continue
        else:
            continue
        found = renames.find(kind, name)
        if found is not None:
            yield kind, name.rpartition(".")[2] if kind == "params" else name, found, place


def in_route(route: tree.Route, registry: Registry) -> Iterator[tuple[str, str, Renamed, Place]]:
    """Functions and variables that one route uses."""
    for node in nodes(route):
        if isinstance(node, tree.Call) and (found := renames.find("functions", node.name)) is not None \
                and node.name in registry.functions:
            yield "functions", node.name, found, node.place
        elif isinstance(node, tree.Variable) and (match := VARIABLE.match(node.text)) \
                and (found := renames.find("variables", match[2])) is not None:
            yield "variables", match[2], found, node.place


def edits_for(kind: str, name: str, found: Renamed, place: Place, diagnostics: Diagnostics) -> list[Edit]:
    """The new name in place of the old one, where that is all."""
    start = (diagnostics.line(place) or "").find(name, place.column - 1)
    if kind not in EXACT or not found.to or found.how or start < 0:
        return []
    return [at(place, found.to, start + 1, len(name))]
