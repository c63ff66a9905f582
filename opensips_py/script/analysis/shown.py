"""Expressions as the script has them, for findings that name a condition, and to tell whether two are the same."""
from __future__ import annotations

from opensips_py.script import tree


def shown(node: tree.Expression | None) -> str:
    """*node* as text, on one line."""
    match node:
        case None:
            return ""
        case tree.Number(value=value):
            return str(value)
        case tree.String(value=text):
            return '"' + text.replace("\n", "\\n") + '"'
        case tree.Null():
            return "NULL"
        case tree.Name(name=name) | tree.Operand(name=name):
            return name
        case tree.Address(text=text) | tree.Variable(text=text):
            return text
        case tree.Transformed():
            return shown(node.operand) + node.transformations
        case tree.Unary():
            return node.operator + shown(node.operand)
        case tree.Not():
            inner = shown(node.operand)
            return f"!({inner})" if isinstance(node.operand, (tree.Logical, tree.Comparison)) else f"!{inner}"
        case tree.Binary() | tree.Comparison():
            return f"{shown(node.left)} {node.operator} {shown(node.right)}"
        case tree.Logical():
            sign = "&&" if node.operator == "and" else "||"
            return f"{inner_of(node.left, node)} {sign} {inner_of(node.right, node)}"
        case tree.Call():
            return f"{node.name}({', '.join(shown(each) for each in node.arguments)})"
        case tree.RouteCall():
            return f"route({', '.join(shown(each) for each in (node.route, *node.arguments))})"
    return "..."


def inner_of(node: tree.Expression, outer: tree.Logical) -> str:
    """One side of && or ||; another of them in parentheses."""
    text = shown(node)
    return f"({text})" if isinstance(node, tree.Logical) and node.operator != outer.operator else text
