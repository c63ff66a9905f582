"""What a route of the script adds to the metrics."""
from __future__ import annotations

import json
import re
from typing import Any

from opensips_py.modules.prometheus.families import LABELS, NAME

Sample = tuple[str, int]  # labels, value
Declared = list[Any]  # name, type, help, samples
SERIES = re.compile(NAME.pattern + r"(?:\{(?P<labels>[^\n]*)\})?")
HEADER = re.compile(r"(?:#[^\n]*\n?)+")


class Metrics:
    """What the run of a route has declared and pushed so far."""

    def __init__(self) -> None:
        self.declared: list[Declared] = []

    def declare(self, name: str, kind: str, help: str) -> None:
        """Let what is pushed from now on be samples of *name*."""
        self.declared.append([name, kind, help, []])

    def push(self, value: int, labels: str) -> bool:
        """Add a sample to what was declared last; False where nothing was."""
        if not self.declared:
            return False
        self.declared[-1][3].append([labels, value])
        return True


def braced(text: str) -> str | None:
    """The labels in ``{key="value",…}``; None where it is none of that."""
    inner = text.strip()
    if inner[:1] != "{" or inner[-1:] != "}":
        return None
    inner = inner[1:-1].strip().rstrip(",")
    return inner if not inner or LABELS.fullmatch(inner) else None


def block(text: str) -> str:
    """The lines that the JSON *text* of a route stands for; ValueError where it is no such."""
    try:
        groups = json.loads(text)
    except ValueError as error:
        raise ValueError(f"it is no JSON: {error}") from None
    if not isinstance(groups, list):
        raise ValueError("an array of objects with header and values is needed")
    return "".join(map(lines, groups))


def lines(group: Any) -> str:
    """A header and the values below it."""
    if not isinstance(group, dict) or not isinstance(group.get("values"), list):
        raise ValueError("an object with header and values is needed")
    header = group.get("header", "")
    if not isinstance(header, str) or (header and not HEADER.fullmatch(header)):
        raise ValueError(f"a header is made of lines that begin with #, not {header!r}")
    return (header.rstrip("\n") + "\n" if header else "") + "".join(map(line, group["values"]))


def line(value: Any) -> str:
    """One value."""
    name, number = (value.get("name"), value.get("value")) if isinstance(value, dict) else (None, None)
    found = SERIES.fullmatch(name) if isinstance(name, str) else None
    if found is None or (found["labels"] and not LABELS.fullmatch(found["labels"])):
        raise ValueError(f"{name!r} is no name of a metric")
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise ValueError(f"the value of {name} is a number, not {number!r}")
    return f"{name} {number}\n"
