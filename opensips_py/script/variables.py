"""How a pseudo-variable is written: `$ru`, `$avp(x)`, `$(<request>hdr(Via)[1]{via.host}{s.len})`.

This is syntax alone; what a name means is decided when it is bound.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn, Protocol

from opensips_py.errors import ScriptError

NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.")
CONTEXTS = ("request", "reply")
PLACES = ("append", "insert", "insertAfter")  # where an assignment puts a further value


class Place(Protocol):
    """Where a text stands in the script; column counts from 1 and is that of the text's first character."""

    @property
    def file(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Spot:
    """A place by itself, for texts that stand in no script."""

    file: str = ""
    line: int = 0
    column: int = 1


@dataclass(frozen=True, slots=True)
class Step:
    """One transformation as written; *option* is the number of `{nameaddr.1.uri}`."""

    name: str
    argument: str | None
    option: int | None
    offset: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A pseudo-variable as it stands in the script.

    *name* is what stands in parentheses: a text, or parts where variables are in it. *index* is a number, "*", a place
    for a further value, or a variable.
    """

    text: str
    variable: str
    name: str | tuple[str | Reference, ...] | None
    index: int | str | Reference | None
    context: str
    steps: tuple[Step, ...]
    offset: int
    place: Place

    def fail(self, message: str, hint: str = "", offset: int | None = None) -> NoReturn:
        """Raise the error *message* at this reference, or at *offset* of the text that it stands in."""
        fail(message, self.place, self.offset if offset is None else offset, hint)


Parts = tuple["str | Reference", ...]


def fail(message: str, place: Place, offset: int, hint: str = "") -> NoReturn:
    """Raise the error *message* at *offset* behind *place*."""
    raise ScriptError(message, place.file, place.line, place.column + offset, hint)


def parse(text: str, place: Place | None = None) -> Reference:
    """The one variable that *text* is."""
    place = place or Spot()
    reference, end = parse_at(text, 0, place)
    if end != len(text):
        fail(f"{text[end:]!r} behind the variable {reference.text}", place, end)
    return reference


def parse_at(text: str, start: int, place: Place | None = None) -> tuple[Reference, int]:
    """The variable whose `$` stands at *start*, and where it ends."""
    reader = Reader(text, start, place or Spot())
    return reader.read(), reader.at


def split(text: str, place: Place | None = None) -> Parts:
    """*text* as literal pieces and variables; `$$` is a dollar sign, and so is one with nothing behind it."""
    place = place or Spot()
    parts: list[str | Reference] = []
    literal: list[str] = []
    at = 0
    while True:
        dollar = text.find("$", at)
        if dollar < 0 or dollar + 1 >= len(text):
            break
        literal.append(text[at:dollar])
        following = text[dollar + 1]
        if following == "$":
            literal.append("$")
            at = dollar + 2
        elif following in "(?" or (following in NAME and following != "."):
            if any(literal):
                parts.append("".join(literal))
            literal.clear()
            reference, at = parse_at(text, dollar, place)
            parts.append(reference)
        else:
            literal.append("$")
            at = dollar + 1
    literal.append(text[at:])
    if any(literal):
        parts.append("".join(literal))
    return tuple(parts)


def lone_dollar(text: str) -> int:
    """Where in *text* the first dollar sign stands that neither begins a variable nor is doubled; -1 for none, or
    where a variable before it makes no sense."""
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        following = text[dollar + 1:dollar + 2]
        if following == "$":
            at = dollar + 2
        elif following and (following in "(?" or (following in NAME and following != ".")):
            try:
                _, at = parse_at(text, dollar)
            except ScriptError:
                break
        else:
            return dollar
    return -1


# What is taken to stand inside of brackets that nothing closes
INSIDE = {")": re.compile(r"[\w.-]+"), "]": re.compile(r"[\w*-]+"), "}": re.compile(r"[\w.]+(?:,[\w.]+)*")}


def closing(text: str, opening: int, place: Place) -> int:
    """Where the bracket at *opening* ends; brackets inside count, one behind a backslash does not."""
    start, end = text[opening], {"(": ")", "[": "]", "{": "}"}[text[opening]]
    depth = 0
    at = opening
    while at < len(text):
        character = text[at]
        if character == "\\":
            at += 1
        elif character == start:
            depth += 1
        elif character == end:
            depth -= 1
            if not depth:
                return at
        at += 1
    inside = INSIDE[end].match(text, opening + 1)
    at = inside.end() if inside else opening
    hint = f"add '{end}' here" if inside else ""
    fail(f"missing {end} behind {text[max(text.rfind('$', 0, opening), 0):max(at, opening + 1)]}", place, at, hint)


class Reader:
    """Reads one variable from the text that it stands in."""

    def __init__(self, text: str, start: int, place: Place) -> None:
        self.text, self.start, self.place = text, start, place
        self.at = start + 1

    def peek(self) -> str:
        return self.text[self.at:self.at + 1]

    def fail(self, message: str, hint: str = "") -> NoReturn:
        fail(message, self.place, self.at, hint)

    def read(self) -> Reference:
        """`$name`, `$name(inner)` or `$(…)`."""
        if self.text[self.start:self.start + 1] != "$":
            fail("a variable starts with $", self.place, self.start)
        if self.peek() == "(":
            return self.read_bracketed()
        variable = self.read_variable()
        name = self.read_name(variable) if self.peek() == "(" else None
        return self.made(variable, name, None, "", ())

    def read_bracketed(self) -> Reference:
        """`$(<context>name(inner)[index]{transformation}…)`."""
        self.at += 1
        self.skip_space()
        context = self.read_context() if self.peek() == "<" else ""
        variable = self.read_variable()
        name = self.read_name(variable) if self.peek() == "(" else None
        index = self.read_index() if self.peek() == "[" else None
        steps = []
        self.skip_space()
        while self.peek() == "{":
            steps.append(self.read_step())
            self.skip_space()
        if self.peek() != ")":
            self.fail(f"missing ) behind {self.text[self.start:self.at].rstrip()}", "add ')' here")
        self.at += 1
        return self.made(variable, name, index, context, tuple(steps))

    def made(self, variable: str, name: str | Parts | None, index: int | str | Reference | None, context: str,
             steps: tuple[Step, ...]) -> Reference:
        return Reference(self.text[self.start:self.at], variable, name, index, context, steps, self.start, self.place)

    def skip_space(self) -> None:
        while self.peek() in (" ", "\t") and self.peek():
            self.at += 1

    def read_context(self) -> str:
        end = self.text.find(">", self.at)
        context = self.text[self.at + 1:end].strip() if end > 0 else ""
        if context not in CONTEXTS:
            self.fail(f"<{context}> is no context of a variable", "the contexts are <request> and <reply>")
        self.at = end + 1
        self.skip_space()
        return context

    def read_variable(self) -> str:
        """The class name; a dot that ends a sentence does not belong to it."""
        begin = self.at
        if self.peek() == "?":
            self.at += 1
            return "retcode"
        while self.at < len(self.text) and self.text[self.at] in NAME:
            self.at += 1
        while self.at > begin and self.text[self.at - 1] == ".":
            self.at -= 1
        if self.at == begin:
            named = re.compile(r"\{(\w+)\}").match(self.text, begin)
            self.fail("the name of a variable is missing behind $",
                      f"write ${named[1]} instead of ${named[0]}" if named else "")
        return self.text[begin:self.at]

    def read_name(self, variable: str) -> str | Parts:
        """What stands in parentheses: a text, or a text with variables in it."""
        end = closing(self.text, self.at, self.place)
        inner, begin = self.text[self.at + 1:end], self.at + 1
        if not variable.startswith(("sdp", "json")):  # in a filter of SDP and in a path of JSON, blanks count
            inner = inner.strip()
        self.at = end + 1
        if "$" not in inner:
            return inner
        parts = split(inner, Spot(self.place.file, self.place.line, self.place.column + begin))
        if len(parts) == 1 and isinstance(parts[0], str):
            return parts[0]
        return parts

    def read_index(self) -> int | str | Reference:
        """A number, `*`, a place such as `append`, or a variable in square brackets."""
        end = closing(self.text, self.at, self.place)
        inner, begin = self.text[self.at + 1:end].strip(), self.at
        if inner.startswith("$"):
            self.at = end + 1
            return parse(inner, Spot(self.place.file, self.place.line, self.place.column + begin + 1))
        # of branches of a transaction: $tm.branch.uri[0/active]
        number, slash, among = inner.partition("/")
        if slash and among in ("active", "all") and number.lstrip("-").isdigit():
            self.at = end + 1
            return inner
        if inner not in ("*", "ALL", "all", *PLACES):
            try:
                index = int(inner)
            except ValueError:
                self.fail(f"[{inner}] is no index", "an index is a number, a variable or *")
            self.at = end + 1
            return index
        self.at = end + 1
        return inner if inner in PLACES else "*"

    def read_step(self) -> Step:
        """One `{class.name,argument}`."""
        end = closing(self.text, self.at, self.place)
        inner, begin = self.text[self.at + 1:end], self.at + 1
        name, comma, argument = inner.partition(",")
        if not comma and name.endswith(")") and "(" not in name:
            self.at = end
            fail(f"missing }} behind {self.text[self.start:begin - 1 + len(name)]}", self.place, begin + len(name) - 1,
                 "write }) instead of )}")
        self.at = end + 1
        pieces = name.strip().split(".")
        option = None
        if len(pieces) == 3 and pieces[1].lstrip("-").isdigit():
            option = int(pieces.pop(1))
        return Step(".".join(pieces), argument if comma else None, option, begin)
