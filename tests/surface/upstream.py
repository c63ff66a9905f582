"""The names that OpenSIPS has, from the facts in opensips_py/surface."""
from __future__ import annotations

import json
from functools import cache
from typing import Any

from opensips_py.module.declare import Dialect
from opensips_py.module.loader import SURFACE

DIALECTS: tuple[Dialect, ...] = ("2.1", "4.0")
KINDS = ("functions", "params", "mi", "statistics", "pvars", "events", "transformations")
CORE_KINDS = ("functions", "globals", "mi", "statistics", "pvars", "events", "transformations", "statements",
              "route_types", "operators", "operands")
Names = dict[str, dict[str, set[str]]]  # module -> kind -> names


@cache
def facts(dialect: Dialect) -> dict[str, Any]:
    """All that is known of one release."""
    read: dict[str, Any] = json.loads((SURFACE / f"opensips-{dialect}.json").read_text())
    return read


@cache
def waits() -> dict[str, dict[str, dict[str, str]]]:
    """module -> kind -> name -> the module that it waits for."""
    read: dict[str, dict[str, dict[str, str]]] = json.loads((SURFACE / "waits.json").read_text())
    return read


@cache
def left_out() -> dict[str, dict[str, dict[str, str]]]:
    """module -> kind -> name -> why we do not have it."""
    read: dict[str, dict[str, dict[str, str]]] = json.loads((SURFACE / "left_out.json").read_text())
    return read


@cache
def names(dialect: Dialect) -> Names:
    """The names of every module of one release, and of its core."""
    known = facts(dialect)
    found = {module: {kind: names_in(entry, kind) for kind in KINDS} for module, entry in known["modules"].items()}
    found["core"] = {kind: names_in(known["core"], kind) for kind in CORE_KINDS}
    return found


def names_in(entry: dict[str, Any], kind: str) -> set[str]:
    """The names of one kind in one module's facts."""
    listed = entry.get(kind, ())
    if isinstance(listed, dict):
        return {f"{group}.{name}" for group, members in listed.items() for name in members}
    return {each if isinstance(each, str) else each["name"] for each in listed}


def aliases(module: str, kind: str, dialect: Dialect) -> set[str]:
    """Further spellings of functions and core parameters; they are not counted."""
    known = facts(dialect)["core"] if module == "core" else facts(dialect)["modules"].get(module, {})
    return {alias for each in known.get(kind, ()) if isinstance(each, dict) for alias in each.get("aliases", ())}


def entry(module: str, kind: str, name: str, dialect: Dialect) -> dict[str, Any] | None:
    """The facts about one function or parameter."""
    known = facts(dialect)["core"] if module == "core" else facts(dialect)["modules"].get(module, {})
    return next((each for each in known.get(kind, ()) if each["name"] == name), None)


def fits(pattern: str, name: str) -> bool:
    """Whether *name*, made at run time, is one that *pattern* stands for: `<name>-contacts`."""
    if not pattern.startswith("<"):
        return pattern == name
    return name.endswith(pattern.partition(">")[2]) and name != pattern.partition(">")[2]


def pattern_of(module: str, kind: str, name: str) -> str:
    """What OpenSIPS lists for *name*: itself, or the pattern that it is made by."""
    listed = {each for dialect in DIALECTS for each in names(dialect).get(module, {}).get(kind, ())}
    return name if name in listed else next((each for each in sorted(listed) if fits(each, name)), name)
