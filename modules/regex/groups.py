"""The file of groups: `[0]`, and below it an expression a line."""
from __future__ import annotations

from collections.abc import Iterable

IGNORED = (" ", "\t", "\r", "\n", "#")


def groups(lines: Iterable[str], most: int, largest: int) -> list[str]:
    """One expression for each group of *lines*, at most *most* of *largest* bytes; ValueError says what is wrong."""
    found: list[list[str]] = []
    for number, line in enumerate(lines, 1):
        if line.startswith(IGNORED) or not line:
            continue
        if line.startswith("["):
            found.append([])
        elif not found:
            raise ValueError(f"line {number}: an expression stands before the first group, [0]")
        else:
            found[-1].append(line.rstrip("\r\n"))
    if len(found) > most:
        raise ValueError(f"it has {len(found)} groups, and max_groups is {most}")
    return [joined(number, each, largest) for number, each in enumerate(found)]


def joined(number: int, expressions: list[str], largest: int) -> str:
    """The expression of a whole group; one without any matches nothing."""
    text = f"({'|'.join(f'({each})' for each in expressions)})" if expressions else "(?!)"
    size = len(text.encode("utf-8", "surrogateescape"))
    if size > largest:
        raise ValueError(f"group {number} has {size} bytes, and group_max_size is {largest}")
    return text
