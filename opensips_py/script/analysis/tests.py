"""What a condition says of a state: which methods are left where it holds, and whether it is decided already."""
from __future__ import annotations

import re

from opensips_py.script import tree
from opensips_py.script.analysis.effects import STEADY
from opensips_py.script.analysis.shown import shown
from opensips_py.script.analysis.states import UNANSWERED, State

Split = tuple[State | None, State | None]  # where the condition holds, and where not
METHODS = re.compile(r"\^?\(?([A-Z]+(?:\|[A-Z]+)*)\)?\$?")


def methods_named(node: tree.Expression) -> frozenset[str] | None:
    """The methods for which *node* holds, where it asks for nothing else."""
    if isinstance(node, tree.Call) and node.name == "is_method" and len(node.arguments) == 1:
        return listed(node.arguments[0])
    if isinstance(node, tree.Comparison) and node.operator in ("==", "=~"):
        sides = (node.left, node.right), (node.right, node.left)
        return next((listed(other) for one, other in sides if is_method(one)), None)
    return None


def is_method(node: tree.Expression) -> bool:
    """Whether *node* is the method of the request."""
    return (isinstance(node, tree.Variable) and node.text in ("$rm", "$(rm)")) or \
        (isinstance(node, tree.Operand) and node.name == "method")


def listed(node: tree.Expression | None) -> frozenset[str] | None:
    """The methods in "INVITE|ACK", or a bare INVITE."""
    text = node.value if isinstance(node, tree.String) else node.name if isinstance(node, tree.Name) else ""
    found = METHODS.fullmatch(text.strip())
    return frozenset(found[1].split("|")) if found else None


def named_in(nodes: list[tree.Node]) -> frozenset[str]:
    """All methods that conditions among *nodes* tell apart."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, (tree.Call, tree.Comparison)):
            if isinstance(node, tree.Comparison) and node.operator == "!=":
                node = tree.Comparison(node.place, "==", node.left, node.right)
            found |= methods_named(node) or frozenset()
        elif isinstance(node, tree.Switch) and is_method(node.subject):
            for case in node.cases:
                found |= listed(case.value) or frozenset()
    return frozenset(found)


def split(node: tree.Expression, state: State) -> Split:
    """*state* where a condition without effects holds, and where it does not."""
    if isinstance(node, tree.Comparison) and node.operator in ("!=", "!~"):
        turned = tree.Comparison(node.place, {"!=": "==", "!~": "=~"}[node.operator], node.left, node.right)
        holds, fails = split(turned, state)
        return fails, holds
    methods = methods_named(node)
    if isinstance(node, tree.Call) and node.name == "t_check_trans":
        return state.with_methods(UNANSWERED), state  # a retransmission of any other request stops the script
    if methods is not None:
        return state.with_methods(methods), state.without_methods(methods)
    known = constant(node, state)
    if known is not None:
        return (state, None) if known else (None, state)
    if not is_steady(node):
        return state, state
    text = shown(node)
    return state.decide(text, True), state.decide(text, False)


def is_steady(node: tree.Expression) -> bool:
    """Whether *node* tells the same when it is asked again."""
    if isinstance(node, tree.Call):
        return node.name in STEADY and all(each is None or is_steady(each) for each in node.arguments)
    if isinstance(node, (tree.Comparison, tree.Binary)):
        return is_steady(node.left) and is_steady(node.right)
    return not isinstance(node, (tree.RouteCall, tree.Broken, tree.Logical))


def constant(node: tree.Expression, state: State) -> bool | None:
    """Whether *node* holds by the constants alone; None where that is not known."""
    if isinstance(node, tree.Number):
        return node.value != 0
    if isinstance(node, tree.String):
        return bool(node.value)
    if isinstance(node, tree.Variable):
        value = state.value(node.text)
        return None if value is None else bool(value)
    if isinstance(node, tree.Comparison) and node.operator == "==" and isinstance(node.left, tree.Variable) \
            and isinstance(node.right, (tree.Number, tree.String)):
        value = state.value(node.left.text)
        return None if value is None else value == node.right.value
    return None
