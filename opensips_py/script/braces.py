"""Where a brace is missing, by the indentation: found only where the braces themselves do not add up."""
from __future__ import annotations

from dataclasses import dataclass

from opensips_py.script.diagnostics import Diagnostics, Place
from opensips_py.script.lexer import Token


@dataclass(slots=True)
class Suspect:
    """A place where a brace may be missing, or one too many."""

    message: str
    place: Place
    fix: str
    opening: Place | None = None


class Braces:
    """What the blocks of one route look like."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        self.diagnostics = diagnostics
        self.begin()

    def begin(self) -> None:
        """A route begins: what was seen before is right."""
        self.open: Suspect | None = None  # a block that ends too far left: its own brace is missing
        self.early: Suspect | None = None  # the block that ended too far right
        self.blocks: list[tuple[str, Place | None]] = []  # those that are open: their margins, and what stands left
        self.twice: Place | None = None  # where a brace stands right behind another
        self.ended_twice: Place | None = None
        self.bare: list[tuple[str, Place]] = []  # conditions without a brace behind them, and their margins

    def margin(self, place: Place) -> str:
        """The blanks that the line of *place* begins with."""
        line = self.diagnostics.line(place) or ""
        return line[:len(line) - len(line.lstrip())]

    def without(self, keyword: Place, behind: Place) -> None:
        """A condition has a statement behind it and no block."""
        self.bare.append((self.margin(keyword), behind))

    def opened(self, opening: Token) -> None:
        """A block begins."""
        self.blocks.append((self.margin(opening.place), None))

    def goes_on(self, token: Token, behind: Place) -> None:
        """A statement begins a line: inside of the block that is open, or as far left as that itself? *behind* is
        where the statement before it ends."""
        if self.blocks:
            margin, left = self.blocks[-1]
            if left is None and margin.startswith(self.margin(token.place)):
                self.blocks[-1] = margin, behind

    def closed(self, what: str, opening: Token, closing: Token) -> None:
        """A block ends: with a brace further left than its beginning, or further right?"""
        _, left = self.blocks.pop() if self.blocks else ("", None)
        before, after = self.margin(opening.place), self.margin(closing.place)
        if closing.place.column != len(after) + 1 or before == after:
            return
        if before.startswith(after) and self.open is None:
            self.open = Suspect(f"the block of {what} is not closed", left or closing.place, "add the missing '}'",
                                opening.place)
        elif after.startswith(before) and self.early is None:
            self.early = self.unopened(after, closing)

    def unopened(self, margin: str, closing: Token) -> Suspect:
        """Which brace is missing, or one too many, where *closing* ends more than it should."""
        for bare, behind in reversed(self.bare):
            if bare == margin:
                return Suspect("missing '{' behind the condition", behind, "add '{' here")
        return Suspect("'}' without a block to close", self.ended_twice or closing.place,
                       "remove it, or look for one too many above")
