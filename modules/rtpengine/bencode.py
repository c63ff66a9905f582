"""Bencoding, which the ng protocol of rtpengine speaks: numbers, strings, lists, dictionaries."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DEEPEST = 32  # levels; nothing that an engine says is so deep
MOST_DIGITS = 20


def encode(value: Any) -> bytes:
    """*value* as bytes; dictionaries in the order of their keys, as bencoding demands."""
    parts: list[bytes] = []
    write(value, parts)
    return b"".join(parts)


def write(value: Any, parts: list[bytes]) -> None:
    """Add a value to *parts*."""
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    if isinstance(value, bytes):
        parts += (b"%d:" % len(value), value)
    elif isinstance(value, int):
        parts.append(b"i%de" % value)
    elif isinstance(value, Mapping):
        parts.append(b"d")
        for key in sorted(value):
            write(key, parts)
            write(value[key], parts)
        parts.append(b"e")
    elif isinstance(value, Sequence):
        parts.append(b"l")
        for each in value:
            write(each, parts)
        parts.append(b"e")
    else:
        raise TypeError(f"{value!r} has no bencoding")


def decode(data: bytes) -> Any:
    """What *data* says, strings as text; ValueError where it is not bencoded."""
    value, end = read(data, 0, 0)
    if end != len(data):
        raise ValueError("more than one value")
    return value


def read(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """The value that begins at a place, and where it ends."""
    kind = data[at:at + 1]
    if depth > DEEPEST:
        raise ValueError("too many levels")
    if kind == b"i":
        return read_number(data, at + 1, b"e")
    if kind == b"l":
        return read_list(data, at + 1, depth + 1)
    if kind == b"d":
        return read_dictionary(data, at + 1, depth + 1)
    length, at = read_number(data, at, b":")
    if not 0 <= length <= len(data) - at:
        raise ValueError("a string that is cut off")
    return data[at:at + length].decode("utf-8", "surrogateescape"), at + length


def read_number(data: bytes, at: int, end: bytes) -> tuple[int, int]:
    """A number up to *end*, and where what follows begins."""
    stop = data.find(end, at, at + MOST_DIGITS + 2)
    digits = data[at:stop]
    if stop < 0 or not digits.removeprefix(b"-").isdigit():
        raise ValueError("a number is missing")
    return int(digits), stop + 1


def read_list(data: bytes, at: int, depth: int) -> tuple[list[Any], int]:
    """The values up to the end of a list, and where that is."""
    found = []
    while data[at:at + 1] != b"e":
        value, at = read(data, at, depth)
        found.append(value)
    return found, at + 1


def read_dictionary(data: bytes, at: int, depth: int) -> tuple[dict[str, Any], int]:
    """The entries up to the end of a dictionary, and where that is."""
    found: dict[str, Any] = {}
    while data[at:at + 1] != b"e":
        key, at = read(data, at, depth)
        if not isinstance(key, str):
            raise ValueError("a key that is no string")
        found[key], at = read(data, at, depth)
    return found, at + 1
