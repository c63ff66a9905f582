"""Substitutions whose replacement may hold pseudo-variables: /expression/replacement/flags."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any

from opensips_py.module import Format, Kind, Run
from opensips_py.module.kinds import ScriptLanguage
from opensips_py.module.pattern import Spans
from opensips_py.module.substitution import Substitution, compiled, sliced
from opensips_py.modules.textops.matching import matches

Piece = bytes | int | Format


class Rewriting:
    """A substitution, compiled; ValueError where it is written wrongly."""

    __slots__ = ("pieces", "substitution")

    def __init__(self, text: str, language: ScriptLanguage) -> None:
        expression, replacement, flags = sliced(text)
        delimiter = text[0]
        shown = expression.replace(delimiter, "\\" + delimiter)
        self.substitution = Substitution(
            f"{delimiter}{shown}{delimiter}{with_variables(replacement)}{delimiter}{flags}")
        self.pieces: list[Piece] = [self.piece(each, language) for each in self.substitution.pieces]

    def piece(self, piece: bytes | int, language: ScriptLanguage) -> Piece:
        """A part of the replacement, its variables compiled."""
        if isinstance(piece, int) or b"$" not in piece:
            return piece
        return language.format(piece.decode("utf-8", "surrogateescape"))

    def changes(self, run: Run, data: bytes, start: int = 0) -> Iterator[tuple[int, int, bytes]]:
        """What to replace in *data* from *start* on, and by what."""
        pieces = [each if isinstance(each, (bytes, int)) else (each(run) or "").encode("utf-8", "surrogateescape")
                  for each in self.pieces]
        return changes(self.substitution, pieces, data, start)


class Unknown:
    """A substitution that stands in a variable: read anew at each call, its replacement as it is written."""

    __slots__ = ("read",)

    def __init__(self, text: str, language: ScriptLanguage) -> None:
        self.read = language.variable(text).read

    def changes(self, run: Run, data: bytes, start: int = 0) -> Iterator[tuple[int, int, bytes]]:
        """What to replace in *data* from *start* on, and by what."""
        substitution = compiled(str(self.read(run) or ""))
        return changes(substitution, substitution.pieces, data, start)


class Computed:
    """A substitution that an expression of the script has put together."""

    __slots__ = ("substitution",)

    def __init__(self, text: str) -> None:
        self.substitution = compiled(text)

    def changes(self, run: Run, data: bytes, start: int = 0) -> Iterator[tuple[int, int, bytes]]:
        """What to replace in *data* from *start* on, and by what."""
        return changes(self.substitution, self.substitution.pieces, data, start)


def changes(substitution: Substitution, pieces: list[Any], data: bytes, start: int) -> Iterator[tuple[int, int, bytes]]:
    """The spans that a substitution replaces, and what takes their place."""
    found = matches(substitution.pattern, data, start)
    for spans in islice(found, None if substitution.everywhere else 1):
        yield (*spans[0], filled(pieces, data, spans))


def filled(pieces: list[bytes | int], data: bytes, spans: Spans) -> bytes:
    """The replacement of one match; a group that took no part in it is empty."""
    return b"".join(each if isinstance(each, bytes) else data[slice(*spans[each])] if spans[each][0] >= 0 else b""
                    for each in pieces)


def with_variables(replacement: str) -> str:
    """A replacement with its escapes of variables written as variables: \\u is the Request-URI, \\$ a dollar sign."""
    out = []
    position = 0
    while position < len(replacement):
        pair = replacement[position:position + 2]
        if pair[0] == "\\":
            out.append({"\\u": "$(ru)", "\\$": "$$"}.get(pair, pair))
            position += 2
        else:
            out.append(pair[0])
            position += 1
    return "".join(out)


@dataclass(frozen=True)
class RewritingKind(Kind):
    """A substitution; one that stands in the script is checked when that compiles."""

    name = "string"
    script = True

    def compile(self, value: str, language: ScriptLanguage) -> Rewriting | Unknown:
        return Unknown(value, language) if value.startswith("$") else Rewriting(value, language)

    def convert(self, value: Any) -> Computed:
        return Computed(str(value))


Subst = Annotated[Rewriting, RewritingKind()]
