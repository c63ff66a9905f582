"""Matches of regular expressions in the bytes of a message."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from opensips_py.module import Pattern, Regex, Route
from opensips_py.module.pattern import Spans
from opensips_py.sip import Message

EVERYWHERE = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.LOCAL
ByLine = Annotated[Pattern, Regex(ignore_case=True, newline=True)]
AtOnce = Annotated[Pattern, Regex(ignore_case=True)]


def headers_start(message: Message) -> int:
    """Where the first header begins: the start line is not for text functions, there are better ones for it."""
    return message.data.find(b"\n") + 1


def matches(pattern: Pattern, data: bytes, start: int) -> Iterator[Spans]:
    """The matches from *start* on, left to right; for the expression, the text begins there."""
    text = data[start:] if start else data
    position = 0
    while position <= len(text):
        found = pattern.search(text, position, at_line_start=text[position - 1:position] == b"\n")
        if found is None:
            return
        yield moved(found, start)
        begin, end = found[0]
        position = end + 1 if begin == end else end  # behind an empty match the search would find it again


def moved(spans: Spans, offset: int) -> Spans:
    """*spans* counted from *offset* bytes before; a group that took no part stays (-1, -1)."""
    return tuple([(begin + offset, end + offset) if begin >= 0 else (begin, end) for begin, end in spans])
