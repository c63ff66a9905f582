"""Tokens of a text that a preprocessor made: their places are those of the files that it was made of."""
from __future__ import annotations

from opensips_py.script.diagnostics import Diagnostics, Place
from opensips_py.script.external import Mapped
from opensips_py.script.lexer import Lexer


class MappedLexer(Lexer):
    """A lexer that knows where each line of its text comes from."""

    def __init__(self, mapped: Mapped, file: str, diagnostics: Diagnostics) -> None:
        super().__init__(mapped.text, file, diagnostics)
        self.mapped = mapped

    def here(self, column: int, length: int = 1) -> Place:
        """A stretch of the line at hand, or where that has been changed, all of the line that it comes from."""
        if not 0 < self.line <= len(self.mapped.origins):
            return Place(self.file, self.line, column, length)
        file, line = self.mapped.origins[self.line - 1]
        before = self.diagnostics.line(Place(file, line, 1))
        if before is None or before == self.mapped.lines[self.line - 1].rstrip("\r\n"):
            return Place(file, line, column, length)
        text = before.strip()
        return Place(file, line, len(before) - len(before.lstrip()) + 1, max(len(text), 1))
