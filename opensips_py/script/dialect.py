"""Which dialect a script is written in: what it says itself, else what its core parameters and spellings give away."""
from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from opensips_py.module.declare import Dialect
from opensips_py.script import globals, renames, tree
from opensips_py.script.diagnostics import Diagnostics, Place
from opensips_py.script.walk import nodes

DIALECTS: dict[str, Dialect] = {"2.1": "2.1", "4.0": "4.0"}
OTHER: dict[Dialect, Dialect] = {"2.1": "4.0", "4.0": "2.1"}
USUAL: Dialect = "4.0"


class Mark(NamedTuple):
    """What speaks for one dialect: how it is written, where, and whether it is no more than a hint.

    OpenSIPS 2.2 to 3.6 took over the words of 4.0 one by one and kept some of 2.1: log_level stands beside children in
    scripts of 2.4, listen beside udp_workers in scripts of 3.2. Such words decide only where nothing else does.
    """

    dialect: Dialect
    what: str
    place: Place
    is_hint: bool = False


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
    seen = list(marks(script))
    spoken: dict[Dialect, list[Mark]] = {}
    for mark in seen:
        if not mark.is_hint:
            spoken.setdefault(mark.dialect, []).append(mark)
    if len(spoken) == 1:
        return next(iter(spoken))
    if spoken:
        usual = mostly(seen)
        complain(spoken, usual, diagnostics)
        return usual
    hinted = {each.dialect for each in seen}
    return hinted.pop() if len(hinted) == 1 else USUAL


def mostly(found: list[Mark]) -> Dialect:
    """The dialect that more lines speak for; hints count where the others are as many."""
    def votes(dialect: Dialect) -> tuple[int, int]:
        lines = {(each.place.file, each.place.line): each.is_hint for each in found if each.dialect == dialect}
        return sum(not each for each in lines.values()), len(lines)
    return max(USUAL, OTHER[USUAL], key=votes)


def complain(found: dict[Dialect, list[Mark]], usual: Dialect, diagnostics: Diagnostics) -> None:
    """Blame the dialect that less of the script speaks."""
    other = OTHER[usual]
    wrong, around = found[other][0], found[usual][0]
    name, is_parameter = wrong.what.removeprefix("the operand ").removesuffix("="), wrong.what.endswith("=")
    fix = "use one of them throughout, "
    if is_parameter and (other_name := renames.other_name(name, usual)):
        fix = f"write {other_name}= as the rest of the script does, "
    elif usual == "4.0" and (renamed := renames.find("globals" if is_parameter else "operands", name)):
        fix = f"OpenSIPS 4.0 has {renamed.words}: write that, "
    diagnostics.error(f"{wrong.what} is of the {other} dialect, and {around.what} of the {usual} dialect", wrong.place,
                      f"only in {other}", f"{fix}or name the dialect: dialect=2.1 or dialect=4.0",
                      [(f"{around.what} is only in {usual}", around.place)])


def is_guessed(script: tree.Script) -> bool:
    """Whether nothing in *script* decides its dialect, so that it is taken for what is likely."""
    return not any(each.name == "dialect" for each in script.of(tree.Global)) \
        and all(each.is_hint for each in marks(script))


def marks(script: tree.Script) -> Iterator[Mark]:
    """What only one dialect has."""
    for item in script.items:
        if isinstance(item, tree.Global):
            parameter = globals.find(item.name)
            if parameter is not None and parameter.marks is not None:
                yield Mark(parameter.marks, f"{item.name}=", item.place, parameter.hint)
        elif isinstance(item, tree.Route):
            for node in nodes(item):
                if isinstance(node, tree.Operand):
                    yield Mark("2.1", f"the operand {node.name}", node.place)
                elif isinstance(node, tree.Launch):
                    yield Mark("4.0", "launch()", node.place, is_hint=True)
