"""What the operators of the script mean: typed comparison, matching, arithmetic on 32-bit integers, NULL.

Values are int, str or None for NULL. The compiler calls these, or puts the plain Python expression where the types
are known: `value == 5` for a constant number, since a text never equals one.
"""
from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from opensips_py.module.declare import Dialect
from opensips_py.module.pattern import Pattern

Value = int | str | None
LOWEST, HIGHEST = -2**31, 2**31 - 1


def number(value: int) -> int:
    """*value* as the script's 32-bit signed integer: it wraps."""
    return value if LOWEST <= value <= HIGHEST else ((value + 2**31) & 0xFFFFFFFF) - 2**31


def is_true(value: Value) -> bool:
    """What a variable alone means as a condition: not NULL, not 0, not empty."""
    return bool(value)


# Comparison: two numbers as numbers, a text with a constant number never, everything else as text without regard to
# case. NULL equals NULL alone; the two dialects differ in !~ NULL only.

def equal(left: Value, right: Value) -> bool:
    """left == right, both variables."""
    if left == right:
        return True
    if left is None or right is None or (type(left) is int and type(right) is int):
        return False
    return str(left).lower() == str(right).lower()


def differs(left: Value, right: Value) -> bool:
    """left != right, both variables."""
    return not equal(left, right)


def equals_text(value: Value, text: str) -> bool:
    """value == "text" for a constant *text* that is in lower case already."""
    if value == text:
        return True
    return value is not None and str(value).lower() == text


def differs_text(value: Value, text: str) -> bool:
    """value != "text" for a constant *text* that is in lower case already."""
    return value is None or (value != text and str(value).lower() != text)


def equals_number(value: Value, constant: int) -> bool:
    """value == 5."""
    return value == constant


def differs_number(value: Value, constant: int) -> bool:
    """value != 5: a text is not comparable with a number."""
    return type(value) is not str and value != constant


def is_null(value: Value) -> bool:
    """value == NULL."""
    return value is None


def is_set(value: Value) -> bool:
    """value != NULL."""
    return value is not None


def order(left: Value, right: Value) -> int | None:
    """Negative, zero or positive as left is before, equal to or after right; None where they cannot be compared."""
    if left is None or right is None:
        return None
    if type(left) is int and type(right) is int:
        return left - right
    before, after = str(left).lower(), str(right).lower()
    return (before > after) - (before < after)


def less(left: Value, right: Value) -> bool:
    """left < right."""
    found = order(left, right)
    return found is not None and found < 0


def less_or_equal(left: Value, right: Value) -> bool:
    """left <= right."""
    found = order(left, right)
    return found is not None and found <= 0


def greater(left: Value, right: Value) -> bool:
    """left > right."""
    found = order(left, right)
    return found is not None and found > 0


def greater_or_equal(left: Value, right: Value) -> bool:
    """left >= right."""
    found = order(left, right)
    return found is not None and found >= 0


def less_number(value: Value, constant: int) -> bool:
    """value < 5."""
    return type(value) is int and value < constant


def less_or_equal_number(value: Value, constant: int) -> bool:
    """value <= 5."""
    return type(value) is int and value <= constant


def greater_number(value: Value, constant: int) -> bool:
    """value > 5."""
    return type(value) is int and value > constant


def greater_or_equal_number(value: Value, constant: int) -> bool:
    """value >= 5."""
    return type(value) is int and value >= constant


# Matching: POSIX extended, without regard to case.

@lru_cache(4096)
def expression(text: str) -> Pattern | None:
    """The compiled expression of a run-time *text*; None where it is wrong."""
    try:
        return Pattern(text, ignore_case=True)
    except ValueError:
        return None


def constant_expression(text: str) -> Pattern:
    """The compiled expression of a constant; ValueError says what is wrong with it."""
    return Pattern(text, ignore_case=True)


def matches_pattern(value: Value, pattern: Pattern) -> bool:
    """value =~ a compiled expression."""
    return value is not None and pattern.matches(value if type(value) is str else str(value))


def lacks_pattern(value: Value, pattern: Pattern) -> bool:
    """value !~ a compiled expression."""
    return value is None or not pattern.matches(value if type(value) is str else str(value))


def matches(value: Value, text: Value) -> bool:
    """value =~ a variable."""
    if value is None or text is None:
        return False
    pattern = expression(str(text))
    return pattern is not None and pattern.matches(str(value))


def lacks(value: Value, text: Value) -> bool:
    """value !~ a variable; a wrong expression fits nothing and lacks nothing."""
    if value is None or text is None:
        return value is not text
    pattern = expression(str(text))
    return pattern is not None and not pattern.matches(str(value))


def lacks_21(value: Value, text: Value) -> bool:
    """value !~ a variable in 2.1, where nothing is compared with an expression that is NULL."""
    return text is not None and lacks(value, text)


# Addresses

@lru_cache(4096)
def network(text: str) -> IPv4Network | IPv6Network:
    """The network of `10.0.0.0/8`, `10.0.0.0/255.0.0.0` or of one address; ValueError for anything else."""
    return ip_network(text.replace("[", "").replace("]", ""), strict=False)


def in_network(value: Value, wanted: IPv4Network | IPv6Network) -> bool:
    """value == 10.0.0.0/8, an address (or host of a URI) with a network."""
    if type(value) is not str:
        return False
    try:
        return ip_address(value.strip("[]")) in wanted
    except (ValueError, TypeError):
        return False


# Arithmetic. NULL on the right of a number is 0, on the left it is an empty text. A number and a text do not go
# together: the result is None, and an assignment of it does not take place.

def add(left: Value, right: Value) -> Value:
    """left + right: the sum of two numbers, two texts joined."""
    if type(left) is int:
        return number(left + (right or 0)) if not isinstance(right, str) else None
    if type(right) is int:
        return None
    return (left or "") + (right or "")  # type: ignore[operator]


def add_variable(left: Value, right: Value) -> Value:
    """left + right where the right side is a variable: its number is joined to a text as digits."""
    return add(left, str(right) if type(right) is int and type(left) is not int else right)


def subtract(left: Value, right: Value) -> int | None:
    """left - right."""
    return number(left - (right or 0)) if type(left) is int and not isinstance(right, str) else None


def multiply(left: Value, right: Value) -> int | None:
    """left * right."""
    return number(left * (right or 0)) if type(left) is int and not isinstance(right, str) else None


def divide(left: Value, right: Value) -> int | None:
    """left / right, cut towards zero; 0 for a division by zero."""
    if type(left) is not int or isinstance(right, str):
        return None
    if not right:
        return 0
    quotient = abs(left) // abs(right)
    return number(quotient if (left < 0) == (right < 0) else -quotient)


def modulo(left: Value, right: Value) -> int | None:
    """left % right, with the sign of *left* as in C; 0 for a division by zero."""
    if type(left) is not int or isinstance(right, str):
        return None
    if not right:
        return 0
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def bit_and(left: Value, right: Value) -> Value:
    """left & right, of numbers or byte by byte of texts."""
    if type(left) is int:
        return left & (right or 0) if not isinstance(right, str) else None
    return bytewise(operator.and_, left, right)


def bit_or(left: Value, right: Value) -> Value:
    """left | right, of numbers or byte by byte of texts."""
    if type(left) is int:
        return left | (right or 0) if not isinstance(right, str) else None
    return bytewise(operator.or_, left, right)


def bit_xor(left: Value, right: Value) -> Value:
    """left ^ right, of numbers or byte by byte of texts."""
    if type(left) is int:
        return left ^ (right or 0) if not isinstance(right, str) else None
    return bytewise(operator.xor, left, right)


def bytewise(operation: Callable[[int, int], int], left: Value, right: Value) -> str | None:
    """*operation* on the bytes of two texts of one length."""
    if type(left) is not str or not isinstance(right, str):
        return None
    one, other = left.encode("utf-8", "surrogateescape"), right.encode("utf-8", "surrogateescape")
    return bytes(map(operation, one, other)).decode("utf-8", "surrogateescape") if len(one) == len(other) else None


def shift_left(left: Value, right: Value) -> int | None:
    """left << right."""
    return number(left << ((right or 0) & 31)) if type(left) is int and not isinstance(right, str) else None


def shift_right(left: Value, right: Value) -> int | None:
    """left >> right."""
    return left >> ((right or 0) & 31) if type(left) is int and not isinstance(right, str) else None


def bit_not(value: Value) -> int | None:
    """~value."""
    return ~value if type(value) is int else None


def negate(value: Value) -> int | None:
    """-value."""
    return number(-value) if type(value) is int else None


def changed(operation: Callable[[Any, Any], Value], value: Value, by: Value) -> Value:
    """value += by, with any operation: NULL changes nothing, and NULL cannot be changed; None where it fails."""
    if by is None or value is None:
        return value
    if by == 0 and operation in (divide, modulo):
        return None
    return operation(value, by)


@cache
def of_results(operation: Callable[[Any, Any], Value], left: bool, right: bool) -> Callable[[Value, Value], Value]:
    """*operation* where *left* or *right* stands for the result of another one: what has failed makes this fail."""
    def strict(one: Value, other: Value) -> Value:
        return None if (left and one is None) or (right and other is None) else operation(one, other)
    strict.__name__ = operation.__name__
    return strict


def compared(value: Value, outcome: bool, failed: int | None) -> int | None:
    """A comparison of *value* with a number, as a value: *failed* where a text is compared."""
    return failed if type(value) is str else int(outcome)


def as_text(value: Value) -> str | None:
    """A port, which is text and number at once, where a text is wanted."""
    return None if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Comparisons:
    """The comparisons of a dialect, by what stands on the right: anything, a constant text in lower case, a constant
    number, a compiled expression."""

    values: dict[str, Callable[[Value, Value], bool]]
    texts: dict[str, Callable[[Value, str], bool]]
    numbers: dict[str, Callable[[Value, int], bool]]
    patterns: dict[str, Callable[[Value, Pattern], bool]]


ORDERS: dict[str, Callable[[Value, Value], bool]] = {
    "<": less, "<=": less_or_equal, ">": greater, ">=": greater_or_equal, "=~": matches}
NUMBERS: dict[str, Callable[[Value, int], bool]] = {
    "==": equals_number, "!=": differs_number, "<": less_number, "<=": less_or_equal_number, ">": greater_number,
    ">=": greater_or_equal_number}
EQUALITIES: dict[str, Callable[[Value, Value], bool]] = {"==": equal, "!=": differs}
TEXTS: dict[str, Callable[[Value, str], bool]] = {"==": equals_text, "!=": differs_text}
PATTERNS: dict[str, Callable[[Value, Pattern], bool]] = {"=~": matches_pattern, "!~": lacks_pattern}
BY_DIALECT: dict[Dialect, Comparisons] = {
    "2.1": Comparisons({**EQUALITIES, "!~": lacks_21, **ORDERS}, TEXTS, NUMBERS, PATTERNS),
    "4.0": Comparisons({**EQUALITIES, "!~": lacks, **ORDERS}, TEXTS, NUMBERS, PATTERNS),
}
COMPARISONS, TEXT_COMPARISONS = BY_DIALECT["4.0"].values, BY_DIALECT["4.0"].texts
NUMBER_COMPARISONS, PATTERN_COMPARISONS = NUMBERS, BY_DIALECT["4.0"].patterns
NULL_COMPARISONS: dict[str, Callable[[Value], bool]] = {"==": is_null, "!=": is_set}
ARITHMETIC: dict[str, Callable[[Any, Any], Value]] = {
    "+": add, "-": subtract, "*": multiply, "/": divide, "%": modulo, "&": bit_and, "|": bit_or, "^": bit_xor,
    "<<": shift_left, ">>": shift_right,
}
UNARY: dict[str, Callable[[Any], Value]] = {"~": bit_not, "-": negate}
