"""Regular expressions as a script writes them: POSIX extended, searched by the C library."""
from __future__ import annotations

from opensips_py.module._posix_regex import Expression

Spans = tuple[tuple[int, int], ...]


class Pattern:
    """A compiled expression; text is UTF-8 with surrogateescape, as everywhere in messages."""

    __slots__ = ("expression", "text")

    def __init__(self, text: str, *, ignore_case: bool = False, newline: bool = False) -> None:
        self.text = text
        self.expression = Expression(text.encode("utf-8", "surrogateescape"), ignore_case, newline)

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"

    def matches(self, text: str) -> bool:
        """Whether the expression occurs anywhere in *text*."""
        return self.expression.matches(text.encode("utf-8", "surrogateescape"))

    def search(self, data: bytes, start: int = 0, end: int = -1, *, at_line_start: bool = False) -> Spans | None:
        """Byte spans of the first match and its groups in *data* from *start* on; None without a match."""
        return self.expression.search(data, start, end, at_line_start)
