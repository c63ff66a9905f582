"""Locals while functions of the run look at them: names, indexes and texts that are put together later."""
from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opensips_py.module.returned import Values
from opensips_py.restraint import Restraint
from opensips_py.script.locals import KEPT
from opensips_py.script.steps import resolved

if TYPE_CHECKING:
    from opensips_py.module.run import Run

complaints = Restraint(logging.getLogger("opensips_py.script"), level=logging.ERROR)


def keep(run: Run, name: str, value: Any) -> None:
    """Put the value of a local where functions of *run* find it."""
    if run.extra is None:
        run.extra = {}
    run.extra.setdefault(KEPT, {})[name] = value


def kept(run: Run, name: str) -> Any:
    """What a function made of a local."""
    return ((run.extra or {}).get(KEPT) or {}).get(name)


def copy(run: Run, child: Run) -> None:
    """Let a run that begins beside *run* find what it kept."""
    found = (run.extra or {}).get(KEPT)
    if found:
        child.extra = {KEPT: dict(found)}


def reader(name: str, index: Any) -> Callable[[Run], Any]:
    """Reads a local, or with an index one value of a list."""
    if index in (None, "*"):
        return lambda run: kept(run, name)
    return lambda run: nth(kept(run, name), resolved((index,), run)[0])


def writer(name: str) -> Callable[[Run, Any], None]:
    """Assigns a local."""
    return lambda run, value: keep(run, name, value)


def item(name: str) -> Callable[[Run, int], Any]:
    """The n-th value of a list."""
    return lambda run, number: nth(kept(run, name), number)


def nth(value: Any, index: Any) -> Any:
    """One value of a list, from its end for negative numbers; NULL where there is none."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    if type(index) is not int or not -len(values) <= index < len(values):
        return None
    return values[index]


# Types

def as_int(value: Any, what: str, place: str) -> int | None:
    """A value for a local int: digits are a number; what is none becomes NULL, and is complained of."""
    if value is None or type(value) is int:
        return value
    try:
        return int(value)
    except (ValueError, TypeError):
        unfit(value, "an int", what, place)
        return None


def as_str(value: Any, what: str, place: str) -> str | None:
    """A value for a local str: a number is its digits."""
    return value if value is None or type(value) is str else str(value)


def as_list(value: Any, what: str, place: str) -> Values | None:
    """A value for a local list: a single one is a list of one."""
    if value is None:
        return None
    return Values(value) if isinstance(value, (list, tuple)) else Values([value])


def unfit(value: Any, wanted: str, what: str, place: str) -> None:
    """Complain of a value that a local cannot have."""
    complaints.say("%s: %s is %s, and %r is none: it becomes NULL", place, what, wanted, str(value))


CONVERSIONS: dict[str, Callable[[Any, str, str], Any]] = {"int": as_int, "str": as_str, "list": as_list}


def added(value: Any, more: Any) -> Values:
    """list += value."""
    return Values([*(as_list(value, "", "") or ()), *(more if isinstance(more, list) else [more])])


# Parameters of a route

class Declared:
    """A named parameter of a route as it is taken from a call."""

    __slots__ = ("default", "name", "required", "type")

    def __init__(self, name: str, type_: str, default: Any, *, required: bool) -> None:
        self.name, self.type, self.default, self.required = name, type_, default, required


def taken(run: Run, declared: tuple[Declared, ...], title: str, place: str) -> tuple[Any, ...]:
    """The values of a route's parameters, converted to their types; $param knows them by name from now on."""
    given = run.parameters[-1] if run.parameters else ()
    values = []
    for index, each in enumerate(declared):
        if index < len(given):
            change = CONVERSIONS.get(each.type)
            value = given[index]
            values.append(change(value, f"parameter {each.name} of {title}", place) if change else value)
        else:
            if each.required:
                complaints.say("%s: %s was called without its parameter %s", place, title, each.name)
            values.append(each.default)
    if run.parameters:
        named: Any = dict(zip((each.name for each in declared), values, strict=True))
        named.update((str(index + 1), given[index]) for index in range(len(declared), len(given)))
        run.parameters[-1] = named
    return tuple(values)
