"""Lists as headers write them: comma-separated values, parameters, CSV; delimiters in quotes do not count."""
from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def at(values: Sequence[T], index: int) -> T | None:
    """The value at *index*, negative ones counted from the end; None outside."""
    return values[index] if -len(values) <= index < len(values) else None


def separated(text: str, delimiter: str, *, angles: bool = False) -> list[str]:
    """*text* cut at *delimiter* outside of quotes, and outside of <> where *angles* says so."""
    if '"' not in text and (not angles or "<" not in text):
        return text.split(delimiter)
    pieces: list[str] = []
    start = 0
    quoted = inside = escaped = False
    for position, character in enumerate(text):
        if escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = True
        elif angles and character in "<>":
            inside = character == "<"
        elif character == delimiter and not inside:
            pieces.append(text[start:position])
            start = position + 1
    return [*pieces, text[start:]]


def fields(text: str) -> list[str]:
    """The values of a comma-separated header."""
    return [each.strip() for each in separated(text, ",", angles=True)]


def parameter_pairs(text: str) -> list[tuple[str, str]]:
    """Names and values of a list a=1;b="2";c, without quotes."""
    pairs = []
    for each in separated(text, ";"):
        name, _, value = each.partition("=")
        if name.strip():
            pairs.append((name.strip(), unquoted(value.strip())))
    return pairs


def unquoted(value: str) -> str:
    """*value* without the quotes around it."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def csv_fields(text: str, *, quoted: bool = False) -> list[str]:
    """The fields of a record (RFC 4180): quotes may hold commas, and two quotes are one; *quoted* keeps them."""
    found = separated(text if quoted else text.replace('""', "\0"), ",")
    return found if quoted else [unquoted(each).replace("\0", '"') for each in found]
