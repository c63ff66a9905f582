"""Texts with pseudo-variables in them: "call from $fu to $(ru{uri.user})"."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from opensips_py.script.operators import Value
from opensips_py.script.variables import Parts, Place, Reference, split

if TYPE_CHECKING:
    from opensips_py.module.run import Run

NULL = "<null>"  # what NULL prints as
Piece = "str | Callable[[Run], Value]"

__all__ = ["NULL", "Parts", "Reference", "compiled", "parse", "shown"]


def parse(text: str, place: Place | None = None) -> Parts:
    """*text* as literal pieces and references; an empty text has no pieces."""
    return split(text, place)


def shown(value: Value) -> str:
    """A value as a text prints it."""
    if type(value) is str:
        return value
    return NULL if value is None else str(value)


def compiled(pieces: Sequence[str | Callable[[Run], Value]]) -> Callable[[Run], str | None]:
    """The function that gives the text in a run: NULL alone stays NULL, within a text it prints."""
    if not pieces:
        return lambda run: ""
    if len(pieces) > 1:
        return joined(tuple(pieces))
    only = pieces[0]
    if isinstance(only, str):
        return lambda run: only
    return alone(only)


def alone(read: Callable[[Run], Value]) -> Callable[[Run], str | None]:
    """One variable as a text."""
    def text(run: Run) -> str | None:
        value = read(run)
        return value if value is None or type(value) is str else str(value)
    return text


def joined(pieces: tuple[str | Callable[[Run], Value], ...]) -> Callable[[Run], str]:
    """Several pieces as one text."""
    def text(run: Run) -> str:
        out = []
        for piece in pieces:
            value = piece if type(piece) is str else piece(run)  # type: ignore[operator]
            out.append(value if type(value) is str else NULL if value is None else str(value))
        return "".join(out)
    return text
