"""Which dialect a script is written in: what it says itself, else what its core parameters and spellings give away."""
from __future__ import annotations

from collections.abc import Iterator

from opensips_py.module.declare import Dialect
from opensips_py.script import globals, renames, tree
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
    spoken: dict[Dialect, list[tuple[str, Place]]] = {}
    for dialect, what, place in marks(script):
        spoken.setdefault(dialect, []).append((what, place))
    if len(spoken) == 2:
        more = len(spoken["2.1"]) - len(spoken["4.0"])
        complain(spoken, "2.1" if more >= 0 else "4.0", diagnostics)
        if more:
            return "2.1" if more > 0 else "4.0"
    return next(iter(spoken), USUAL)


def complain(found: dict[Dialect, list[tuple[str, Place]]], usual: Dialect, diagnostics: Diagnostics) -> None:
    """Blame the dialect that less of the script speaks."""
    other: Dialect = "4.0" if usual == "2.1" else "2.1"
    (what, place), (around, beside) = found[other][0], found[usual][0]
    renamed = renames.other_name(what.removesuffix("="), usual) if what.endswith("=") else ""
    fix = f"write {renamed}= as the rest of the script does, " if renamed else "use one of them throughout, "
    diagnostics.error(f"{what} is of the {other} dialect, and {around} of the {usual} dialect", place,
                      f"only in {other}", f"{fix}or name the dialect: dialect=2.1 or dialect=4.0",
                      [(f"{around} is only in {usual}", beside)])


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
