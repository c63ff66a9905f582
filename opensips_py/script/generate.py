"""Building blocks for the Python syntax tree of a compiled route."""
from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from opensips_py.script.diagnostics import Place

N = TypeVar("N", bound=ast.AST)
BASIC = (int, str, bool, type(None))


def at(node: N, place: Place) -> N:
    """*node* as standing at *place* of the configuration."""
    if isinstance(node, (ast.expr, ast.stmt, ast.excepthandler)):
        node.lineno = node.end_lineno = max(place.line, 1)
        node.col_offset = max(place.column - 1, 0)
        node.end_col_offset = node.col_offset + place.length
    return node


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes right below *node*; ast.iter_child_nodes() takes twice as long."""
    found: list[ast.AST] = []
    for field in node._fields:
        value = getattr(node, field, None)
        if isinstance(value, list):
            found += [each for each in value if isinstance(each, ast.AST)]
        elif isinstance(value, ast.AST):
            found.append(value)
    return found


def located(module: ast.Module) -> ast.Module:
    """*module*, each node without a place at that of the node around it; ast.fix_missing_locations() is recursive."""
    left: list[tuple[ast.AST, tuple[int, int, int, int]]] = [(module, (1, 0, 1, 0))]
    while left:
        node, around = left.pop()
        if "lineno" in node._attributes:
            if getattr(node, "lineno", None) is None:
                node.lineno, node.col_offset, node.end_lineno, node.end_col_offset = around  # type: ignore[attr-defined]
            around = (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        left += [(child, around) for child in children(node)]
    return module


def name(text: str) -> ast.Name:
    """A name that is read."""
    return ast.Name(text, ast.Load())


def constant(value: object) -> ast.Constant:
    """A number, a text, None, True or False."""
    return ast.Constant(value)  # type: ignore[arg-type]


def call(function: ast.expr, *arguments: ast.expr) -> ast.Call:
    """A call by position."""
    return ast.Call(function, list(arguments), [])


def attribute(text: str) -> ast.expr:
    """A dotted name that is read: run.message."""
    first, *rest = text.split(".")
    node: ast.expr = name(first)
    for each in rest:
        node = ast.Attribute(node, each, ast.Load())
    return node


def parsed(text: str) -> ast.expr:
    """A Python expression given as text."""
    return ast.parse(text, mode="eval").body


def assign(target: str, value: ast.expr) -> ast.stmt:
    """target = value, the target a plain or dotted name."""
    node = attribute(target)
    node.ctx = ast.Store()  # type: ignore[attr-defined]
    return ast.Assign([node], value)


def compared(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.expr:
    """One comparison."""
    return ast.Compare(left, [operator], [right])


def negated(condition: ast.expr) -> ast.expr:
    """The opposite of a condition, without a double `not`."""
    opposites: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Gt: ast.LtE, ast.Is: ast.IsNot, ast.IsNot: ast.Is}
    if isinstance(condition, ast.Compare) and type(condition.ops[0]) in opposites:
        return ast.Compare(condition.left, [opposites[type(condition.ops[0])]()], condition.comparators)
    if isinstance(condition, ast.UnaryOp) and isinstance(condition.op, ast.Not):
        return condition.operand
    return ast.UnaryOp(ast.Not(), condition)


class Namespace(dict[str, Any]):
    """The global names of the compiled routes: functions, constants, readers, each under a telling name."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[int, str] = {}
        self.kept: list[object] = []  # objects by whose identity `names` goes must not be freed

    def bind(self, value: object, hint: str) -> ast.expr:
        """An expression that gives *value*: a literal, or a global name made from *hint*."""
        if type(value) in BASIC:
            return constant(value)
        key = id(value)
        if key not in self.names:
            self.names[key] = self.unused(hint)
            self.kept.append(value)
            self[self.names[key]] = value
        return name(self.names[key])

    def unused(self, hint: str) -> str:
        """A global name not taken yet."""
        base = re.sub(r"\W+", "_", hint).strip("_") or "value"
        base = f"_{base}" if base[0].isdigit() else base
        found, number = base, 1
        while found in self or found in RESERVED:
            number += 1
            found = f"{base}_{number}"
        return found


RESERVED = frozenset(("run", "and", "or", "not", "if", "else", "while", "for", "in", "is", "None", "True", "False",
                      "try", "except", "return", "break", "pass", "lambda", "Exception", "range"))


class Body:
    """The statements of the route being written; nested blocks collect theirs apart."""

    def __init__(self) -> None:
        self.statements: list[ast.stmt] = []
        self.temporaries = 0

    def emit(self, statement: ast.stmt, place: Place) -> None:
        """Add one statement."""
        self.statements.append(at(statement, place))

    def temporary(self) -> str:
        """A local name not used yet in this route."""
        self.temporaries += 1
        return f"t{self.temporaries}"

    @contextmanager
    def nested(self) -> Iterator[list[ast.stmt]]:
        """Collect what is emitted inside in a list of its own."""
        outer, self.statements = self.statements, []
        try:
            yield self.statements
        finally:
            self.statements = outer
