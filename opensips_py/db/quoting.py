"""Where text stands in quotes within a statement of SQL, so that nobody takes what is in it for more than text."""
from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache


@cache
def quotations(backslashes: bool) -> re.Pattern[str]:
    """What is quoted or a comment: 'single' a text, "double" a text or a name, `back` a name. With *backslashes*, as in
    MySQL, one takes the meaning from the quote behind it."""
    escaped = r"|\\." if backslashes else ""
    but = r"\\" if backslashes else ""
    return re.compile(rf"'(?P<single>(?:[^'{but}]|''{escaped})*)'|\"(?P<double>(?:[^\"{but}]|\"\"{escaped})*)\""
                      r"|`(?P<back>[^`]*)`|(?P<comment>--[^\n]*|/\*.*?\*/)", re.S)


def unquoted_parts(statement: str, backslashes: bool, change: Callable[[str], str]) -> str:
    """*statement* with those parts changed that are neither quoted nor a comment."""
    parts, end = [], 0
    for found in quotations(backslashes).finditer(statement):
        parts += [change(statement[end:found.start()]), found[0]]
        end = found.end()
    return "".join([*parts, change(statement[end:])])


MEANT = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "b": "\b", "Z": "\x1a"}


def unquoted(text: str, quote: str, backslashes: bool) -> str:
    """What a text within quotes means."""
    text = text.replace(quote * 2, quote)
    return unescaped(text) if backslashes else text


def unescaped(text: str) -> str:
    """*text* with its backslashes resolved."""
    return re.sub(r"\\(.)", lambda found: MEANT.get(found[1], found[1]), text, flags=re.S)
