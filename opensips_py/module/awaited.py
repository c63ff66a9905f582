"""Names of OpenSIPS that are not there: which module has them, and which of them wait for another module."""
from __future__ import annotations

import json
from collections.abc import Container
from functools import cache
from typing import Any

from opensips_py.module.loader import SURFACE, available


@cache
def upstream() -> dict[str, dict[str, list[str]]]:
    """The names of every upstream module: functions, pvars, mi, params, transformations."""
    names: dict[str, dict[str, list[str]]] = json.loads((SURFACE / "names.json").read_text())["modules"]
    return names


@cache
def waits() -> dict[str, dict[str, dict[str, str]]]:
    """module -> kind of name -> name -> the module that it waits for."""
    table: dict[str, Any] = json.loads((SURFACE / "waits.json").read_text())
    return table


def is_default(module: str, parameter: str, value: int | str, dialect: str) -> bool:
    """Whether OpenSIPS has *parameter* and *value* is what it is there anyhow, so that setting it asks for nothing."""
    facts = json.loads((SURFACE / f"opensips-{dialect}.json").read_text())["modules"].get(module, {})
    return any(each["name"] == parameter and each.get("default") == value for each in facts.get("params", ()))


def owners(kind: str, name: str) -> list[str]:
    """The upstream modules that have *name*."""
    return [module for module, names in upstream().items() if name in names.get(kind, ())]


def message(kind: str, name: str, module: str = "", loaded: Container[str] = ()) -> str:
    """What to say of a name that nobody declares; empty where OpenSIPS does not know it either. Of several modules that
    have it, in this dialect or the other, the *loaded* ones are out of the question."""
    found = owners(kind, name)
    modules = [module] if module else [each for each in found if each not in loaded] or found
    for each in modules:
        other = waits().get(each, {}).get(kind, {}).get(name)
        if other:
            return f"{name} of module {each} waits for module {other}, which is not available yet"
    if module:
        return f"parameter {name} of module {module} is not available yet" if module in owners(kind, name) else ""
    there = set(available())
    loadable = [each for each in modules if each in there]
    if loadable:
        return f'{name} needs module {loadable[0]}: add loadmodule "{loadable[0]}.so"'
    return f"{name} is of module {modules[0]}, which is not available yet" if modules else ""
