"""Regular expressions that can take very long: exponentially long in engines that go back, or too large at once.

Repetitions within repetitions, and alternatives that begin alike, let an engine that tries one way after the other try
very many. The C library that searches for this server does not go back, so that here only large counts hurt; yet the
same expressions stand in functions of PCRE, and in scripts that run elsewhere.
"""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from opensips_py.module.kinds import Regex
from opensips_py.script import tree
from opensips_py.script.diagnostics import Diagnostics, Place
from opensips_py.script.walk import nodes

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry

ALL = frozenset(map(chr, range(1, 128)))
LARGE = 1000  # copies that counts may multiply to
CLASSES = {"alpha": str.isalpha, "digit": str.isdigit, "alnum": str.isalnum, "upper": str.isupper,
           "lower": str.islower, "space": str.isspace}
ESCAPES = {"d": frozenset("0123456789"), "w": frozenset(c for c in ALL if c.isalnum() or c == "_"),
           "s": frozenset(" \t\r\n\f\v")}


@dataclass(slots=True)
class Part:
    """A piece of an expression: one character out of *chars*, or alternatives of sequences; repeated."""

    chars: frozenset[str] = frozenset()
    choices: list[list[Part]] = field(default_factory=list)
    least: int = 1
    most: int | None = 1  # None: without end

    @property
    def is_repeated(self) -> bool:
        """Whether it may occur any number of times."""
        return self.most is None


class Reader:
    """Takes an expression apart; what it does not know stands for itself."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def choices(self) -> list[list[Part]]:
        """Alternatives up to a closing parenthesis or the end."""
        found: list[list[Part]] = [[]]
        while self.at < len(self.text) and self.text[self.at] != ")":
            if self.text[self.at] == "|":
                self.at += 1
                found.append([])
            else:
                part = self.part()
                if part is not None:
                    found[-1].append(self.repeated(part))
        return found

    def part(self) -> Part | None:
        """One piece; None for an anchor."""
        char = self.text[self.at]
        self.at += 1
        if char == "(":
            if self.text.startswith("?", self.at):
                self.at = min(self.text.find(":", self.at) + 1 or self.at + 2, len(self.text))
            inner = Part(choices=self.choices())
            self.at += 1
            return inner
        if char in "^$":
            return None
        if char == ".":
            return Part(ALL)
        if char == "[":
            return Part(self.bracketed())
        if char == "\\" and self.at < len(self.text):
            self.at += 1
            return Part(ESCAPES.get(self.text[self.at - 1], frozenset(self.text[self.at - 1])))
        return Part(frozenset(char.lower()))

    def bracketed(self) -> frozenset[str]:
        """The characters of [...]."""
        end = self.text.find("]", self.at + (1 if self.text[self.at:self.at + 1] != "^" else 2))
        while 0 < end < len(self.text) and self.text.rfind("[:", self.at, end) > self.text.rfind(":]", self.at, end):
            end = self.text.find("]", end + 1)
        end = len(self.text) if end < 0 else end
        inner, self.at = self.text[self.at:end], end + 1
        return ALL - listed(inner[1:]) if inner.startswith("^") else listed(inner)

    def repeated(self, part: Part) -> Part:
        """*part* with the quantifier behind it."""
        char = self.text[self.at:self.at + 1]
        if char in ("*", "+", "?") and char:
            self.at += 1
            part.least, part.most = (1 if char == "+" else 0), (1 if char == "?" else None)
        elif char == "{" and (end := self.text.find("}", self.at)) > 0:
            least, comma, most = self.text[self.at + 1:end].partition(",")
            if least.isdigit():
                self.at = end + 1
                part.least = int(least)
                part.most = int(most) if most.isdigit() else None if comma else int(least)
        return part


def listed(inner: str) -> frozenset[str]:
    """The characters that stand in brackets."""
    found: set[str] = set()
    for name, test in CLASSES.items():
        if f"[:{name}:]" in inner:
            inner = inner.replace(f"[:{name}:]", "")
            found.update(char for char in ALL if test(char))
    at = 0
    while at < len(inner):
        if inner[at + 1:at + 2] == "-" and at + 2 < len(inner):
            found.update(map(chr, range(ord(inner[at]), min(ord(inner[at + 2]), 127) + 1)))
            at += 3
        else:
            found.add(inner[at])
            at += 1
    return frozenset(each.lower() for each in found)


def first(sequence: list[Part]) -> frozenset[str]:
    """The characters that a sequence may begin with."""
    found: frozenset[str] = frozenset()
    for part in sequence:
        found |= part.chars.union(*(first(each) for each in part.choices))
        if not is_empty([part]):
            return found
    return found


def is_empty(sequence: list[Part]) -> bool:
    """Whether a sequence may match nothing."""
    return all(part.least == 0 or (bool(part.choices) and any(is_empty(each) for each in part.choices))
               for part in sequence)


def reason(text: str) -> str:
    """Why *text* can take long; empty where it cannot."""
    choices = Reader(text).choices()
    if copies(choices) > LARGE:
        return "its counts multiply to a very large expression"
    return next((why for sequence in choices for why in reasons(sequence, is_anchored(text))), "")


def is_anchored(text: str) -> bool:
    """Whether something stands at the end that may fail."""
    return text.endswith("$") and not text.endswith("\\$")


def copies(choices: list[list[Part]]) -> int:
    """How large the expression becomes when counts are written out."""
    return sum(max(part.most or max(part.least, 1), 1) * (copies(part.choices) if part.choices else 1)
               for sequence in choices for part in sequence)


def reasons(sequence: list[Part], followed: bool) -> Iterator[str]:
    """What in *sequence* can be matched in very many ways, where what follows may fail."""
    for index, part in enumerate(sequence):
        rest = sequence[index + 1:]
        fails = followed or not is_empty(rest)
        if part.is_repeated and fails:
            for inner in part.choices:
                if is_nested(inner):
                    yield "a repetition stands within a repetition"
            if overlap(part.choices):
                yield "alternatives that begin alike are repeated"
        for inner in part.choices:
            yield from reasons(inner, fails or part.is_repeated)
    run = 0
    for part in sequence:
        run = run + 1 if part.is_repeated and part.chars == ALL else 0 if not is_empty([part]) else run
        if run == 3 and followed:
            yield "three repetitions of anything follow each other"


def is_nested(inner: list[Part]) -> bool:
    """Whether rounds of a repeated sequence can be cut anywhere: a repetition in it with nothing fixed that tells them
    apart."""
    for index, part in enumerate(inner):
        others = inner[:index] + inner[index + 1:]
        if part.is_repeated and part.least != part.most:
            own = part.chars.union(*(first(each) for each in part.choices))
            if all(is_empty([other]) or first([other]) <= own for other in others):
                return True
        if len(inner) == 1 and part.choices and any(is_nested(each) for each in part.choices):
            return True
    return False


def overlap(choices: list[list[Part]]) -> bool:
    """Whether two alternatives may begin with the same character and neither is told apart by what follows at once."""
    for index, one in enumerate(choices):
        for other in choices[index + 1:]:
            if first(one) & first(other) and (len(one) == 1 or len(other) == 1 or same(one, other)):
                return True
    return False


def same(one: list[Part], other: list[Part]) -> bool:
    """Whether all characters of the shorter alternative fit the longer one."""
    return all(first([a]) & first([b]) for a, b in zip(one, other, strict=False))


def check(routes: list[tree.Route], registry: Registry, diagnostics: Diagnostics) -> None:
    """Warn of expressions that can take long, behind =~ and in arguments that are expressions."""
    for route in routes:
        for node in nodes(route):
            for text, place in expressions(node, registry):
                if why := reason(text):
                    diagnostics.warning(f"this expression can take very long: {why}", place, "",
                                        "write each repetition once: (a+)+ is a+, (a|ab)* is (ab?)*")


def expressions(node: tree.Node, registry: Registry) -> Iterator[tuple[str, Place]]:
    """The constant expressions in *node*."""
    if isinstance(node, tree.Comparison) and node.operator in ("=~", "!~") and isinstance(node.right, tree.String):
        yield node.right.value, node.right.place
    found = registry.functions.get(node.name) if isinstance(node, tree.Call) else None
    if found is None or not isinstance(node, tree.Call):
        return
    for given, argument in zip(node.arguments, found.declaration.arguments, strict=False):
        kind = argument.kind.bare
        if isinstance(given, tree.String) and (isinstance(kind, Regex) or "regex" in argument.name):
            yield given.value, given.place
