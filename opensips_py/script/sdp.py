"""SDP bodies as the script sees them: lines, and media descriptions with the lines that belong to them."""
from __future__ import annotations

from typing import NamedTuple


class Stream(NamedTuple):
    """One media description: its type, its text, and where that lies in the body."""

    media: str
    text: str
    start: int
    end: int


def lines(body: str) -> list[str]:
    """The lines of *body* without their ends."""
    return body.replace("\r\n", "\n").rstrip("\n").split("\n")


def streams(body: str) -> list[Stream]:
    """The media descriptions of *body*, in order."""
    starts = []
    position = 0
    for line in body.splitlines(keepends=True):
        if line.startswith("m="):
            starts.append(position)
        position += len(line)
    ends = [*starts[1:], len(body)]
    return [Stream(body[start + 2:end].split(None, 1)[0] if body[start + 2:end].split() else "", body[start:end], start,
                   end) for start, end in zip(starts, ends, strict=False)]


def chosen(found: list[Stream], which: str) -> list[Stream]:
    """The stream at a number, or all of a media type."""
    text = which.strip()
    if text.lstrip("-").isdecimal():
        number = int(text)
        return [found[number]] if -len(found) <= number < len(found) else []
    return [each for each in found if each.media.lower() == text.lower()]


def without(body: str, gone: list[Stream]) -> str:
    """*body* without these streams."""
    for each in reversed(gone):
        body = body[:each.start] + body[each.end:]
    return body
