"""Comparing values: texts with texts, numbers with numbers."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opensips_py.module.glob import glob

if TYPE_CHECKING:
    from opensips_py.modules.avpops.arguments import Operation

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda one, other: bool(one == other),
    "ne": lambda one, other: bool(one != other),
    "lt": lambda one, other: bool(one < other),
    "le": lambda one, other: bool(one <= other),
    "gt": lambda one, other: bool(one > other),
    "ge": lambda one, other: bool(one >= other),
}
OF_NUMBERS: dict[str, Callable[[int, int], int]] = {
    "and": lambda one, other: one & other,
    "or": lambda one, other: one | other,
    "xor": lambda one, other: one ^ other,
}
OF_TEXTS = ("re", "fm")
OPERATORS = (*COMPARISONS, *OF_TEXTS, *OF_NUMBERS)


def is_true(operation: Operation, one: int | str, other: int | str) -> bool:
    """Whether *operation* holds for these two; never for a text and a number."""
    if isinstance(one, int) and isinstance(other, int):
        return operation.name not in OF_TEXTS and of_numbers(operation.name, one, other)
    if isinstance(one, int) or isinstance(other, int) or operation.name in OF_NUMBERS:
        return False
    if operation.pattern is not None:
        return operation.pattern.matches(one)
    if operation.name == "fm":
        return glob(other).matches(one)
    if "i" in operation.flags:
        one, other = one.lower(), other.lower()
    return COMPARISONS[operation.name](one, other)


def of_numbers(name: str, one: int, other: int) -> bool:
    """The same for numbers."""
    return OF_NUMBERS[name](one, other) != 0 if name in OF_NUMBERS else COMPARISONS[name](one, other)
