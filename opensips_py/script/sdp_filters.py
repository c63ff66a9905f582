"""The filters of $sdp.line, $sdp.session and $sdp.stream: which line of a body, and which word of it.

A filter is `prefix[n]`: what starts with the prefix, the n-th of them. Filters stand behind each other with a slash:
stream/line/word; `\\/` is a slash that belongs to a prefix.
"""
from __future__ import annotations

from typing import NamedTuple

from opensips_py.script.sdp import streams
from opensips_py.sip.splitting import at

BEFORE, BEHIND = "insert", "insertAfter"  # indexes that put a further line beside the one that is meant


class Filter(NamedTuple):
    """One part of a filter; *number* None: the first that fits."""

    prefix: str
    number: int | None


class Match(NamedTuple):
    """Where a filter has led: the line, without its end, and the word in it, if one was asked for."""

    start: int
    end: int
    word_start: int = -1
    word_end: int = -1
    prefix: str = ""


def parse(text: str) -> list[Filter]:
    """The filters in *text*."""
    return [one(each) for each in cut(text)]


def cut(text: str) -> list[str]:
    """*text* at its slashes, those behind a backslash excepted."""
    pieces = [""]
    escaped = False
    for character in text:
        if character == "/" and not escaped:
            pieces.append("")
        elif character != "\\" or escaped:
            pieces[-1] += character
        escaped = character == "\\" and not escaped
    return pieces


def one(text: str) -> Filter:
    """One filter."""
    opening = text.rfind("[")
    if text.endswith("]") and opening >= 0 and text[opening + 1:-1].strip().lstrip("-").isdecimal():
        return Filter(text[:opening], int(text[opening + 1:-1]))
    return Filter(text, None)


def line_spans(body: str, start: int, end: int) -> list[tuple[int, int]]:
    """Where the lines between *start* and *end* lie, without their ends."""
    spans = []
    position = start
    for line in body[start:end].splitlines(keepends=True):
        spans.append((position, position + len(line.rstrip("\r\n"))))
        position += len(line)
    return spans


def session_end(body: str) -> int:
    """Where the session part of *body* ends: at its first media description."""
    found = streams(body)
    return found[0].start if found else len(body)


def find_line(body: str, start: int, end: int, filters: list[Filter], index: int | None = None) -> Match | None:
    """The line between *start* and *end* that the first filter means, and the word that the second does."""
    line = filters[0]
    number = line.number if index is None else index
    spans = [each for each in line_spans(body, start, end) if body.startswith(line.prefix, each[0], each[1])]
    if len(filters) < 2:
        found = at(spans, number or 0)
        return Match(*found) if found else None
    if number is not None:
        found = at(spans, number)
        spans = [found] if found else []
    for each in spans:
        word = find_word(body, each, line.prefix, filters[1])
        if word is not None:
            return Match(*each, *word, filters[1].prefix)
    return None


def find_word(body: str, span: tuple[int, int], line_prefix: str, wanted: Filter) -> tuple[int, int] | None:
    """The word of a line that a filter means; words end at blanks and semicolons. The letter of the line and its =
    belong to the first word only where the line was not chosen by them."""
    skipped = len(line_prefix) if line_prefix.endswith(":") else 2 if line_prefix else 0
    begin = span[0] + skipped
    words = []
    position = begin
    while position < span[1]:
        if body[position] in " ;":
            position += 1
            continue
        end = position
        while end < span[1] and body[end] not in " ;":
            end += 1
        words.append((position, end))
        position = end
    return at([each for each in words if body.startswith(wanted.prefix, each[0], each[1])], wanted.number or 0)


def find_in_stream(body: str, filters: list[Filter], index: int | None = None) -> Match | None:
    """What the filters stream/line/word mean; the stream alone, or an empty line, is its m= line."""
    wanted = filters[0]
    fitting = [each for each in streams(body) if each.media.startswith(wanted.prefix)]
    stream = at(fitting, (wanted.number if index is None else index) or 0)
    return None if stream is None else find_line(body, stream.start, stream.end, filters[1:] or [Filter("", None)])


def line_number(body: str, filters: list[Filter]) -> int | None:
    """The number, in the whole body, of the line that stream/line/word mean; any fitting stream will do where the
    filter gives no number."""
    fitting = [each for each in streams(body) if each.media.startswith(filters[0].prefix)]
    if filters[0].number is not None:
        chosen = at(fitting, filters[0].number)
        fitting = [chosen] if chosen else []
    for each in fitting:
        found = find_line(body, each.start, each.end, filters[1:] or [Filter("", None)])
        if found is not None:
            return body.count("\n", 0, found.start)
    return None


def read(body: str, found: Match | None) -> str | None:
    """What *found* holds."""
    if found is None:
        return None
    return body[found.word_start:found.word_end] if found.word_start >= 0 else body[found.start:found.end]


def write(body: str, found: Match, value: str | None) -> str:
    """*body* with another line or word; NULL takes it away. Of a word, its prefix stays."""
    body = ended(body)
    if found.word_start >= 0:
        if value is None:
            start = found.word_start
            return body[:start - 1 if body[start - 1] in " ;" else start] + body[found.word_end:]
        return body[:found.word_start + len(found.prefix)] + value + body[found.word_end:]
    if value is not None:
        return body[:found.start] + value + body[found.end:]
    rest = body[found.end:]
    return body[:found.start] + rest[2 if rest.startswith("\r\n") else 1:]


def insert(body: str, found: Match, line: str, *, behind: bool) -> str:
    """*body* with a further line before or behind the one that was found."""
    body = ended(body)
    place = body.index("\n", found.start) + 1 if behind else found.start
    return body[:place] + line + line_end(body) + body[place:]


def line_end(body: str) -> str:
    """How the lines of *body* end."""
    return "\r\n" if "\r\n" in body or "\n" not in body else "\n"


def ended(body: str) -> str:
    """*body* with an end to its last line."""
    return body if not body or body.endswith("\n") else body + line_end(body)
