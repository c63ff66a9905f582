"""What the manual says of the word under the cursor."""
from __future__ import annotations

import os
import re

from opensips_py import describe
from opensips_py.errors import ConfigError
from opensips_py.lsp.analysis import PRIVATE, PYTHON, Analysis, Mention
from opensips_py.lsp.scopes import Local
from opensips_py.lsp.text import call_at, depth, variable_at, word_at
from opensips_py.module import loader
from opensips_py.module.declare import MISSING
from opensips_py.module.registry import BoundFunction, Registry
from opensips_py.script import globals
from opensips_py.script.diagnostics import Place
from opensips_py.script.route_calls import written

TYPES = {"string": "str"}  # kinds of arguments as Python calls them


def entry(registry: Registry, text: str, line: int, column: int) -> str:
    """The manual's entry, as Markdown, for what stands at *line* and *column* (from 0) of *text*; "" without one."""
    lines = text.split("\n")
    shown = lines[line] if line < len(lines) else ""
    word, start = word_at(shown, column)
    variable = variable_at(shown, column)
    if variable is not None:
        return variable_entry(registry, variable[1])
    before = shown[:start]
    if re.search(r"\{\s*$", before) and word in registry.transformations:
        return f"`{{{word}}}`\n\n{registry.transformations[word].declaration.help}"
    if re.match(r"\s*loadmodule\b", shown) and word != "loadmodule":
        return module_entry(word)
    call = call_at(before)
    if call is not None and call[0] == "modparam":
        return module_entry(word) if call[1] == 0 else parameter_entry(registry, call[2][0], word)
    if word in registry.functions:
        data = describe.function_data(registry.functions[word].declaration)
        return f"```\n{word}({describe.arguments_line(data['args'])})\n```\n\n{describe.function_text(data)}"
    if not depth("\n".join(lines[:line])) and (found := globals.find(word)) is not None:
        return f"`{word}`: core parameter, {found.type}\n\n{found.effect}"
    return ""


def declared(analysis: Analysis, mention: Mention) -> str:
    """The entry of a name of the script: a local, a route, a function written in Python; "" for any other."""
    if mention.local is not None:
        return f"{code(declaration(mention.local))}\n\n{shown_in(mention.local.place)}"
    if mention.kind == PYTHON:
        return python_entry(analysis, mention)
    if mention.kind in PRIVATE:
        return ""
    home = next((each.place for each in analysis.like(mention) if each.defines), None)
    if home is None:
        return ""
    told = remarks(home, analysis)
    head = f"{mention.kind}[{mention.name}]"
    if mention.kind == "route":
        head += parameters(analysis, mention.name) + result(analysis, mention.name)
    return f"{code(head)}\n\n" + (f"{told}\n\n" if told else "") + shown_in(home)


def declaration(local: Local) -> str:
    """How a local is declared."""
    default = f" = {local.default}" if local.default else ""
    word = "parameter" if local.is_parameter else "local"
    return " ".join(filter(None, (word, local.type, f"${local.name}{default}")))


def parameters(analysis: Analysis, name: str) -> str:
    """The parameters of a route as its callers need to know them; empty where it names none."""
    found = analysis.signatures.get(name)
    return written(found).partition("]")[2] if found is not None and found.parameters else ""


def result(analysis: Analysis, name: str) -> str:
    """What a route returns, where that is known and asked for."""
    context = analysis.configuration.context
    known = context.results.get(name, "any") if context is not None else "any"
    return f" -> {known}" if known != "any" else ""


def python_entry(analysis: Analysis, mention: Mention) -> str:
    """The entry of a route that is written in Python."""
    found = analysis.python[mention.name]
    text = describe.function_text(describe.function_data(found.declaration))
    home = next(each.place for each in analysis.like(mention) if each.defines)
    return f"{code(mention.name + python_parameters(found))}\n\n{text}\n\n{shown_in(home)}"


def python_parameters(found: BoundFunction) -> str:
    """What a route written in Python takes and returns, as a script calls it."""
    shown = []
    for each in found.declaration.arguments:
        kind = TYPES.get(each.kind.bare.name, each.kind.bare.name)
        default = "" if each.default is MISSING else f" = {each.default!r}"
        shown.append(f"{'*' * each.rest}{each.name}: {kind}{default}")
    results: dict[str, str] = getattr(found.module, "results", {})
    known = results.get(found.declaration.name, "any")
    return f"({', '.join(shown)})" + (f" -> {known}" if known != "any" else "")


def remarks(place: Place, analysis: Analysis) -> str:
    """The comment lines directly above a line."""
    lines = analysis.texts.get(place.file, [])
    found: list[str] = []
    for line in reversed(lines[:place.line - 1]):
        match = re.fullmatch(r"\s*(?:#(?![!])|//)+\s?(.*?)\s*", line)
        if match is None:
            break
        found.append(match[1])
    return "\n".join(reversed(found)).strip()


def shown_in(place: Place) -> str:
    """Where something stands."""
    return f"{os.path.basename(place.file)}, line {place.line}"


def code(text: str) -> str:
    """*text* as Markdown shows code."""
    return f"```\n{text}\n```"


def variable_entry(registry: Registry, name: str) -> str:
    """The entry of a pseudo-variable."""
    bound = registry.variables.get(name)
    if bound is None:
        return ""
    declared = bound.declaration
    details = {"named": declared.named is not None, "indexed": declared.indexed, "writable": declared.set is not None}
    return f"`{describe.variable_line(name, details)}`\n\n{declared.help}"


def module_entry(text: str) -> str:
    """The entry of a module."""
    try:
        declared = loader.find(text).declarations
    except ConfigError:
        return ""
    return f"**{declared.name}**\n\n{declared.overview}"


def parameter_entry(registry: Registry, module: str, name: str) -> str:
    """The entry of a module's parameter."""
    found = registry.modules.get(module)
    declared = found.declarations.parameter(name) if found is not None else None
    if declared is None:
        return ""
    return f"`{describe.parameter_line(describe.parameter_data(declared, registry.dialect))}`\n\n{declared.help}"
