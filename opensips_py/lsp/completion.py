"""What may stand where the cursor is."""
from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opensips_py import describe
from opensips_py.lsp import hover
from opensips_py.lsp.analysis import PRIVATE, Analysis
from opensips_py.lsp.scopes import Block, Local
from opensips_py.lsp.text import call_at, depth
from opensips_py.module import loader
from opensips_py.module.kinds import Kind
from opensips_py.module.registry import Registry
from opensips_py.script import globals
from opensips_py.script.parser import TOP_WORDS
from opensips_py.script.routes import KINDS, kind_named
from opensips_py.script.statements import LOCAL_TYPES

STATEMENTS = ("if", "else", "while", "for", "switch", "case", "default", "break", "return", "exit", "drop", "route",
              "async", "launch", "assert", "local")
VARIABLE = re.compile(r"\$\(?(?:<\w+>)?(?:(var|avp|bavp|param)\()?[\w.]*$")
LOCAL = re.compile(r"\blocal\s+\w*$")
HEAD = re.compile(r"\s*route\s*\[[^\]]*\]\s*\((?:[^()]*,)?\s*\w*$")
BRACKET = re.compile(r"\broute\s*\[\s*[\w.-]*$")
QUOTES = re.compile(r'\\.|#.*')
ROUTE_AT = {"route": 0, "async": 1, "launch": 1}  # which argument of these words is the name of a route


@dataclass(frozen=True, slots=True)
class Proposal:
    """One word that fits; *kind* is function, variable, local, keyword, module, parameter, route or transformation."""

    label: str
    kind: str
    help: str = ""
    detail: str = ""


def proposals(analysis: Analysis, path: str, text: str, line: int, column: int) -> list[Proposal]:
    """What fits at *line* and *column* (from 0) of *text*, which is that of the file *path*."""
    lines = text.split("\n")
    before = lines[line][:column]
    registry = analysis.registry
    if match := VARIABLE.search(before):
        if match[1] == "param":
            return list(parameters_of(analysis.route_at(path, line + 1, column + 1)))
        return list(own_variables(analysis, match[1])) if match[1] else [
            *locals_(analysis.seen_at(path, line + 1, column + 1)), *variables(registry)]
    if re.search(r"\{[\w.]*$", before) and "$" in before:
        return [Proposal(name, "transformation", each.declaration.help)
                for name, each in sorted(registry.transformations.items())]
    if re.match(r'\s*loadmodule\s+"?[\w.-]*$', before):
        return list(modules())
    is_inside = depth("\n".join([*lines[:line], before])) > 0 or analysis.route_at(path, line + 1, 1) is not None
    if LOCAL.search(before) if is_inside else HEAD.match(before):
        return [Proposal(each, "keyword") for each in LOCAL_TYPES]
    if is_inside and BRACKET.search(before):
        return list(routes(analysis, "route"))
    call = call_at(before)
    if call is not None and (named := in_call(analysis, *call)) is not None:
        return named
    if call is not None and QUOTES.sub("", before).count('"') % 2:
        return []  # inside of a text
    if is_inside:
        return [*functions(registry), *(Proposal(word, "keyword") for word in STATEMENTS)]
    return list(top(analysis))


def in_call(analysis: Analysis, name: str, place: int, given: list[str]) -> list[Proposal] | None:
    """What an argument of a call may be; None where nothing special is known."""
    registry = analysis.registry
    if name == "modparam":
        if place == 0:
            return [Proposal(each, "module") for each in registry.modules]
        if place == 2:
            return values(parameter_kind(registry, *given[:2]))
        return list(parameters(registry, given[0])) if given and place == 1 else None
    if name in ROUTE_AT:
        return list(routes(analysis, "route")) if place == ROUTE_AT[name] else None
    bound = registry.functions.get(name)
    if bound is None or place >= len(bound.declaration.arguments):
        return None
    wanted = bound.declaration.arguments[place].kind
    kind = kind_named(wanted)
    return list(routes(analysis, kind)) if kind else values(wanted)


def values(kind: Kind | None) -> list[Proposal] | None:
    """The words that a kind of value knows; None where it knows none."""
    words = kind.complete() if kind is not None else ()
    return [Proposal(each, "keyword") for each in words] or None


def parameter_kind(registry: Registry, module: str = "", name: str = "") -> Kind | None:
    """The kind of values that a parameter takes."""
    loaded = registry.modules.get(module)
    declared = loaded.declarations.parameter(name) if loaded is not None else None
    return declared.kind if declared is not None else None


def routes(analysis: Analysis, kind: str) -> Iterator[Proposal]:
    """The routes of a kind, with their parameters; those written in Python as well."""
    for name in analysis.names(kind):
        detail = hover.parameters(analysis, name) + hover.result(analysis, name) if kind == "route" else ""
        yield Proposal(name, "route", "", detail)
    if kind == "route":
        for name, each in sorted(analysis.python.items()):
            if name not in analysis.signatures:
                yield Proposal(name, "route", each.declaration.help, hover.python_parameters(each))


def functions(registry: Registry) -> Iterator[Proposal]:
    """The functions of the loaded modules and of the core."""
    for name, bound in sorted(registry.functions.items()):
        data = describe.function_data(bound.declaration)
        yield Proposal(name, "function", describe.function_text(data),
                       f"({describe.arguments_line(data['args'])}) {os.path.basename(bound.module.name)}")


def locals_(found: Iterable[Local]) -> Iterator[Proposal]:
    """Locals."""
    for each in found:
        yield Proposal(each.name, "local", "", hover.declaration(each))


def parameters_of(route: Block | None) -> Iterator[Proposal]:
    """What $param() may name in a route."""
    if route is not None:
        yield from locals_(each for each in route.locals if each.is_parameter)
        yield from (Proposal(name, "local") for name, _ in route.bare)


def variables(registry: Registry) -> Iterator[Proposal]:
    """The pseudo-variables."""
    for name, bound in sorted(registry.variables.items()):
        yield Proposal(name, "variable", bound.declaration.help, bound.module.name)
    yield from (Proposal(name, "variable") for name in PRIVATE if name not in registry.variables)


def own_variables(analysis: Analysis, kind: str) -> Iterator[Proposal]:
    """The script's own variables of one kind."""
    yield from (Proposal(name, "variable") for name in analysis.names(kind))


def modules() -> Iterator[Proposal]:
    """What can be loaded."""
    for name in loader.available():
        yield Proposal(f"{name}.so", "module")


def parameters(registry: Registry, module: str) -> Iterable[Proposal]:
    """The parameters of a loaded module."""
    found = registry.modules.get(module)
    for each in found.declarations.parameters if found is not None else ():
        yield Proposal(each.name, "parameter", each.help,
                       describe.parameter_line(describe.parameter_data(each, registry.dialect)))


def top(analysis: Analysis) -> Iterator[Proposal]:
    """What may stand outside routes."""
    spoken = analysis.configuration.dialect
    for each in globals.TABLE:
        if each.default(spoken) is not globals.ABSENT:
            yield Proposal(each.name, "parameter", each.effect)
    yield from (Proposal(word, "keyword") for word in dict.fromkeys((*TOP_WORDS, *KINDS)))
