"""Indexes of pseudo-variables: none, a number, a negative one from the end, or all."""
from __future__ import annotations

from collections.abc import Sequence

Index = int | str | None
Value = int | str | None


def pick(values: Sequence[Value], index: Index, delimiter: str = ", ") -> Value:
    """The value at *index* of *values*: the first without one, all joined for "*", NULL outside."""
    if index is None:
        return values[0] if values else None
    if type(index) is int:
        return values[index] if -len(values) <= index < len(values) else None
    if index == "*":
        return delimiter.join([str(each) for each in values if each is not None]) if values else None
    return None
