"""File name patterns, as fnmatch(3) has them."""
from __future__ import annotations

from functools import lru_cache

from opensips_py.module.pattern import Pattern

SPECIAL = "\\^$.|?*+()[]{}"
WILD = {"*": ".*", "?": "."}


@lru_cache(256)
def glob(text: str) -> Pattern:
    """A pattern where * is anything, ? a character, [a-z] one of some, and a backslash hides one of these."""
    out = ["^"]
    at = 0
    while at < len(text):
        character = text[at]
        end = end_of_bracket(text, at) if character == "[" else 0
        if end:
            inside = text[at + 1:end]
            out.append(f"[^{inside[1:]}]" if inside[0] == "!" else f"[{inside}]")
            at = end
        elif character == "\\" and at + 1 < len(text):
            at += 1
            out.append(literal(text[at]))
        else:
            out.append(WILD.get(character) or literal(character))
        at += 1
    return Pattern("".join(out) + "$")


def literal(character: str) -> str:
    """A character as it stands."""
    return "\\" + character if character in SPECIAL else character


def end_of_bracket(text: str, start: int) -> int:
    """Where the list that begins at *start* ends; 0 where it does not, and the bracket is one like any other."""
    at = start + 2 if text[start + 1:start + 2] in ("!", "^") else start + 1
    at += text[at:at + 1] == "]"  # the first one is part of the list
    while at < len(text) and text[at] != "]":
        if text[at:at + 2] == "[:":
            closing = text.find(":]", at + 2)
            at = closing + 1 if closing > 0 else at
        at += 1
    return at if at < len(text) else 0
