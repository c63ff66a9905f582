"""The text of one file beside its tokens, so that what the tree says can be changed where it stands."""
from __future__ import annotations

from collections.abc import Callable

from opensips_py.script.diagnostics import Diagnostics, Place
from opensips_py.script.lexer import Lexer, Token
from opensips_py.script.variables import NAME

OPENING, CLOSING = "([{", ")]}"
Span = tuple[int, int]  # numbers of tokens: the first, and the one behind the last


class Source:
    """One file: its text, its tokens, and the changes to be made."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text = file, text
        diagnostics = Diagnostics()
        diagnostics.add_text(file, text)
        self.tokens: list[Token] = list(Lexer(text, file, diagnostics))
        starts = [0]
        for line in text.split("\n"):
            starts.append(starts[-1] + len(line) + 1)
        self.starts = starts
        self.by_place = {(each.place.line, each.place.column): number for number, each in enumerate(self.tokens)}
        self.changes: list[tuple[int, int, str]] = []

    def offset(self, place: Place) -> int:
        """Where *place* lies in the text."""
        return self.starts[place.line - 1] + place.column - 1

    def at(self, place: Place) -> int | None:
        """The number of the token at *place*; None where a definition or another file put it there."""
        return self.by_place.get((place.line, place.column)) if place.file == self.file else None

    def begin(self, number: int) -> int:
        """Where a token begins."""
        return self.offset(self.tokens[number].place)

    def end(self, number: int) -> int:
        """Where a token ends."""
        return self.begin(number) + len(self.tokens[number].text)

    def shows(self, number: int, *texts: str) -> bool:
        """Whether the token of that number is one of *texts*."""
        return number < len(self.tokens) and self.tokens[number].text in texts

    def written(self, span: Span) -> str:
        """Tokens as they stand, with what lies between."""
        return self.text[self.begin(span[0]):self.end(span[1] - 1)] if span[0] < span[1] else ""

    def closing(self, opening: int) -> int | None:
        """The token that closes the bracket *opening*."""
        depth = 0
        for number in range(opening, len(self.tokens)):
            token = self.tokens[number]
            if token.kind == "operator":
                depth += (token.text in OPENING) - (token.text in CLOSING)
                if not depth:
                    return number
        return None

    def arguments(self, name: int) -> tuple[list[Span], int] | None:
        """The arguments of the call whose name is token *name*, and its closing parenthesis."""
        if not self.shows(name + 1, "(") or (end := self.closing(name + 1)) is None:
            return None
        found: list[Span] = []
        start, depth = name + 2, 0
        for number in range(name + 2, end):
            token = self.tokens[number]
            if token.kind == "operator":
                depth += (token.text in OPENING) - (token.text in CLOSING)
                if token.text == "," and not depth:
                    found.append((start, number))
                    start = number + 1
        return ([*found, (start, end)] if found or start < end else []), end

    # Changes

    def replace(self, start: int, end: int, text: str) -> None:
        """*text* in place of what stands from *start* to *end*."""
        self.changes.append((start, end, text))

    def put(self, number: int, text: str) -> None:
        """*text* in place of one token."""
        self.replace(self.begin(number), self.end(number), text)

    def line_end(self, offset: int) -> int:
        """Where the line of *offset* ends, without its line break."""
        end = self.text.find("\n", offset)
        end = len(self.text) if end < 0 else end
        return end - (self.text[end - 1:end] == "\r")

    def line_start(self, offset: int) -> int:
        """Where the line of *offset* begins."""
        return self.text.rfind("\n", 0, offset) + 1

    def note(self, offset: int, words: str) -> None:
        """A comment at the end of a line, unless a text or a comment goes on there."""
        end = self.line_end(offset)
        inside = any(self.begin(number) < end < self.end(number) for number in range(len(self.tokens)))
        line = self.text[self.line_start(offset):end]
        if not inside and "/*" not in line and not line.endswith("\\"):
            self.replace(end, end, f"  # {words}")

    def comment_out(self, first: int, last: int, words: str) -> None:
        """The lines from one token to another as comments, where nothing else stands in them."""
        start, end = self.line_start(self.begin(first)), self.line_end(self.end(last))
        before, behind = self.text[start:self.begin(first)], self.text[self.end(last):end]
        rest = behind.lstrip("; \t")
        if before.strip() or (rest and not rest.startswith(("#", "//"))):
            self.replace(self.begin(first), self.end(last), f"/* {self.written((first, last + 1))}: {words} */")
            return
        for line in range(self.tokens[first].place.line, self.tokens[last].place.line + 1):
            self.replace(self.starts[line - 1], self.starts[line - 1], "# ")
        self.replace(end, end, f"  # {words}")

    def result(self) -> str:
        """The text with all changes; of two that overlap, the wider one counts."""
        parts: list[str] = []
        done = 0
        for start, end, text in sorted(dict.fromkeys(self.changes), key=lambda each: (each[0], -each[1])):
            if start >= done:
                parts += [self.text[done:start], text]
                done = end
        return "".join([*parts, self.text[done:]])


def renamed_variables(text: str, rename: Callable[[str], str | None]) -> str:
    """*text* with other names for some of its variables: $name, $(name...), $(<request>name...)."""
    parts: list[str] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        start = dollar + 1
        if text[start:start + 1] == "$":
            parts.append(text[at:start + 1])
            at = start + 1
            continue
        if text[start:start + 1] == "(":
            start += 1
            if text[start:start + 1] == "<":
                start = text.find(">", start) + 1 or start
        end = start
        while end < len(text) and text[end] in NAME:
            end += 1
        name = text[start:end].rstrip(".")
        new = rename(name) if name else None
        parts += [text[at:start], name if new is None else new]
        at = start + len(name)
    return "".join([*parts, text[at:]])
