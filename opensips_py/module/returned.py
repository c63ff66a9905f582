"""What routes return: a return code that may carry a value, and lists of values."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Scalar = int | str | None


class Values(list[Any]):
    """A list as scripts have it: in a text, its values with commas between them."""

    def __str__(self) -> str:
        return ",".join("<null>" if each is None else str(each) for each in self)


class Returned(int):
    """The code of a route that returned something else than a number, or a 0 that ends nothing by itself."""

    value: Any

    def __new__(cls, code: int, value: Any) -> Returned:
        found = super().__new__(cls, code)
        found.value = value
        return found


ZERO = Returned(0, 0)


def code_of(value: Any) -> int:
    """The return code that a value is; what is no number counts as false."""
    if type(value) is int:
        return value
    try:
        return int(value or "")
    except (ValueError, TypeError):
        return -1


def returned(value: Any) -> int:
    """What a route hands to the one that called it for *value*."""
    if type(value) is int:
        return value or ZERO
    return Returned(code_of(value), value)


def is_stop(result: Any) -> bool:
    """Whether a route came back with the 0 that ends the script, and not with the number 0."""
    return result == 0 and isinstance(result, int) and not isinstance(result, (bool, Returned))


def exact(result: Any) -> Any:
    """The value that a route returned; NULL where it failed."""
    return result.value if type(result) is Returned else None if result is False else result


def plain(result: Any) -> Scalar:
    """The value that a route returned, as scripts of OpenSIPS know it: numbers in texts are numbers, NULL is -1."""
    if type(result) is not Returned:
        return -1 if result is False else result
    value: Scalar = result.value
    if value is None or isinstance(value, Values) or (type(value) is str and str(int(result)) == value):
        return int(result)
    return value


def code_alone(result: Any) -> int:
    """The code that a route returned, without a value."""
    return -1 if result is False else int(result)


def items(value: Any) -> Iterator[Any]:
    """What `for` goes through: the values of a list; of anything else, itself; of NULL, nothing."""
    if isinstance(value, list):
        yield from list(value)
    elif value is not None:
        yield value
