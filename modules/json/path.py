"""Where in a document: name/key[index] and so on, as a script writes it."""
from __future__ import annotations

import re
from dataclasses import dataclass

from opensips_py.module import Run
from opensips_py.module.kinds import ScriptLanguage, VariableSpec

Step = str | int | None  # a key, an index, or None: one more behind the last
VARIABLE_NAME = re.compile(r"\$(?:(?!\.(?:keys|values)$)[\w.+?])*")
LISTINGS = (".keys", ".values")


@dataclass(frozen=True)
class Key:
    """A variable that names a key."""

    variable: VariableSpec

    def step(self, run: Run) -> Step:
        """The key now."""
        value = self.variable.read(run)
        if value is None:
            raise ValueError(f"{self.variable.text} is to be a key, and it is NULL")
        return str(value)


@dataclass(frozen=True)
class Index:
    """A variable that numbers an item."""

    variable: VariableSpec

    def step(self, run: Run) -> Step:
        """The index now."""
        value = self.variable.read(run)
        if not isinstance(value, int):
            raise ValueError(f"{self.variable.text} is to be an index, and it is no number")
        return int(value)


@dataclass(frozen=True)
class Path:
    """The name of a document, the way from its root, and what to list at the end: "", ".keys" or ".values"."""

    text: str
    name: str
    parts: tuple[Step | Key | Index, ...]
    listing: str = ""

    def steps(self, run: Run) -> list[Step]:
        """The way, with the variables in it read; ValueError where one will not do."""
        return [each.step(run) if isinstance(each, (Key, Index)) else each for each in self.parts]


def path_of(text: str, language: ScriptLanguage, *, lists: bool = True) -> Path:
    """The path that *text* is; ValueError where it is none. Where it *lists*, it may end in .keys or .values."""
    listing = next((each for each in LISTINGS if lists and text.endswith(each)), "")
    way = text[:len(text) - len(listing)]
    at = end_of_word(way, 0)
    name, parts = way[:at], []
    if not name:
        raise ValueError(f'"{text}" does not begin with the name of a document')
    while at < len(way):
        stop, part = key(way, at + 1, language) if way[at] == "/" else index(way, at + 1, language)
        parts.append(part)
        if stop < len(way) and way[stop] not in "/[":
            raise ValueError(f'"{text}": / or [ is needed, not {way[stop:]}')
        at = stop
    return Path(text, name, tuple(parts), listing)


def end_of_word(text: str, start: int) -> int:
    """Where the name or key that starts at *start* ends."""
    return next((at for at in range(start, len(text)) if text[at] in "/["), len(text))


def key(text: str, start: int, language: ScriptLanguage) -> tuple[int, str | Key]:
    """The key at *start*, and where it ends."""
    if text[start:start + 1] == "$":
        stop = end_of_variable(text, start)
        return stop, Key(language.variable(text[start:stop]))
    stop = end_of_word(text, start)
    return stop, text[start:stop]


def index(text: str, start: int, language: ScriptLanguage) -> tuple[int, int | Index | None]:
    """The index at *start*, and where it ends."""
    blanks = len(text[start:]) - len(text[start:].lstrip())
    if text[start + blanks:start + blanks + 1] == "$":
        stop = end_of_variable(text, start + blanks)
        found: int | Index | None = Index(language.variable(text[start + blanks:stop]))
        stop += len(text[stop:]) - len(text[stop:].lstrip())
    else:
        stop = text.find("]", start) if "]" in text[start:] else len(text)
        found = number(text[start:stop].strip(), text)
    if text[stop:stop + 1] != "]":
        raise ValueError(f'"{text}": an index ends with ]')
    return stop + 1, found


def number(written: str, text: str) -> int | None:
    """An index as it is written; None for the place behind the last item."""
    try:
        return int(written) if written else None
    except ValueError:
        raise ValueError(f'"{text}": [{written}] is no index; write a number, a variable, or [] to append') from None


def end_of_variable(text: str, start: int) -> int:
    """Where the variable that starts at *start* ends."""
    found = VARIABLE_NAME.match(text, start)
    at = found.end() if found else start + 1
    depth = 0
    while at < len(text) and (depth or text[at] == "("):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
        if not depth:
            break
    return at
