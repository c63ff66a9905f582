"""What modules declare, as data in the shape of the surface lists, as text and as Markdown."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from opensips_py.mi.arguments import recipes
from opensips_py.module.base import Module
from opensips_py.module.declare import (
    Argument,
    Declarations,
    Dialect,
    MICommand,
    Parameter,
    ScriptFunction,
    Statistic,
    chosen,
)
from opensips_py.module.run import Route

ROUTES = ("request", "failure", "onreply", "branch", "error", "local", "startup", "timer", "event")


def data_of(cls: type[Module], dialect: Dialect = "4.0") -> dict[str, Any]:
    """One module as the surface lists have it, with help texts beside the names."""
    declared = cls.declarations
    return {
        "overview": declared.overview,
        "depends": sorted(use.module for use in declared.uses if not use.optional and use.parameter is None),
        "depends_optional": sorted(use.module for use in declared.uses if use.optional),
        "depends_by_param": by_parameter(declared),
        "params": by_name(parameter_data(each, dialect) for each in declared.parameters),
        "functions": by_name(function_data(each) for each in declared.functions if each.dialect in (None, dialect)),
        "statistics": sorted(statistic_name(each, dialect) for each in declared.statistics),
        "mi": sorted(filter(None, (each.named(dialect) for each in declared.commands))),
        "mi_details": {name: command_data(each, dialect) for each in declared.commands
                       if (name := each.named(dialect))},
        "pvars": sorted(each.name for each in declared.variables if each.dialect in (None, dialect)),
        "pvar_details": {each.name: {"named": each.named is not None, "indexed": each.indexed,
                                     "writable": each.set is not None, "help": each.help}
                         for each in declared.variables if each.dialect in (None, dialect)},
        "transformations": sorted(each.name for each in declared.transformations),
        "events": sorted(each.name for each in declared.events),
        "help": helps(declared, dialect),
    }


def all_of(classes: Iterable[type[Module]], dialect: Dialect = "4.0") -> dict[str, Any]:
    """Several modules in the shape of a surface list."""
    return {"version": dialect, "modules": {each.declarations.name: data_of(each, dialect) for each in classes}}


def by_name(entries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Entries sorted by their name; those of one name that the dialects share stand beside each other."""
    return sorted(entries, key=lambda each: str(each["name"]))


def by_parameter(declared: Declarations) -> dict[str, list[str]]:
    """The modules that only a certain parameter needs."""
    needed: dict[str, list[str]] = {}
    for use in declared.uses:
        if use.parameter is not None:
            needed.setdefault(use.parameter, []).append(use.module)
    return needed


def function_data(function: ScriptFunction) -> dict[str, Any]:
    """A script function."""
    least, most = function.arity
    return {
        "name": function.name, "arity": list(range(least, (least if most is None else most) + 1)),
        "args": [argument_data(each) for each in function.arguments], "routes": route_names(function.routes),
        "async": function.waits, "waits": function.waits,
        "returns": dict(function.codes) or function.returns, "help": function.help,
    }


def argument_data(argument: Argument) -> dict[str, Any]:
    """An argument: type, and whether it may be left out."""
    data: dict[str, Any] = {"name": argument.name, "type": argument.kind.name}
    if argument.optional:
        data["optional"] = True
    return data


def route_names(routes: Route) -> list[str]:
    """The kinds of route by name."""
    return [name for name in ROUTES if routes & Route[name.upper()]]


def parameter_data(parameter: Parameter, dialect: Dialect) -> dict[str, Any]:
    """A modparam with its default in *dialect*."""
    data: dict[str, Any] = {"name": parameter.name, "type": parameter.kind.name, "help": parameter.help}
    if parameter.aliases:
        data["aliases"] = list(parameter.aliases)
    if parameter.setter is not None:
        data["setter"] = True
    else:
        default = chosen(parameter.default, dialect)
        data["default"] = int(default) if isinstance(default, bool) else plain(default)
    return data


def plain(value: Any) -> Any:
    """A default as JSON can hold it."""
    return value if value is None or isinstance(value, (int, float, str)) else str(value)


def command_data(command: MICommand, dialect: Dialect) -> dict[str, Any]:
    """A management command: in 4.0 the sets of parameters that it accepts."""
    names = command.names
    short = (command.v40 or names[0]).partition(":")[2] or names[0]
    return {"short": short, "aliases": [name for name in names if name not in (command.named(dialect), short)],
            "recipes": recipes(command), "scope": command.scope, "help": command.help}


def statistic_name(statistic: Statistic, dialect: Dialect) -> str:
    """The name of a statistic in *dialect*."""
    return statistic.v40 if dialect == "4.0" and statistic.v40 else statistic.name


def helps(declared: Declarations, dialect: Dialect) -> dict[str, dict[str, str]]:
    """The help texts of what the surface lists hold as bare names."""
    return {"statistics": {statistic_name(each, dialect): each.help for each in declared.statistics},
            "events": {each.name: each.help for each in declared.events},
            "transformations": {each.name: each.help for each in declared.transformations}}


# --- text -----------------------------------------------------------------------------------------------------------

def sections(cls: type[Module], dialect: Dialect) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The chapters of a manual page in the order of OpenSIPS's: title, then entries with their text."""
    data, declared = data_of(cls, dialect), cls.declarations
    needs = [*data["depends"], *(f"{name} (optional)" for name in data["depends_optional"]),
             *(f"{' '.join(names)} (with {name})" for name, names in data["depends_by_param"].items())]
    yield "Dependencies", [(name, "") for name in needs]
    yield "Parameters", [(parameter_line(each), each["help"]) for each in data["params"]]
    yield "Functions", [(f"{each['name']}({arguments_line(each['args'])})", function_text(each))
                        for each in data["functions"]]
    yield "Statistics", list(data["help"]["statistics"].items())
    yield "MI commands", [(f"{name} {' '.join(data['mi_details'][name]['recipes'][-1])}".rstrip(),
                           data["mi_details"][name]["help"]) for name in data["mi"]]
    yield "Pseudo-variables", [(variable_line(name, details), details["help"])
                               for name, details in sorted(data["pvar_details"].items())]
    yield "Transformations", [(f"{{{name}}}", text) for name, text in data["help"]["transformations"].items()]
    yield "Events", [(f"{each.name}: {', '.join(name for name, _ in each.parameters) or 'no parameters'}", each.help)
                     for each in declared.events]


def parameter_line(data: dict[str, Any]) -> str:
    """name (type), and its default."""
    if data.get("setter"):
        return f"{data['name']} ({data['type']}, may be set several times)"
    default = "none" if data["default"] is None else repr(data["default"])
    return f"{data['name']} ({data['type']}, default {default})"


def arguments_line(arguments: list[dict[str, Any]]) -> str:
    """a, b[, c[, d]]"""
    shown = ""
    for number, each in enumerate(arguments):
        name = f"{', ' if number else ''}{each['name']}"
        shown += f"[{name}]" if each.get("optional") else name
    return shown


def function_text(data: dict[str, Any]) -> str:
    """The help of a function, where it may be called, and what it returns."""
    routes = data["routes"]
    lines = [data["help"], "From any route." if len(routes) == len(ROUTES) else f"From {', '.join(routes)} routes."]
    if isinstance(data["returns"], dict):
        codes = (f"{code} ({name.lower().replace('_', ' ')})" for name, code in data["returns"].items())
        lines.append(f"Returns {', '.join(codes)}.")
    if data["waits"]:
        lines.append("It may wait; other calls go on meanwhile.")
    return "\n".join(lines)


def variable_line(name: str, details: dict[str, Any]) -> str:
    """$name(…)[…] and whether it can be assigned."""
    shown = f"${name}" + ("(name)" if details["named"] else "") + ("[index]" if details["indexed"] else "")
    return f"{shown} (writable)" if details["writable"] else shown


def text_of(cls: type[Module], dialect: Dialect = "4.0") -> str:
    """A module's manual page for the terminal."""
    lines = [cls.declarations.name, "=" * len(cls.declarations.name), "", cls.declarations.overview]
    for title, entries in sections(cls, dialect):
        if entries:
            lines += ["", title]
        for name, text in entries:
            lines += [f"  {name}", *(f"      {line}" for line in text.splitlines() if line)]
    return "\n".join(lines) + "\n"


def markdown_of(cls: type[Module], dialect: Dialect = "4.0") -> str:
    """A module's chapter of the reference."""
    lines = [f"# {cls.declarations.name}", "", cls.declarations.overview]
    for title, entries in sections(cls, dialect):
        if entries:
            lines += ["", f"## {title}"]
        for name, text in entries:
            lines += ["", f"### `{name}`", *(["", text] if text else [])]
    return "\n".join(lines) + "\n"
