"""Reverse Polish notation: values are pushed, operators take the top of the stack."""
from __future__ import annotations

import math
from collections.abc import Callable

BINARY: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
    "mod": math.fmod, "pow": math.pow,
}
UNARY: dict[str, Callable[[float], float]] = {
    "neg": lambda a: -a, "exp": math.exp, "ln": math.log, "log10": math.log10, "abs": abs, "sqrt": math.sqrt,
    "cbrt": lambda a: math.copysign(abs(a) ** (1 / 3), a), "floor": math.floor, "ceil": math.ceil,
    "round": lambda a: math.copysign(math.floor(abs(a) + 0.5), a), "nearbyint": round, "trunc": math.trunc,
}
CONSTANTS = {"e": math.e, "pi": math.pi}


def evaluate(expression: str) -> float:
    """The one value that remains; ValueError where the expression leaves none, or more than one."""
    stack: list[float] = []
    for word in expression.split():
        step(word, stack)
    if len(stack) != 1:
        raise ValueError(f"{expression!r} leaves {len(stack)} values, not one")
    return float(stack[0])


def step(word: str, stack: list[float]) -> None:
    """Carry out one word on the stack."""
    if word in BINARY:
        second, first = taken(word, stack), taken(word, stack)
        stack.append(BINARY[word](first, second))
    elif word in UNARY:
        stack.append(UNARY[word](taken(word, stack)))
    elif word in CONSTANTS:
        stack.append(CONSTANTS[word])
    elif word == "drop":
        taken(word, stack)
    elif word == "dup":
        top = taken(word, stack)
        stack += [top, top]
    elif word == "swap":
        second, first = taken(word, stack), taken(word, stack)
        stack += [second, first]
    else:
        stack.append(number(word))


def taken(word: str, stack: list[float]) -> float:
    """The top of the stack, removed."""
    if not stack:
        raise ValueError(f"{word} finds the stack empty")
    return stack.pop()


def number(word: str) -> float:
    """A number as written; nothing like nan or inf."""
    if word[:1] not in "+-.0123456789" or word.lstrip("+-")[:1] not in tuple(".0123456789"):
        raise ValueError(f"{word!r} is no number and no operation")
    return float(word)
