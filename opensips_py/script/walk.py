"""Going through the tree of a script, whatever it consists of."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

from opensips_py.script import tree

PLACES = frozenset(("place", "end", "name_place", "value_place"))


@cache
def parts(kind: Any) -> tuple[str, ...]:
    """The attributes of a kind of node that may hold others."""
    return tuple(each.name for each in fields(kind) if each.name not in PLACES)


def nodes(node: tree.Node) -> Iterator[tree.Node]:
    """*node* and all that is in it, in the order of the text."""
    yield node
    kind: Any = type(node)
    for name in parts(kind):
        value = getattr(node, name)
        if isinstance(value, tree.Node):
            yield from nodes(value)
        elif isinstance(value, list):
            for each in value:
                if isinstance(each, tree.Node):
                    yield from nodes(each)
