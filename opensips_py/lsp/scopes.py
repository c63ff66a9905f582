"""Where the locals of a configuration are declared, seen and named: blocks within blocks, through all its files.

This goes over the words of the text, so that it also knows what is seen in a script that cannot be read yet.
"""
from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from opensips_py.script.diagnostics import Diagnostics, Place
from opensips_py.script.lexer import Token
from opensips_py.script.locals import USE
from opensips_py.script.statements import LOCAL_NAME, LOCAL_TYPES
from opensips_py.script.stream import TokenStream

BODIES = ("if", "while", "for")  # words with parentheses and a body behind them
PARAMETER = re.compile(r"\$\(?\s*param\(([A-Za-z_]\w*)\)")
HEAD_ENDS = ("{", "}", ";")


@dataclass(eq=False, slots=True)
class Block:
    """A route, from its word to its closing brace, or where that is missing, to what comes next."""

    kind: str
    name: str
    name_place: Place
    begin: int  # indexes of tokens
    end: int = 0
    locals: list[Local] = field(default_factory=list)  # those of blocks inside, too
    bare: list[tuple[str, Place]] = field(default_factory=list)  # parameters that are $var


@dataclass(eq=False, slots=True)
class Local:
    """One local; it is seen from the token *begin* up to the token *end*."""

    name: str
    type: str
    place: Place  # of its name, without the dollar sign
    route: Block | None
    is_parameter: bool = False
    default: str = ""  # of a parameter, as written
    begin: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True)
class Use:
    """A place that means a local; *is_spelled*: its name stands there, not something that was defined to mean it."""

    local: Local
    place: Place
    token: Token  # that the place is in
    is_spelled: bool


@dataclass(slots=True)
class Frame:
    """An open block, or the single statement behind a word like if."""

    owner: str
    is_single: bool = False
    locals: list[Local] = field(default_factory=list)


class Scopes(TokenStream):
    """All locals of a configuration, from its words."""

    def __init__(self, tokens: list[Token], texts: Mapping[str, list[str]]) -> None:
        super().__init__(tokens, Diagnostics())
        self.texts = texts
        self.routes: list[Block] = []
        self.uses: list[Use] = []
        self.frames: list[Frame] = []
        self.pending: list[Local] = []  # declared, and not seen before their statement ends
        self.route: Block | None = None
        self.places: dict[str, tuple[list[tuple[int, int]], list[int]]] = {}  # of the tokens of each file
        while self.token.kind != "end":
            self.step()
        self.close()
        self.index()

    # Blocks

    def step(self) -> None:
        """One token, or what it begins."""
        text = self.token.text
        if self.starts_route():
            self.close()
            self.head()
        elif self.route is None:
            self.take()
        elif self.sees("{"):
            self.opened("")
        elif self.sees("}"):
            self.closed()
        elif self.sees(";"):
            self.take()
            self.ended()
        elif self.sees(*BODIES, "switch") and self.ahead().text == "(":
            self.see_pending()
            self.take()
            self.parentheses()
            self.body(text)
        elif self.sees("else"):
            self.take()
            self.body("else")
        elif self.sees("case", "default") and self.frames and self.frames[-1].owner == "switch":
            self.forget(self.frames[-1], self.at)
            self.take()
        else:
            self.word()

    def word(self) -> None:
        """A token inside of a statement."""
        token = self.token
        if self.sees("local") and self.ahead().text != "(":
            self.take()
            self.declared(is_parameter=False)
            return
        if token.kind in ("variable", "string", "transformation"):
            self.name_locals(token)
        self.take()

    def parentheses(self) -> None:
        """What stands in parentheses, which are open here."""
        depth = 0
        while self.token.kind != "end" and not self.sees(*HEAD_ENDS) and not self.starts_route():
            depth += self.sees("(") - self.sees(")")
            self.word()
            if depth <= 0:
                return

    def body(self, owner: str) -> None:
        """The body of a word: a block, or a single statement; a loop variable belongs to it."""
        waiting, self.pending = self.pending, []
        if self.sees("{"):
            self.opened(owner)
        else:
            self.frames.append(Frame(owner, is_single=True))
        for each in waiting:
            self.enter(each)

    def opened(self, owner: str) -> None:
        """A brace that opens a block."""
        self.take()
        self.frames.append(Frame(owner))

    def closed(self) -> None:
        """A brace that closes one."""
        self.see_pending()
        self.leave_single(self.at)
        frame = self.frames.pop() if self.frames else Frame("")
        self.forget(frame, self.at)
        if not self.frames and self.route is not None:
            self.route.end = self.at
            self.route = None
        self.take()
        self.ended(frame.owner)

    def ended(self, owner: str = "") -> None:
        """A statement is over: the single bodies that it was go, up to the if that an else belongs to."""
        self.see_pending()
        if not self.sees("else"):
            self.leave_single(self.at - 1)
        elif owner != "if":
            self.leave_single(self.at - 1, last="if")

    def leave_single(self, end: int, last: str = "") -> None:
        """Close bodies without braces: all, or up to that of the innermost *last*."""
        while self.frames and self.frames[-1].is_single:
            frame = self.frames.pop()
            self.forget(frame, end)
            if frame.owner == last:
                return

    def forget(self, frame: Frame, end: int) -> None:
        """The locals of a block are out of reach from the token *end* on."""
        for each in frame.locals:
            each.end = end
        frame.locals.clear()

    def close(self) -> None:
        """Whatever is open has no end in the text."""
        self.see_pending()
        for frame in self.frames:
            self.forget(frame, self.at)
        self.frames.clear()
        if self.route is not None:
            self.route.end = self.at
            self.route = None

    # Declarations

    def head(self) -> None:
        """The head of a route, with its parameters."""
        begin, kind = self.at, self.take()
        name, place = "", kind.place
        if self.accept("[") and not self.sees("]", *HEAD_ENDS):
            name, place = self.glued_text(",", "]", "{")
        self.route = Block(kind.text, name, place, begin)
        self.routes.append(self.route)
        while self.token.kind != "end" and not self.sees("(", *HEAD_ENDS):
            self.take()
        if self.accept("("):
            while self.token.kind != "end" and not self.sees(")", *HEAD_ENDS):
                self.parameter()
            while self.token.kind != "end" and not self.sees(*HEAD_ENDS):
                self.take()
        if self.sees("{"):
            self.body("")

    def parameter(self) -> None:
        """One parameter, up to the comma behind it."""
        token = self.token
        if self.declared(is_parameter=True) and self.accept("="):
            default = self.pending[-1]
            while self.token.kind != "end" and not self.sees(",", ")", *HEAD_ENDS):
                default.default += self.take().text
        elif token.kind == "word" and self.previous is token and self.sees(",", ")") and self.route is not None:
            self.route.bare.append((token.text, token.place))
        while self.token.kind != "end" and not self.sees(",", ")", *HEAD_ENDS):
            self.take()
        self.accept(",")

    def declared(self, *, is_parameter: bool) -> bool:
        """A type and a name; whether they were there."""
        type_ = ""
        if self.token.kind == "word" and (self.token.text in LOCAL_TYPES or is_parameter):
            type_ = self.take().text
        token = self.token
        if token.kind != "variable" or not LOCAL_NAME.fullmatch(token.text):
            return False
        self.take()
        place = token.place.inside(1, len(token.text) - 1)
        found = Local(token.text[1:], type_, place, self.route, is_parameter)
        self.pending.append(found)
        if self.route is not None:
            self.route.locals.append(found)
        self.uses.append(Use(found, place, token, self.is_spelled(token)))
        return True

    def see_pending(self) -> None:
        """What has been declared is seen from here on."""
        waiting, self.pending = self.pending, []
        for each in waiting:
            self.enter(each)

    def enter(self, local: Local) -> None:
        """*local* is seen from here on, in the block at hand."""
        local.begin = local.end = max(self.at - 1, 0)
        if self.frames:
            self.frames[-1].locals.append(local)

    # Uses

    def find(self, name: str) -> Local | None:
        """The local that *name* means here."""
        return next((each for frame in reversed(self.frames) for each in reversed(frame.locals)
                     if each.name == name), None)

    def name_locals(self, token: Token) -> None:
        """The locals that a variable or a text names."""
        if "$" not in token.text or self.route is None:
            return
        spelled = self.is_spelled(token)
        for name, offset in names_in(token.text):
            found = self.find(name)
            if found is not None:
                self.uses.append(Use(found, place_in(token, offset, len(name)), token, spelled))
        for match in PARAMETER.finditer(token.text):
            for each in self.route.locals:
                if each.is_parameter and each.name == match[1]:
                    self.uses.append(Use(each, place_in(token, match.start(1), len(match[1])), token, spelled))

    def is_spelled(self, token: Token) -> bool:
        """Whether a token stands in the text as it is; where a definition was used, another word stands there."""
        lines = self.texts.get(token.place.file, [])
        if not 0 < token.place.line <= len(lines):
            return False
        return lines[token.place.line - 1].startswith(token.text.split("\n", 1)[0].rstrip("\r"),
                                                      token.place.column - 1)

    # Questions

    def index(self) -> None:
        """Remember where the tokens of each file stand."""
        for number, token in enumerate(self.tokens[:-1]):
            places, numbers = self.places.setdefault(token.place.file, ([], []))
            at = token.place.line, token.place.column
            if not places or at >= places[-1]:  # of a file that is included twice, the first time counts
                places.append(at)
                numbers.append(number)

    def token_before(self, file: str, line: int, column: int) -> int:
        """The index of the token that the text at a place follows; -1 where there is none."""
        places, numbers = self.places.get(file, ([], []))
        at = bisect_right(places, (line, column - 1))
        if at == 0:
            return numbers[0] - 1 if numbers else -1
        if places[at - 1][0] < line and at < len(numbers):
            return numbers[at] - 1  # what a line above included comes before it
        return numbers[at - 1]

    def lines(self) -> set[tuple[str, int]]:
        """The lines that anything stands in, by file and number."""
        return {(each.place.file, each.place.line + further) for each in self.tokens
                for further in range(each.text.count("\n") + 1)}

    def span(self, route: Block | None) -> set[tuple[str, int]]:
        """The lines from the first to the last of a route, in each of its files."""
        found: dict[str, list[int]] = {}
        for each in self.tokens[route.begin:route.end + 1] if route is not None else ():
            found.setdefault(each.place.file, []).append(each.place.line)
        return {(file, line) for file, lines in found.items() for line in range(min(lines), max(lines) + 1)}

    def route_at(self, file: str, line: int, column: int) -> Block | None:
        """The route that a place lies in."""
        number = self.token_before(file, line, column)
        return next((each for each in self.routes if each.begin <= number < each.end), None)

    def seen_at(self, file: str, line: int, column: int) -> list[Local]:
        """The locals that may be named at a place, without those that another one hides."""
        number, route = self.token_before(file, line, column), self.route_at(file, line, column)
        found = {each.name: each for each in (route.locals if route is not None else ())
                 if 0 <= each.begin <= number < each.end}  # of two, the inner one was declared later
        return list(found.values())


def names_in(text: str) -> Iterator[tuple[str, int]]:
    """What may be the name of a local in a variable or a text as written, and where it stands there."""
    for found in USE.finditer(text):
        name = (found.group(2) or "").rstrip(".")
        if name and not (found.group(3) and found.group(2) == name):
            yield name, found.start(2)


def place_in(token: Token, offset: int, length: int) -> Place:
    """The place of a piece of a token, which may go on over several lines."""
    before = token.text[:offset]
    lines = before.count("\n")
    if not lines:
        return token.place.inside(offset, length)
    return Place(token.place.file, token.place.line + lines, offset - before.rfind("\n"), length)
