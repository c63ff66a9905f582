"""Comparisons of a column other than "equals": the values of a `where` mapping."""
from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any


@dataclass(frozen=True)
class Comparison:
    """How a column is compared, and with what; both together make the condition of an SQL expression."""

    build: Callable[[Any, Any], Any]
    value: Any

    def expression(self, column: Any) -> Any:
        """The condition that *column* is compared so."""
        return column.is_null(False) if self.value is None else self.build(column, self.value)


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


def equal(value: Any) -> Comparison:
    """The column is *value*; None: it is NULL."""
    return Comparison(lambda column, only: column.is_null() if only[0] is None else column == only[0], (value,))


def every(*found: Comparison) -> Comparison:
    """All of these hold for the column."""
    return Comparison(lambda column, parts: reduce(operator.and_, (each.expression(column) for each in parts)), found)


OPERATORS = {"=": equal, "!=": unequal, "<>": unequal, "<": less, "<=": at_most, ">": greater, ">=": at_least,
             "is": equal, "is not": unequal}
SHAPE = re.compile(r"[-<>=!~*|&^%+@#]{1,4}|[A-Za-z]+(?: [A-Za-z]+){0,2}")


def by_operator(text: str, value: Any) -> Comparison:
    """The column stands in the relation *text*, an operator of SQL, to *value*; ValueError where it is none."""
    known = OPERATORS.get(text.strip().lower())
    if known is not None:
        if value is None and known not in (equal, unequal):
            raise ValueError(f"nothing is {text} NULL")
        return known(value)
    if not SHAPE.fullmatch(text.strip()) or value is None:
        raise ValueError(f"{text!r} is no operator" if value is not None else f"nothing is {text} NULL")
    return Comparison(relation(text.strip()), value)


def relation(text: str) -> Callable[[Any, Any], Any]:
    """An operator as it stands in SQL."""
    def build(column: Any, value: Any) -> Any:
        import peewee  # here are drivers, which have it
        return peewee.NodeList((column, peewee.SQL(text), peewee.Value(value)))
    return build
