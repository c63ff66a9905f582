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
    """*node* and all that is in it, in the order of the text, however deep."""
    left = [node]
    while left:
        node = left.pop()
        yield node
        found: list[tree.Node] = []
        kind: Any = type(node)
        for name in parts(kind):
            value = getattr(node, name)
            found += [each for each in (value if isinstance(value, list) else (value,)) if isinstance(each, tree.Node)]
        left += reversed(found)
