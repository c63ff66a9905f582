"""Substitutions whose replacement may hold pseudo-variables."""
from __future__ import annotations

import copy
from dataclasses import dataclass

from opensips_py.module import Format, Kind, Run
from opensips_py.module.kinds import ScriptLanguage
from opensips_py.module.substitution import Substitution


class Rewriting(Substitution):
    """A substitution, compiled; ValueError where it is written wrongly."""

    __slots__ = ("variables",)

    def __init__(self, text: str, language: ScriptLanguage) -> None:
        super().__init__(text)
        self.variables: dict[int, Format] = {
            number: language.format(piece.decode("utf-8", "surrogateescape"))
            for number, piece in enumerate(self.pieces) if isinstance(piece, bytes) and b"$" in piece}

    def now(self, run: Run) -> Substitution:
        """The same with the values that the variables have in *run*."""
        if not self.variables:
            return self
        found = copy.copy(self)
        found.pieces = [(self.variables[number](run) or "").encode("utf-8", "surrogateescape")
                        if number in self.variables else piece for number, piece in enumerate(self.pieces)]
        return found


@dataclass(frozen=True)
class RewritingKind(Kind):
    """/expression/replacement/flags."""

    name = "string"
    script = True

    def compile(self, value: str, language: ScriptLanguage) -> Rewriting:
        return Rewriting(value, language)
