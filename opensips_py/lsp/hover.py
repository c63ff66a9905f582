"""What the manual says of the word under the cursor."""
from __future__ import annotations

import re

from opensips_py import describe
from opensips_py.errors import ConfigError
from opensips_py.lsp.text import call_at, depth, variable_at, word_at
from opensips_py.module import loader
from opensips_py.module.registry import Registry
from opensips_py.script import globals


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
    for each in found.declarations.parameters if found is not None else ():
        if name in (each.name, *each.aliases):
            return f"`{describe.parameter_line(describe.parameter_data(each, registry.dialect))}`\n\n{each.help}"
    return ""
