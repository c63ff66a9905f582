"""Expressions as people write them, evaluated by recursive descent."""
from __future__ import annotations

import math
import re
from collections.abc import Callable

TOKEN = re.compile(r"\s*(?:(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)|([a-z_][a-z0-9_]*)|(.))", re.IGNORECASE)

FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs, "acos": math.acos, "asin": math.asin, "atan": math.atan, "ceil": math.ceil, "cos": math.cos,
    "cosh": math.cosh, "exp": math.exp, "floor": math.floor, "ln": math.log, "log": math.log10, "log10": math.log10,
    "sin": math.sin, "sinh": math.sinh, "sqrt": math.sqrt, "tan": math.tan, "tanh": math.tanh,
}
CONSTANTS = {"pi": math.pi, "e": math.e}


def evaluate(expression: str) -> float:
    """The value of *expression*; ValueError where it is none, ArithmeticError where it has none."""
    return Expression(expression).whole()


class Expression:
    """The tokens of one expression and how far they are read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [match.groups() for match in TOKEN.finditer(text.rstrip())]
        self.at = 0

    def whole(self) -> float:
        """The value of all of it."""
        value = self.sum()
        if self.at < len(self.tokens):
            raise self.wrong()
        return value

    def wrong(self) -> ValueError:
        """The error at the current token."""
        if self.at >= len(self.tokens):
            return ValueError(f"the expression {self.text!r} ends too early")
        found = "".join(part or "" for part in self.tokens[self.at])
        return ValueError(f"{found!r} cannot stand there in the expression {self.text!r}")

    def sign(self, *wanted: str) -> str:
        """The next token, taken, if it is one of these signs; else ''."""
        if self.at < len(self.tokens) and self.tokens[self.at][2] in wanted:
            self.at += 1
            return self.tokens[self.at - 1][2] or ""
        return ""

    def sum(self) -> float:
        """Terms with + and - between them."""
        value = self.term()
        while sign := self.sign("+", "-"):
            other = self.term()
            value = value + other if sign == "+" else value - other
        return value

    def term(self) -> float:
        """Factors with * / % between them."""
        value = self.factor()
        while sign := self.sign("*", "/", "%"):
            other = self.factor()
            value = value * other if sign == "*" else value / other if sign == "/" else math.fmod(value, other)
        return value

    def factor(self) -> float:
        """Powers, evaluated from left to right; a sign in front binds closer than they do."""
        value = self.power()
        while self.sign("^"):
            value = math.pow(value, self.power())
        return value

    def power(self) -> float:
        """A base with any number of signs in front."""
        negative = False
        while sign := self.sign("+", "-"):
            negative ^= sign == "-"
        value = self.base()
        return -value if negative else value

    def base(self) -> float:
        """A number, a constant, a function's value, or an expression in parentheses."""
        if self.at >= len(self.tokens):
            raise self.wrong()
        number, name, _ = self.tokens[self.at]
        if number:
            self.at += 1
            return float(number)
        if name:
            return self.named(name.lower())
        if self.sign("("):
            return self.closed()
        raise self.wrong()

    def named(self, name: str) -> float:
        """A constant or a function; as in tinyexpr the parentheses of one argument may be left out."""
        if name not in FUNCTIONS and name not in CONSTANTS:
            raise self.wrong()
        self.at += 1
        return CONSTANTS[name] if name in CONSTANTS else float(FUNCTIONS[name](self.power()))

    def closed(self) -> float:
        """The rest of a parenthesised expression."""
        value = self.sum()
        if not self.sign(")"):
            raise self.wrong()
        return value
