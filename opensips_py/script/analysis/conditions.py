"""Conditions that hold always or never."""
from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from opensips_py.errors import ScriptError
from opensips_py.script import tree, variables
from opensips_py.script.analysis.shown import shown
from opensips_py.script.analysis.tests import is_steady
from opensips_py.script.diagnostics import Diagnostics, Place
from opensips_py.script.remedies import at
from opensips_py.script.walk import nodes

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry

CONSTANTS = (tree.Number, tree.String)
TEXTS = frozenset(("str", "str | None", "Value | str"))


def check(routes: list[tree.Route], registry: Registry, diagnostics: Diagnostics) -> None:
    """Warn of conditions that decide nothing."""
    for route in routes:
        for node in nodes(route):
            if isinstance(node, tree.Comparison):
                of_types(node, registry, diagnostics)
            elif isinstance(node, tree.If):
                repeated(node, diagnostics)
                for each in nodes(node.condition):
                    if isinstance(each, tree.Logical):
                        of_several(each, diagnostics)


def of_types(node: tree.Comparison, registry: Registry, diagnostics: Diagnostics) -> None:
    """A text compared with a number: never the same, whatever its digits."""
    if not isinstance(node.right, tree.Number) or not isinstance(node.left, tree.Variable):
        return
    if node.operator in ("=~", "!~") or not is_text(node.left, registry):
        return
    diagnostics.warning(f"this condition is always false: {node.left.text} is a text, and {node.right.value} a number",
                        node.right.place, "", f'write "{node.right.value}" with quotes', (),
                        [at(number_place(node.right, diagnostics), f'"{node.right.value}"')], is_sure=True)


def number_place(node: tree.Number, diagnostics: Diagnostics) -> Place:
    """The whole stretch of a number, its sign included."""
    line = diagnostics.line(node.place) or ""
    end = node.place.column - 1 + (line[node.place.column - 1:node.place.column] == "-")
    while end < len(line) and line[end].isalnum():
        end += 1
    return Place(node.place.file, node.place.line, node.place.column, max(1, end - node.place.column + 1))


def is_text(node: tree.Variable, registry: Registry) -> bool:
    """Whether a variable is never a number, by what its getter declares."""
    try:
        reference = variables.parse(node.text, node.place)
    except ScriptError:
        return False
    found = registry.variables.get(reference.variable)
    if found is None or reference.steps:
        return False
    return getattr(found.get, "__annotations__", {}).get("return") in TEXTS


def of_several(node: tree.Logical, diagnostics: Diagnostics) -> None:
    """x != 1 || x != 2 holds always, x == 1 && x == 2 never."""
    sign, result = ("!=", "true") if node.operator == "or" else ("==", "false")
    seen: dict[str, tree.Comparison] = {}
    for each in chained(node, node.operator):
        if not (isinstance(each, tree.Comparison) and each.operator == sign and isinstance(each.right, CONSTANTS)
                and isinstance(each.left, (tree.Variable, tree.Operand))):
            continue
        before = seen.setdefault(shown(each.left), each)
        if before is not each and different(before.right, each.right):
            joint = "&&" if node.operator == "or" else "||"
            diagnostics.warning(f"this condition is always {result}: {shown(each.left)} cannot be both",
                                each.place, "", f"join the two with {joint}", [("and here", before.place)])
            return


def different(one: tree.Expression, other: tree.Expression) -> bool:
    """Whether two constants are not the same."""
    assert isinstance(one, CONSTANTS) and isinstance(other, CONSTANTS)
    return str(one.value).lower() != str(other.value).lower() and "$" not in f"{one.value}{other.value}"


def chained(node: tree.Expression, operator: str) -> Iterator[tree.Expression]:
    """The conditions that one operator joins."""
    if isinstance(node, tree.Logical) and node.operator == operator:
        yield from chained(node.left, operator)
        yield from chained(node.right, operator)
    else:
        yield node


def repeated(node: tree.If, diagnostics: Diagnostics) -> None:
    """else if with a condition that an if before it has already taken."""
    before = {shown(node.condition): node}
    following = node.otherwise
    if not is_repeatable(node.condition):
        return
    while len(following) == 1 and isinstance(following[0], tree.If):
        each = following[0]
        if shown(each.condition) in before and is_repeatable(each.condition):
            diagnostics.warning("this condition is always false here: it has been tested before", each.place, "",
                                "remove this branch, or test something else",
                                [("the first test", before[shown(each.condition)].place)])
        following = each.otherwise


def is_repeatable(node: tree.Expression) -> bool:
    """Whether a condition asks nothing that may have changed by being asked."""
    if isinstance(node, tree.Logical):
        return is_repeatable(node.left) and is_repeatable(node.right)
    if isinstance(node, tree.Not):
        return is_repeatable(node.operand)
    return is_steady(node) or (isinstance(node, tree.Call) and node.name == "is_method")
