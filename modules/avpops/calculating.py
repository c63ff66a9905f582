"""Calculating with the integers of scripts, which have 32 bits and wrap."""
from __future__ import annotations

from collections.abc import Callable

HALF, WHOLE = 1 << 31, 1 << 32


def divided(one: int, other: int) -> int:
    """The quotient, cut off towards 0; 0 where *other* is."""
    if not other:
        return 0
    quotient = abs(one) // abs(other)
    return quotient if (one < 0) == (other < 0) else -quotient


def remainder(one: int, other: int) -> int:
    """What is left after that division, with the sign of *one*; 0 where *other* is."""
    return one - divided(one, other) * other if other else 0


CALCULATIONS: dict[str, Callable[[int, int], int]] = {
    "add": lambda one, other: one + other,
    "sub": lambda one, other: one - other,
    "mul": lambda one, other: one * other,
    "div": divided,
    "mod": remainder,
    "and": lambda one, other: one & other,
    "or": lambda one, other: one | other,
    "xor": lambda one, other: one ^ other,
    "not": lambda one, other: ~other,
}


def calculated(name: str, one: int, other: int) -> int:
    """The outcome."""
    return (CALCULATIONS[name](one, other) + HALF) % WHOLE - HALF
