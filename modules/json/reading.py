"""Parsing JSON."""
from __future__ import annotations

import json
from typing import Any

DEEPEST = 32  # arrays and objects within each other, as json-c has it
NULL = object()  # JSON's null, which is a value; None is no value at all


class Literal(str):
    """A number with a fraction, kept as it was written: 1.50 stays 1.50."""

    __slots__ = ()


def parsed(text: str) -> Any:
    """The value that *text* is; ValueError where it is not JSON, or nests too deep."""
    try:
        found = json.loads(text, parse_float=Literal, parse_constant=Literal)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from None
    return with_null(found, DEEPEST)


def with_null(value: Any, deepest: int) -> Any:
    """*value* with NULL for each None in it."""
    if value is None:
        return NULL
    if not isinstance(value, (dict, list)):
        return value
    if not deepest:
        raise ValueError(f"not JSON: more than {DEEPEST} arrays and objects within each other")
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for place, item in list(items):
        value[place] = with_null(item, deepest - 1)
    return value
