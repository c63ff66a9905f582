"""The file of groups: `[0]`, and below it a pattern a line."""
from __future__ import annotations

from collections.abc import Iterable

IGNORED = (" ", "\t", "\r", "\n", "#")
NOTHING = "(?!)"  # a group without patterns


def groups(lines: Iterable[str], most: int, largest: int) -> list[str]:
    """One pattern for each group of *lines*, at most *most* of *largest* bytes; ValueError says what is wrong."""
    found: list[list[str]] = []
    for number, line in enumerate(lines, 1):
        if line.startswith(IGNORED) or not line:
            continue
        if line.startswith("["):
            found.append([])
        elif not found:
            raise ValueError(f"line {number}: a pattern stands before the first group, [0]")
        else:
            found[-1].append(line.rstrip("\r\n"))
    if len(found) > most:
        raise ValueError(f"it has {len(found)} groups, and max_groups is {most}")
    return [joined(number, each, largest) for number, each in enumerate(found)]


def joined(number: int, patterns: list[str], largest: int) -> str:
    """The pattern of a whole group; one without any matches nothing."""
    text = f"({'|'.join(f'({each})' for each in patterns)})" if patterns else NOTHING
    size = len(text.encode("utf-8", "surrogateescape"))
    if size > largest:
        raise ValueError(f"group {number} has {size} bytes, and group_max_size is {largest}")
    return text
