"""Rules in files: who may reach whom, by regular expressions on pairs of URIs.

A line is ``LIST [EXCEPT LIST] : LIST [EXCEPT LIST]``; the left side is for the first URI of a pair, the right side for
the second. A list holds expressions in double quotes with commas between them, or the word ALL. What stands behind a #
outside of quotes is a comment.
"""
from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from opensips_py.module import Pattern

ALL, EXCEPT = "ALL", "EXCEPT"
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a rule: expressions of which one has to match (None: anything), and those of which none may."""

    wanted: tuple[Pattern, ...] | None
    unwanted: tuple[Pattern, ...] | None = ()

    def matches(self, uri: str) -> bool:
        """Whether *uri* is meant."""
        return matches(self.wanted, uri) and not matches(self.unwanted, uri)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line."""

    left: Side
    right: Side

    def matches(self, pair: Pair) -> bool:
        """Whether both URIs are meant."""
        return self.left.matches(pair[0]) and self.right.matches(pair[1])


def matches(expressions: tuple[Pattern, ...] | None, uri: str) -> bool:
    """Whether one of the *expressions* matches; None stands for ALL."""
    return expressions is None or any(each.matches(uri) for each in expressions)


class Rules(tuple[Rule, ...]):
    """The rules of one file."""

    __slots__ = ()

    def match(self, pair: Pair) -> bool:
        """Whether one of them matches."""
        return any(rule.matches(pair) for rule in self)


def read(path: str) -> Rules:
    """The rules in a file, none where there is no such file; ValueError with the line where one is malformed."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return parse(file, path)
    except FileNotFoundError:
        return Rules()


def parse(lines: Iterable[str], name: str = "") -> Rules:
    """The rules in *lines*."""
    found = []
    for number, line in enumerate(lines, 1):
        try:
            tokens = split(line)
            if tokens:
                found.append(rule(tokens))
        except ValueError as error:
            raise ValueError(f"{os.path.basename(name)}, line {number}: {error}") from None
    return Rules(found)


def rule(tokens: list[str]) -> Rule:
    """The rule that *tokens* make up."""
    if tokens.count(":") != 1:
        raise ValueError("a rule has one colon between its sides")
    middle = tokens.index(":")
    return Rule(side(tokens[:middle]), side(tokens[middle + 1:]))


def side(tokens: list[str]) -> Side:
    """One side."""
    if EXCEPT not in tokens:
        return Side(expressions(tokens))
    middle = tokens.index(EXCEPT)
    return Side(expressions(tokens[:middle]), expressions(tokens[middle + 1:]))


def expressions(tokens: list[str]) -> tuple[Pattern, ...] | None:
    """The expressions of a list; None where ALL is among them."""
    values, commas = tokens[::2], tokens[1::2]
    if len(tokens) % 2 == 0 or any(each != "," for each in commas):
        raise ValueError('a list is "expression", "expression" or ALL')
    for each in values:
        if each != ALL and not each.startswith('"'):
            raise ValueError(f'{each} is neither ALL nor an expression in quotes')
    if ALL in values:
        return None
    return tuple(pattern(each[1:]) for each in values)


def pattern(text: str) -> Pattern:
    """An expression: POSIX extended, upper and lower case alike."""
    try:
        return Pattern(text, ignore_case=True)
    except ValueError as error:
        raise ValueError(f'"{text}" is not a POSIX regular expression: {error}') from None


def split(line: str) -> list[str]:
    """The words of a line, commas and colons; an expression begins with its quote."""
    tokens: list[str] = []
    at = 0
    while at < len(line):
        character = line[at]
        if character == "#":
            break
        if character in ",:":
            tokens.append(character)
        elif character == '"':
            end = closing(line, at + 1)
            tokens.append(line[at:end].replace('\\"', '"'))
            at = end
        elif not character.isspace():
            end = at
            while end < len(line) and not line[end].isspace() and line[end] not in ',:"#':
                end += 1
            tokens.append(line[at:end])
            at = end - 1
        at += 1
    return tokens


def closing(line: str, start: int) -> int:
    """Where the quote is that ends what begins at *start*; a backslash hides one."""
    at = start
    while at < len(line) and line[at] != '"':
        at += 2 if line[at] == "\\" else 1
    if at >= len(line):
        raise ValueError("a quote is not closed")
    return at
