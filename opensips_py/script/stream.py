"""The parser's view of the tokens: looking ahead, insisting, and finding the way back after an error."""
from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NoReturn

from opensips_py.script.braces import Braces
from opensips_py.script.diagnostics import Diagnostics, Place
from opensips_py.script.lexer import Token
from opensips_py.script.remedies import Edit, at
from opensips_py.script.tree import Lax

# The rest of a statement that could stand in parentheses
ARGUMENTS = re.compile(r"""((?:"(?:\\.|[^"\\])*"|'[^']*'|\$\([^;{}"]*\)|\$\w+(?:\(\w*\))?|[\w .,*\[\]-])*?)
    \s*(?=[;{]|$)""", re.VERBOSE)
ROUTE_KINDS = ("route", "branch_route", "failure_route", "onreply_route", "error_route", "local_route",
               "startup_route", "timer_route", "event_route")


class Unparsable(Exception):
    """The statement at hand makes no sense; the reason has been reported."""


class TokenStream:
    """A list of tokens with a reading position."""

    def __init__(self, tokens: list[Token], diagnostics: Diagnostics) -> None:
        self.tokens, self.diagnostics = tokens, diagnostics
        self.at = 0
        self.braces = Braces(diagnostics)
        self.lax: list[Lax] = []  # conditions without parentheses
        self.unclosed_at = -1  # where a block was missing its end: those around it miss theirs for the same reason

    @property
    def token(self) -> Token:
        """The token at hand; the last one is of kind "end"."""
        return self.tokens[self.at]

    @property
    def previous(self) -> Token:
        """The token read last."""
        return self.tokens[max(self.at - 1, 0)]

    def ahead(self, count: int = 1) -> Token:
        """The token *count* further on."""
        return self.tokens[min(self.at + count, len(self.tokens) - 1)]

    def take(self) -> Token:
        """Read one token."""
        token = self.token
        if token.kind != "end":
            self.at += 1
        return token

    def sees(self, *texts: str) -> bool:
        """Whether the token at hand is one of these operators or words."""
        return self.token.text in texts and self.token.kind in ("operator", "word")

    def accept(self, *texts: str) -> bool:
        """Read the token at hand if it is one of these."""
        if self.sees(*texts):
            self.at += 1
            return True
        return False

    def expect(self, text: str, why: str, *, lenient: tuple[str, ...] = ()) -> Token:
        """Read *text*; where a token of *lenient* stands instead, report it as missing and go on."""
        if self.sees(text):
            return self.take()
        if self.sees(*lenient) or (lenient and self.token.place.line > self.previous.place.line):
            self.missing(text, why)
            return self.previous
        self.fail(f"'{text}' expected {why}, found {self.shown()}", fix=f"add '{text}'")

    def missing(self, text: str, why: str) -> None:
        """Report that *text* is missing behind the token read last."""
        self.report(f"missing '{text}' {why}", self.behind(), fix=f"add '{text}' here")

    def behind(self) -> Place:
        """Just behind the token read last."""
        last = self.previous
        return last.place.inside(last.place.length)

    def shown(self) -> str:
        """The token at hand as an error names it."""
        return self.shown_at(0)

    def shown_at(self, count: int) -> str:
        """The token *count* further on as an error names it."""
        token = self.ahead(count)
        return "the end of the file" if token.kind == "end" else f"'{token.text.splitlines()[0]}'"

    def report(self, message: str, place: Place | None = None, label: str = "", fix: str = "",
               related: Iterable[tuple[str, Place]] = (), edits: Iterable[Edit] = ()) -> None:
        """Report *message*, unless the text ends here only because something in it has no end."""
        if not (self.token.kind == "end" and self.token.broken):
            self.diagnostics.misread(message, place or self.token.place, label, fix, related, edits)

    def fail(self, message: str, place: Place | None = None, label: str = "", fix: str = "",
             edits: Iterable[Edit] = ()) -> NoReturn:
        """Report *message* and give the statement up."""
        self.report(message, place, label, fix, edits=edits)
        raise Unparsable

    def in_parentheses(self) -> list[Edit]:
        """Parentheses around the rest of the statement at hand, if that stands in one line and has none."""
        place = self.token.place
        rest = (self.diagnostics.line(place) or "")[place.column - 1:]
        found = ARGUMENTS.match(rest)
        if found is None or not found[1]:
            return []
        opening = at(place, "(", length=0) if self.previous.text == "for" else \
            at(self.behind(), "(", length=place.column - self.behind().column)
        return [opening, at(place, ")", place.column + found.end(1), 0)]

    def unclosed(self, what: str, opening: Token) -> None:
        """Report that the block of *what* has no end."""
        before = self.diagnostics.found[-1] if self.diagnostics.found else None
        suspect, self.braces.open = self.braces.open, None
        if self.unclosed_at != self.at:
            self.unclosed_at = self.at
            if self.braces.twice is not None:
                self.report("'{' stands twice", self.braces.twice, fix="remove it")
                return
            if suspect is not None and suspect.opening is not None:
                self.report(suspect.message, suspect.place, f"this ends {what}", suspect.fix,
                            [("opened here", suspect.opening)])
                return
            self.report(f"the block of {what} is not closed", self.behind(), f"found {self.shown()}",
                        "add the missing '}'", [("opened here", opening.place)])
        elif before is not None and before.fix.startswith("add the missing '}"):
            before.fix = before.fix[:-1] + "}'"  # another one is missing in the same place

    def glued_text(self, *ends: str) -> tuple[str, Place]:
        """All tokens up to the next blank or one of *ends*, as one word."""
        first = self.take()
        text = first.value if first.kind == "string" else first.text
        while self.token.glued and not self.sees(*ends) and self.token.kind not in ("end", "string"):
            text += self.take().text
        return text, Place(first.place.file, first.place.line, first.place.column, max(len(text), 1))

    def not_doubled(self) -> None:
        """Complain of the word read last, where it stands there once more, and pass that."""
        before = self.previous
        if self.token.kind == "word" and self.token.text == before.text and not self.starts_line():
            self.report(f"'{before.text}' is there twice", fix="remove it",
                        edits=[at(self.behind(), "", length=self.token.place.column - self.behind().column
                                  + self.token.place.length)])
            self.take()

    def starts_line(self) -> bool:
        """Whether the token at hand is the first of its line."""
        return self.at == 0 or self.token.place.line != self.previous.place.line

    def starts_route(self) -> bool:
        """Whether a route block begins here."""
        return self.token.kind == "word" and self.token.text in ROUTE_KINDS and (
            self.ahead().text == "{" or (self.ahead().text == "[" and not self.calls_route()
                                         and not (self.token.text == "route" and self.ahead(4).text == ";")))

    def calls_route(self) -> bool:
        """Whether route[name](...) is a call: a block does not follow."""
        at = self.at + 2
        while self.tokens[at].kind != "end" and self.tokens[at].text not in ("]", "{", "}", ";"):
            at += 1
        if self.token.text != "route" or [each.text for each in self.tokens[at:at + 2]] != ["]", "("]:
            return False
        depth = 0
        for index in range(at + 1, len(self.tokens) - 1):
            depth += (self.tokens[index].text == "(") - (self.tokens[index].text == ")")
            if depth == 0:
                return self.tokens[index + 1].text != "{"
        return False

    def skip_statement(self) -> None:
        """Pass over the rest of a statement that made no sense: up to its `;`, or the `}` around it."""
        depth = 0
        while self.token.kind != "end" and not self.starts_route():
            if self.sees("}") and depth == 0:
                return
            closed = self.sees("}") and depth == 1
            ended = self.sees(";") and depth == 0
            depth += self.sees("{") - self.sees("}")
            self.take()
            if (closed or ended) and not self.sees("else"):
                return

    def skip_condition(self, start: int) -> None:
        """Pass over a condition that began at *start* and made no sense: behind its parenthesis, or up to a block."""
        self.at, depth = start, 0
        while self.token.kind != "end" and not self.starts_route() and not self.sees("{", "}", ";"):
            depth += self.sees("(") - self.sees(")")
            self.take()
            if depth <= 0 and self.previous.text == ")":
                return

    def skip_item(self) -> bool:
        """Pass over the rest of something outside routes, up to a line that begins the next; whether it had a block."""
        depth, blocks = 0, False
        while self.token.kind != "end":
            if depth == 0 and self.starts_line() and self.starts_item():
                return blocks
            blocks |= self.sees("{")
            depth = max(0, depth + self.sees("{") - self.sees("}"))
            self.take()
        return blocks

    def starts_item(self) -> bool:
        """Whether a route, loadmodule, modparam or a core parameter begins here."""
        if self.token.kind != "word":
            return False
        if self.token.text in ROUTE_KINDS:
            return self.ahead().text != "(" and (self.token.text != "route" or self.starts_route())
        return self.token.text in ("loadmodule", "modparam") or self.ahead().text == "="
