"""Where the same text would mean something else in the other dialect: what `check` notes of a configuration."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from opensips_py.module import loader
from opensips_py.module.base import Module
from opensips_py.module.declare import Argument, ByDialect, Dialect
from opensips_py.module.registry import Registry
from opensips_py.script import dialect, globals, operators, tree
from opensips_py.script.configuration import Configuration
from opensips_py.script.diagnostics import NOWHERE, Place
from opensips_py.script.dialect import OTHER
from opensips_py.script.walk import nodes

Finding = tuple[str, Place]
CONSTANTS = (tree.Number, tree.String, tree.Null, tree.Address, tree.Name)


def add_notes(configuration: Configuration) -> None:
    """Note in the diagnostics which dialect was chosen, why, and each place where that matters."""
    for message, place in findings(configuration):
        configuration.diagnostics.note(message, place)


def findings(configuration: Configuration) -> Iterator[Finding]:
    """All there is to note."""
    spoken = configuration.dialect
    yield reason(configuration, spoken)
    yield from core_defaults(configuration, spoken)
    yield from module_defaults(configuration, spoken)
    yield from in_routes(configuration, spoken)


def reason(configuration: Configuration, spoken: Dialect) -> Finding:
    """Why the dialect is what it is."""
    script = configuration.script
    for each in script.of(tree.Global):
        if each.name == "dialect":
            return f"the dialect is {spoken}, as the script says", each.place
    found = sorted(dialect.marks(script), key=lambda each: each.is_hint)
    for mark in found:
        if mark.dialect == spoken and not mark.is_hint:
            return f"the dialect is {spoken}: only that has {mark.what}", mark.place
    if configuration.fits:
        return f"the dialect is {spoken}: in {OTHER[spoken]} more of the script would be wrong", NOWHERE
    for mark in found:
        if mark.dialect == spoken:
            return f"the dialect is {spoken}: {mark.what} suggests it", mark.place
    return f"the dialect is {spoken}: nothing in the script tells", NOWHERE


def core_defaults(configuration: Configuration, spoken: Dialect) -> Iterator[Finding]:
    """Core parameters that the script leaves to a default which the dialect decides."""
    for each in globals.TABLE:
        if each.idle or each.kept_as in configuration.given or globals.ABSENT in (each.v21, each.v40):
            continue
        if each.v21 != each.v40:
            yield by_default(each.name, each.default(spoken), each.default(OTHER[spoken]), spoken), NOWHERE


def module_defaults(configuration: Configuration, spoken: Dialect) -> Iterator[Finding]:
    """The same of modules, at their loadmodule lines."""
    for each in configuration.script.of(tree.LoadModule):
        module = configuration.registry.modules.get(loader.module_name(each.name))
        if module is None:
            continue
        given = configuration.registry.parameters_set.get(module.name, ())
        for parameter in module.declarations.parameters:
            default = parameter.default
            if isinstance(default, ByDialect) and parameter.name not in given:
                yield (by_default(f"{parameter.name} of {module.name}", default.of(spoken), default.of(OTHER[spoken]),
                                  spoken), each.name_place)


def by_default(name: str, value: Any, other: Any, spoken: Dialect) -> str:
    """A default and what it would be otherwise."""
    here, there = (int(each) if isinstance(each, bool) else each for each in (value, other))
    return f"{name} is {here!r} as nothing sets it; in {OTHER[spoken]} it is {there!r}"


def in_routes(configuration: Configuration, spoken: Dialect) -> Iterator[Finding]:
    """Functions and comparisons that the dialects understand differently."""
    differing = both_ways(configuration.registry.modules.values())
    for route in configuration.script.of(tree.Route):
        for node in nodes(route):
            if isinstance(node, tree.Call) and node.name in differing:
                here, there = (differing[node.name][each] for each in (spoken, OTHER[spoken]))
                given = len(node.arguments)
                differs = [each.kind for each in here[:given]] != [each.kind for each in there[:given]]
                if differs and named(here) != named(there):
                    yield (f"{node.name} takes {named(here)} here; in {OTHER[spoken]}, {named(there)}", node.place)
            elif isinstance(node, tree.Call) and spoken == "2.1" and is_newer(node.name, configuration.registry):
                yield f"{node.name} is newer than OpenSIPS 2.1", node.place
            elif isinstance(node, tree.Comparison):
                yield from of_null(node, spoken)
            elif isinstance(node, tree.Assign) and node.operator not in ("=", ":="):
                rule = {"2.1": "only assigns what stands on its right", "4.0": "computes with the value there was"}
                yield f"'{node.operator}' {rule[spoken]}; in {OTHER[spoken]} it {rule[OTHER[spoken]]}", node.place


def is_newer(function: str, registry: Registry) -> bool:
    """Whether a script of 2.1 borrows *function* from 4.0."""
    found = registry.functions.get(function)
    return found is not None and registry.is_foreign(found.declaration)


def named(arguments: tuple[Argument, ...]) -> str:
    """Arguments as a note lists them."""
    return ", ".join(each.name for each in arguments) or "none"


def both_ways(modules: Iterable[Module]) -> dict[str, dict[Dialect, tuple[Argument, ...]]]:
    """The functions that each dialect has in a form of its own, with their arguments."""
    forms: dict[str, dict[Dialect, tuple[Argument, ...]]] = {}
    for module in modules:
        for each in module.declarations.functions:
            if each.dialect is not None:
                forms.setdefault(each.name, {})[each.dialect] = each.arguments
    return {name: found for name, found in forms.items() if len(found) == len(OTHER)}


def of_null(node: tree.Comparison, spoken: Dialect) -> Iterator[Finding]:
    """A comparison whose result for NULL the dialect decides."""
    left, right = (node.right, node.left) if isinstance(node.left, CONSTANTS) else (node.left, node.right)
    if isinstance(left, CONSTANTS) or isinstance(right, (tree.Null, tree.Number, tree.Address)):
        return
    kind = "texts" if isinstance(right, (tree.String, tree.Name)) else "values"
    if node.operator in ("=~", "!~") and kind == "texts":
        kind = "patterns"
    ours, others = (getattr(operators.BY_DIALECT[each], kind).get(node.operator) for each in (spoken, OTHER[spoken]))
    if ours is not others:
        rule = {"2.1": "false where its right side is NULL", "4.0": "true there"}
        yield f"'{node.operator}' is {rule[spoken]}; in {OTHER[spoken]} it is {rule[OTHER[spoken]]}", node.place
