"""Which dialect a script is written in: what it says itself, else what its core parameters and spellings give away."""
from __future__ import annotations

from collections.abc import Iterator

from opensips_py.module.declare import Dialect
from opensips_py.script import globals, tree
from opensips_py.script.diagnostics import Diagnostics, Place
from opensips_py.script.walk import nodes

DIALECTS: dict[str, Dialect] = {"2.1": "2.1", "4.0": "4.0"}
USUAL: Dialect = "4.0"


def infer(script: tree.Script, diagnostics: Diagnostics) -> Dialect:
    """The dialect of *script*; one that speaks both is an error that shows where."""
    for each in script.of(tree.Global):
        if each.name == "dialect":
            found = DIALECTS.get(str(each.value))
            if found is not None:
                return found
            diagnostics.error(f"there is no dialect {each.value}", each.value_place,
                              fix="write dialect=2.1 or dialect=4.0")
            return USUAL
    first: dict[Dialect, tuple[str, Place]] = {}
    for dialect, what, place in marks(script):
        first.setdefault(dialect, (what, place))
    if len(first) == 2:
        (old, old_place), (new, new_place) = first["2.1"], first["4.0"]
        diagnostics.error(f"{new} is of the 4.0 dialect, and {old} of the 2.1 dialect", new_place, "only in 4.0",
                          "use one of them throughout, or name the dialect: dialect=2.1 or dialect=4.0",
                          [(f"{old} is only in 2.1", old_place)])
    return next(iter(first), USUAL)


def is_guessed(script: tree.Script) -> bool:
    """Whether nothing in *script* says its dialect, so that it is taken for the usual one."""
    return not any(each.name == "dialect" for each in script.of(tree.Global)) and next(marks(script), None) is None


def marks(script: tree.Script) -> Iterator[tuple[Dialect, str, Place]]:
    """What only one dialect has: dialect, how it is written, where."""
    for item in script.items:
        if isinstance(item, tree.Global):
            parameter = globals.find(item.name)
            if parameter is not None and parameter.marks is not None:
                yield parameter.marks, f"{item.name}=", item.place
        elif isinstance(item, tree.Route):
            for node in nodes(item):
                if isinstance(node, tree.Operand):
                    yield "2.1", f"the operand {node.name}", node.place
                elif isinstance(node, tree.Launch):
                    yield "4.0", "launch()", node.place
