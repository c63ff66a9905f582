"""Writing JSON in the four ways that the variables have."""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from opensips_py.modules.json.reading import NULL, Literal

SPECIAL = re.compile(r'[\x00-\x1f"\\/]')
SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "/": "\\/"}


@dataclass(frozen=True)
class Style:
    """What stands between the parts."""

    blanks: bool = False  # inside brackets, behind colons and commas
    lines: bool = False  # each item on a line of its own
    slashes: bool = True  # escaped


SPACED, COMPACT, UNESCAPED, PRETTY = Style(blanks=True), Style(), Style(slashes=False), Style(lines=True)


def written(value: Any, style: Style, level: int = 0) -> str:
    """*value* as JSON."""
    if value is NULL:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, Literal)):
        return str(value)
    if isinstance(value, str):
        return quoted(value, style)
    if isinstance(value, dict):
        colon = ": " if style.blanks else ":"
        items = [quoted(key, style) + colon + written(item, style, level + 1) for key, item in value.items()]
        return bracketed("{", items, "}", style, level)
    return bracketed("[", [written(item, style, level + 1) for item in value], "]", style, level)


def bracketed(opening: str, items: list[str], closing: str, style: Style, level: int) -> str:
    """An array or object."""
    if style.blanks:
        return f"{opening} {', '.join(items)} {closing}" if items else f"{opening} {closing}"
    if style.lines and items:
        line = "\n" + "  " * (level + 1)
        return opening + line + f",{line}".join(items) + "\n" + "  " * level + closing
    return opening + ",".join(items) + closing


def quoted(text: str, style: Style) -> str:
    """A text; characters beyond ASCII stay what they are."""
    def escaped(found: re.Match[str]) -> str:
        character = found[0]
        if character == "/" and not style.slashes:
            return character
        return SHORT.get(character) or f"\\u{ord(character):04x}"
    return f'"{SPECIAL.sub(escaped, text)}"'
