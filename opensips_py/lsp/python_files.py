"""What the Python files that a configuration imports say of it: their routes, and the names of the script in them."""
from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from opensips_py.module.python_routes import PythonFile, PythonRoute
from opensips_py.module.registry import BoundFunction, Registry
from opensips_py.script.diagnostics import Place

VARIABLES = ("var", "avp")  # of a ScriptMessage
READING = ("get", "all", "push", "pop", "setdefault")


@dataclass(frozen=True, slots=True)
class Named:
    """A text in a Python file that names something of the script: a route, a function, a var or an avp."""

    kind: str
    name: str
    place: Place
    is_spelled: bool  # whether the name stands there as it is


@dataclass(slots=True)
class PythonText:
    """One imported file; *others* are the texts in it of which nobody knows what they are for."""

    path: str
    is_read: bool = True
    names: list[Named] = field(default_factory=list)
    others: list[Named] = field(default_factory=list)


def routes(registry: Registry) -> dict[str, BoundFunction]:
    """The functions that are routes written in Python, by the names that scripts call them by."""
    return {name: each for name, each in registry.functions.items() if isinstance(each.module, PythonFile)}


def home(found: BoundFunction, reader: Callable[[str], str]) -> Place:
    """Where the function of a Python route is defined: its name, behind def."""
    function = inspect.unwrap(found.call.function) if isinstance(found.call, PythonRoute) else found.call
    path, first = function.__code__.co_filename, function.__code__.co_firstlineno
    try:
        lines = reader(path).split("\n")
    except (OSError, ValueError):
        return Place(path, first, 1)
    for number, line in enumerate(lines[first - 1:], first):
        match = re.match(rf"\s*(?:async\s+)?def\s+({re.escape(function.__name__)})\b", line)
        if match is not None:
            return Place(path, number, match.start(1) + 1, len(match[1]))
    return Place(path, first, 1)


def examined(path: str, lines: list[str]) -> PythonText:
    """What a file names."""
    found = PythonText(path)
    try:
        tree = ast.parse("\n".join(lines))
    except (SyntaxError, ValueError):
        found.is_read = False
        return found
    known = {id(node): kind for each in ast.walk(tree) for kind, node in names_in(each)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            kind = known.get(id(node), "")
            named = placed(kind, node, node.value, path, lines)
            (found.names if kind else found.others).append(named)
    return found


def names_in(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The texts that *node* gives to what takes names of the script."""
    match node:
        case ast.Call(func=ast.Attribute(attr="route" | "call" as kind), args=[first, *_]):
            yield "route" if kind == "route" else "function", first
        case ast.Call(func=ast.Attribute(attr=method, value=ast.Attribute(attr=kind)), args=[first, *_]):
            if method in READING and kind in VARIABLES:
                yield kind, first
        case ast.Subscript(value=ast.Attribute(attr=kind), slice=index) if kind in VARIABLES:
            yield kind, index
        case ast.Compare(left=left, ops=[ast.In() | ast.NotIn()], comparators=[ast.Attribute(attr=kind)]):
            if kind in VARIABLES:
                yield kind, left


def placed(kind: str, node: ast.Constant, name: str, path: str, lines: list[str]) -> Named:
    """A text with the place of what is in its quotes."""
    line = lines[node.lineno - 1] if 0 < node.lineno <= len(lines) else ""
    start = len(line.encode("utf-8", "surrogateescape")[:node.col_offset].decode("utf-8", "replace")) + 1
    spelled = line[start - 1:start] in ("'", '"') and line[start:start + len(name) + 1] == f"{name}{line[start - 1]}"
    return Named(kind, name, Place(path, node.lineno, start + 1, len(name)), spelled and bool(name))
