"""Time recurrences joined to one condition: & and / (and, or), ! (not), parentheses.

As in OpenSIPS, operators of both kinds may not stand side by side without parentheses, and an empty condition never
holds.
"""
from __future__ import annotations

from collections.abc import Callable

from opensips_py.module.recurrence import Recurrence

Condition = Callable[[float], bool]  # of seconds since 1970
OPERATORS = "&/"


def parse(text: str) -> Condition:
    """The condition that *text* writes; ValueError where it is malformed."""
    reader = Reader(text)
    found = reader.joined()
    if reader.peek():
        raise ValueError(f"{reader.peek()!r} cannot stand at {reader.at}")
    return found


class Reader:
    """Reads a condition by recursive descent."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        while self.text[self.at:self.at + 1].isspace():
            self.at += 1
        return self.text[self.at:self.at + 1]

    def joined(self) -> Condition:
        """Operands with one kind of operator between them."""
        found = [self.operand(alone=True)]
        operator = self.peek()
        if operator not in OPERATORS or not operator:
            return found[0]
        if found[0] is never:
            raise ValueError(f"nothing stands before {operator}")
        while self.peek() == operator:
            self.at += 1
            found.append(self.operand())
        if self.peek() in tuple(OPERATORS):
            raise ValueError("& and / side by side need parentheses")
        join = all if operator == "&" else any
        return lambda time: join(each(time) for each in found)

    def operand(self, *, alone: bool = False) -> Condition:
        """A recurrence, a condition in parentheses, or the opposite of one; nothing at all where it may stand alone."""
        following = self.peek()
        if following == "!":
            self.at += 1
            inner = self.operand(alone=alone)
            return lambda time: not inner(time)
        if following == "(":
            return self.bracketed()
        if alone and following in ("", ")"):
            return never
        return Recurrence.parse(self.recurrence()).holds

    def bracketed(self) -> Condition:
        """A condition in parentheses."""
        self.at += 1
        inner = self.joined()
        if self.peek() != ")":
            raise ValueError("a parenthesis is not closed")
        self.at += 1
        return lambda time: inner(time)

    def recurrence(self) -> str:
        """The text of one recurrence: to the next operator or parenthesis; a slash in the name of a zone is none."""
        begin = self.at
        while (character := self.text[self.at:self.at + 1]) and character not in "&()!":
            if character == "/" and not self.in_zone(begin):
                break
            self.at += 1
        return self.text[begin:self.at].strip()

    def in_zone(self, begin: int) -> bool:
        """Whether what was read since *begin* is the first half of a name such as Europe/Bucharest."""
        read, following = self.text[begin:self.at], self.text[self.at + 1:self.at + 2]
        return read[:1].isalpha() and "|" not in read and not read[-1].isspace() and following.isalnum()


def never(time: float) -> bool:
    """The empty condition."""
    return False
