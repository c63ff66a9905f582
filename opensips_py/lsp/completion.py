"""What may stand where the cursor is."""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from opensips_py import describe
from opensips_py.lsp.analysis import PRIVATE, Analysis
from opensips_py.lsp.text import call_at, depth
from opensips_py.module import loader
from opensips_py.module.kinds import RouteName
from opensips_py.module.registry import Registry
from opensips_py.script import globals
from opensips_py.script.parser import TOP_WORDS
from opensips_py.script.routes import KINDS

STATEMENTS = ("if", "else", "while", "for", "switch", "case", "default", "break", "return", "exit", "drop", "route",
              "async", "launch", "assert")


@dataclass(frozen=True, slots=True)
class Proposal:
    """One word that fits; *kind* is function, variable, keyword, module, parameter, route or transformation."""

    label: str
    kind: str
    help: str = ""
    detail: str = ""


def proposals(analysis: Analysis, text: str, line: int, column: int) -> list[Proposal]:
    """What fits at *line* and *column* (from 0) of *text*."""
    lines = text.split("\n")
    before = lines[line][:column]
    registry = analysis.configuration.registry
    if match := re.search(r"\$\(?(?:<\w+>)?(?:(var|avp|bavp)\()?[\w.]*$", before):
        return list(own_variables(analysis, match[1]) if match[1] else variables(registry))
    if re.search(r"\{[\w.]*$", before) and "$" in before:
        return [Proposal(name, "transformation", each.declaration.help)
                for name, each in sorted(registry.transformations.items())]
    if re.match(r'\s*loadmodule\s+"?[\w.-]*$', before):
        return list(modules())
    call = call_at(before)
    if call is not None and (named := in_call(analysis, *call)) is not None:
        return named
    if depth("\n".join([*lines[:line], before])):
        return [*functions(registry), *(Proposal(word, "keyword") for word in STATEMENTS)]
    return list(top(analysis))


def in_call(analysis: Analysis, name: str, place: int, given: list[str]) -> list[Proposal] | None:
    """What an argument of a call may be; None where nothing special is known."""
    registry = analysis.configuration.registry
    if name == "modparam":
        if place == 0:
            return [Proposal(each, "module") for each in registry.modules]
        return list(parameters(registry, given[0])) if given and place == 1 else None
    if name == "route":
        return routes(analysis, ["route"]) if place == 0 else None
    bound = registry.functions.get(name)
    if bound is None or place >= len(bound.declaration.arguments):
        return None
    kind = bound.declaration.arguments[place].kind
    if isinstance(kind, RouteName):
        return routes(analysis, [name for name, route in KINDS.items() if route & kind.route])
    return None


def routes(analysis: Analysis, kinds: list[str]) -> list[Proposal]:
    """The routes of these kinds."""
    return [Proposal(each, "route") for each in analysis.names(*kinds)]


def functions(registry: Registry) -> Iterator[Proposal]:
    """The functions of the loaded modules and of the core."""
    for name, bound in sorted(registry.functions.items()):
        data = describe.function_data(bound.declaration)
        yield Proposal(name, "function", describe.function_text(data),
                       f"({describe.arguments_line(data['args'])}) {bound.module.name}")


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
