"""Comparisons of a column other than "equals": the values of a `where` mapping."""
from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Comparison:
    """How a column is compared, and with what; both together make the condition of an SQL expression."""

    build: Callable[[Any, Any], Any]
    value: Any


def less(value: Any) -> Comparison:
    """The column is less than *value*."""
    return Comparison(operator.lt, value)


def at_most(value: Any) -> Comparison:
    """The column is *value* or less."""
    return Comparison(operator.le, value)


def greater(value: Any) -> Comparison:
    """The column is greater than *value*."""
    return Comparison(operator.gt, value)


def at_least(value: Any) -> Comparison:
    """The column is *value* or greater."""
    return Comparison(operator.ge, value)


def unequal(value: Any) -> Comparison:
    """The column is not *value*; None: it is not NULL."""
    return Comparison(operator.ne, value)


def one_of(values: Iterable[Any]) -> Comparison:
    """The column is one of *values*."""
    return Comparison(lambda column, among: column.in_(among), list(values))
