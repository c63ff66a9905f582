"""Floating point arithmetic for scripts, which know whole numbers only."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated

from opensips_py.module import Between, Module, Route, Writable, param, script
from opensips_py.modules.mathops import infix, rpn

Digits = Annotated[int, Between(0, 32)]


class MathOps(Module, name="mathops"):
    """Compute with decimal numbers, written as text."""

    decimal_digits: Digits = param(6, "Digits behind the point in results.")

    @script(Route.ANY)
    def math_eval(self, expression: str, result_var: Writable) -> bool:
        """Evaluate *expression* (+ - * / % ^, parentheses, functions such as sqrt) into *result_var*."""
        return self.store(result_var, lambda: infix.evaluate(expression))

    @script(Route.ANY)
    def math_rpn(self, expression: str, result_var: Writable) -> bool:
        """Evaluate *expression*, in reverse Polish notation, into *result_var*."""
        return self.store(result_var, lambda: rpn.evaluate(expression))

    @script(Route.ANY)
    def math_compare(self, exp1: str, exp2: str, result_var: Writable) -> bool:
        """Set *result_var* to 1 where *exp1* is larger than *exp2*, to -1 where it is smaller, else to 0."""
        def compare() -> int:
            one, two = infix.evaluate(exp1), infix.evaluate(exp2)
            return (one > two) - (one < two)
        return self.assign(result_var, compare)

    @script(Route.ANY)
    def math_trunc(self, number: str, result_var: Writable) -> bool:
        """Cut the fraction off *number*: towards zero."""
        return self.assign(result_var, lambda: math.trunc(float(number)))

    @script(Route.ANY)
    def math_floor(self, number: str, result_var: Writable) -> bool:
        """The next whole number down from *number*."""
        return self.assign(result_var, lambda: math.floor(float(number)))

    @script(Route.ANY)
    def math_ceil(self, number: str, result_var: Writable) -> bool:
        """The next whole number up from *number*."""
        return self.assign(result_var, lambda: math.ceil(float(number)))

    @script(Route.ANY)
    def math_round(self, number: str, result_var: Writable, decimals: Digits = 0) -> bool:
        """Round *number*, halves away from zero: to a whole number, or to a text with *decimals* digits."""
        def rounded() -> int | str:
            value = away_from_zero(float(number), decimals)
            return f"{value:.{decimals}f}" if decimals else int(value)
        return self.assign(result_var, rounded)

    @script(Route.ANY)
    def math_round_sf(self, number: str, result_var: Writable, figures: Annotated[int, Between(1, 32)] = 1) -> bool:
        """Round *number* to *figures* significant figures, as a text."""
        return self.assign(result_var, lambda: significant(float(number), figures))

    def store(self, variable: Writable, compute: Callable[[], float]) -> bool:
        """Assign what *compute* gives as a text with the configured digits."""
        def text() -> str:
            value = compute()
            if not math.isfinite(value):
                raise ValueError("the result is no finite number")
            return f"{value:.{self.decimal_digits}f}"
        return self.assign(variable, text)

    def assign(self, variable: Writable, compute: Callable[[], int | str]) -> bool:
        """Assign what *compute* gives; false, and the reason in the log, where it cannot."""
        try:
            value = compute()
        except (ValueError, ArithmeticError) as error:
            self.log.error("%s", error)
            return False
        variable.set(value)
        return True


def away_from_zero(value: float, decimals: int) -> float:
    """*value* rounded as C's round() does, which is not Python's way with halves."""
    factor = 10.0 ** decimals
    return math.copysign(math.floor(abs(value) * factor + 0.5), value) / factor


def significant(value: float, figures: int) -> str:
    """*value* with *figures* significant figures."""
    if value == 0:
        return f"{0:.{figures - 1}f}"
    decimals = figures - 1 - math.floor(math.log10(abs(value)))
    return f"{away_from_zero(value, decimals):.{decimals if decimals > 0 else 6}f}"
