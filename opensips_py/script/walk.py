"""Going through the tree of a script, whatever it consists of."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

from opensips_py.script import tree

PLAIN = frozenset(("Place", "int", "str", "bool", "list[str]", "set[str]", "dict[str, str]"))  # types without nodes


@cache
def parts(kind: Any) -> tuple[str, ...]:
    """The attributes of a kind of node that may hold others."""
    return tuple(each.name for each in fields(kind) if each.type not in PLAIN)


def nodes(node: tree.Node) -> Iterator[tree.Node]:
    """*node* and all that is in it, in the order of the text, however deep."""
    left = [node]
    while left:
        node = left.pop()
        yield node
        kind: Any = type(node)
        names = parts(kind)
        if not names:
            continue
        found: list[tree.Node] = []
        for name in names:
            value = getattr(node, name)
            found += [each for each in (value if isinstance(value, list) else (value,)) if isinstance(each, tree.Node)]
        left += reversed(found)
