"""Queries that scripts write themselves: their words, the key among them, and rows of what is answered."""
from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from opensips_py.module.caches import CacheError, Row

WORD = re.compile(r'''\s*(?:"((?:[^"\\]|\\.)*)"(?=\s|\Z)|'((?:[^'\\]|\\.)*)'(?=\s|\Z)|([^\s"']\S*)|(\S))''', re.S)
ESCAPED = re.compile(r"\\(.)", re.S)
MEANT = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
SCRIPTS = ("EVAL", "EVALSHA", "EVAL_RO", "EVALSHA_RO", "FCALL", "FCALL_RO")  # the key stands behind its number
KEYLESS = ("PING", "INFO", "DBSIZE", "TIME", "ECHO", "CLUSTER", "CONFIG", "CLIENT", "SCRIPT", "PUBLISH", "SCAN", "KEYS",
           "FLUSHDB", "FLUSHALL", "RANDOMKEY", "COMMAND", "MEMORY")


def words(text: str) -> list[str]:
    """The words of *text*, as redis-cli has them: those in quotes may hold spaces, and a backslash hides a quote."""
    found, at = [], 0
    while match := WORD.match(text, at):
        at = match.end()
        double, single, plain, stray = match.groups()
        if stray is not None:
            raise CacheError(f"a quote in the query {text!r} does not end")
        quoted = single if double is None else double
        found.append(plain if quoted is None else ESCAPED.sub(lambda each: MEANT.get(each[1], each[1]), quoted))
    return found


def key_of(command: Sequence[str]) -> str | None:
    """The key that says which node of a cluster carries *command* out; None: any."""
    name = command[0].upper()
    if name in SCRIPTS:
        return command[3] if len(command) > 3 and command[2] != "0" else None
    return command[1] if len(command) > 1 and name not in KEYLESS else None


def rows_of(reply: Any) -> list[Row]:
    """A reply as rows: each element of a list is one, and an element that is a list has columns."""
    if not isinstance(reply, list):
        return [(reply,)]
    return [tuple(map(told, each)) if isinstance(each, list) else (told(each),) for each in reply]


def told(element: Any) -> int | str:
    """An element of a list. One that is nil is empty: left out, those behind it would take its place."""
    if isinstance(element, (int, str)):
        return element
    return "" if element is None else str(element)
