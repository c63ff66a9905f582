"""Substitutions as in sed: /expression/replacement/flags."""
from __future__ import annotations

from functools import lru_cache
from typing import Any

from opensips_py.module.kinds import Kind
from opensips_py.module.pattern import Pattern, Spans

ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class Substitution:
    """A compiled substitution; ValueError where it is written wrongly.

    In the replacement \\0 is the match, \\1 to \\9 its groups. Flags: i ignores case, g replaces every match, s lets a
    dot match line ends.
    """

    __slots__ = ("everywhere", "pattern", "pieces", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        expression, replacement, flags = sliced(text)
        if unknown := flags.strip("igs \t\r\n"):
            raise ValueError(f"{unknown} is no flag of a substitution: i, g and s are")
        self.everywhere = "g" in flags
        self.pattern = Pattern(expression, ignore_case="i" in flags, newline="s" not in flags)
        self.pieces = pieces(replacement, text[0])
        highest = max((piece for piece in self.pieces if isinstance(piece, int)), default=0)
        if highest > self.pattern.expression.groups:
            raise ValueError(f"the replacement uses \\{highest}, and the expression has only "
                             f"{self.pattern.expression.groups} groups")

    def __call__(self, text: str) -> str:
        """*text* with its matches replaced."""
        replaced, _ = self.counted(text.encode("utf-8", "surrogateescape"))
        return replaced.decode("utf-8", "surrogateescape")

    def counted(self, data: bytes) -> tuple[bytes, int]:
        """*data* with its matches replaced, and how many there were."""
        out: list[bytes] = []
        position = count = 0
        while (found := self.pattern.search(data, position, at_line_start=data[position - 1:position] == b"\n")):
            start, end = found[0]
            out += [data[position:start], self.replacement(data, found)]
            count += 1
            if end == start:  # an empty match: go on behind the next byte
                out.append(data[end:end + 1])
                end += 1
            position = end
            if not self.everywhere or position > len(data):
                break
        return b"".join([*out, data[position:]]), count

    def replacement(self, data: bytes, found: Spans) -> bytes:
        """What takes the place of one match."""
        return b"".join(data[found[piece][0]:found[piece][1]] if isinstance(piece, int) and found[piece][0] >= 0
                        else b"" if isinstance(piece, int) else piece for piece in self.pieces)


def sliced(text: str) -> tuple[str, str, str]:
    """Expression, replacement and flags; the first character is the delimiter, a backslash hides one."""
    if len(text) < 3:
        raise ValueError(f'"{text}" is no substitution: write /expression/replacement/flags')
    parts: list[str] = []
    start = position = 1
    while position < len(text) and len(parts) < 2:
        if text[position] == "\\":
            position += 1
        elif text[position] == text[0]:
            parts.append(text[start:position])
            start = position + 1
        position += 1
    if len(parts) < 2:
        raise ValueError(f'"{text}" has no third {text[0]}: write /expression/replacement/flags')
    return parts[0].replace("\\" + text[0], text[0]), parts[1], text[start:]


def pieces(replacement: str, delimiter: str) -> list[bytes | int]:
    """The replacement as literal bytes and group numbers."""
    out: list[bytes | int] = []
    literal: list[str] = []
    position = 0
    while position < len(replacement):
        character = replacement[position]
        if character == "\\" and position + 1 < len(replacement):
            position += 1
            character = replacement[position]
            if character.isdecimal():
                out += ["".join(literal).encode("utf-8", "surrogateescape"), int(character)]
                literal = []
                character = ""
            else:
                character = ESCAPES.get(character, character)
        literal.append(character)
        position += 1
    return [each for each in [*out, "".join(literal).encode("utf-8", "surrogateescape")] if each != b""]


@lru_cache(1024)
def compiled(text: str) -> Substitution:
    """The substitution that *text* is, compiled once."""
    return Substitution(text)


class SubstitutionKind(Kind):
    """A substitution; a constant one is checked when the script compiles."""

    name = "string"
    literal = True

    def convert(self, value: Any) -> Substitution:
        return compiled(str(value))
