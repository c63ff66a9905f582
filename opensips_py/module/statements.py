"""SQL as scripts write it, with pseudo-variables in it: their values are bound, so that none of them becomes SQL."""
from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from opensips_py.db.quoting import quotations, unescaped, unquoted
from opensips_py.module.kinds import Format, Kind, ScriptLanguage, Text, VariableSpec
from opensips_py.module.run import Run

Piece = str | VariableSpec
HELD = {"avp", "var", "shv", "param", "json", "dlg_val", "return", "0local"}  # what scripts put together
ESCAPED = "{s.escape.common})"
VALUE = re.compile(r"(?:[=<>]|\b(?:i?like|regexp|rlike))\s*\Z", re.I)  # a value follows
LITERAL = re.compile(r"[-+]?\d+(?:\.\d+)?\Z|null\Z", re.I)
MARK = "\0"


def text_of(piece: Piece, run: Run) -> str:
    """A piece as a text prints it. What the script has escaped for SQL is as it was before: it does not become SQL."""
    if isinstance(piece, str):
        return piece
    value = piece.read(run)
    text = "<null>" if value is None else str(value)
    return unescaped(text) if piece.text.endswith(ESCAPED) else text


@dataclass(frozen=True)
class Plain:
    """SQL that the script has."""

    text: str

    def add(self, run: Run, sql: list[str], values: list[Any]) -> None:
        """Add it to a statement."""
        sql.append(self.text)


@dataclass(frozen=True)
class Quoted:
    """A text with variables in it, bound as a whole."""

    pieces: tuple[Piece, ...]

    def add(self, run: Run, sql: list[str], values: list[Any]) -> None:
        """Add it to a statement."""
        sql.append("?")
        values.append("".join(text_of(each, run) for each in self.pieces))


@dataclass(frozen=True)
class Name:
    """The name of a table or column with variables in it; it cannot end before its quote does."""

    quote: str
    pieces: tuple[Piece, ...]

    def add(self, run: Run, sql: list[str], values: list[Any]) -> None:
        """Add it to a statement."""
        name = "".join(text_of(each, run) for each in self.pieces)
        sql.append(f"{self.quote}{name.replace(self.quote, self.quote * 2)}{self.quote}")


@dataclass(frozen=True)
class Bare:
    """A variable outside of quotes: a value where one has to stand, else what the script has put together as SQL."""

    variable: VariableSpec
    is_value: bool

    def add(self, run: Run, sql: list[str], values: list[Any]) -> None:
        """Add it to a statement."""
        value = self.variable.read(run)
        if value is None or isinstance(value, int):
            sql.append("NULL" if value is None else str(value))
        elif LITERAL.match(value) or (not self.is_value and self.variable.type in HELD):
            sql.append(value)
        else:
            inner = quotations(False).fullmatch(value)
            whole = inner["single"] if inner is not None else None
            sql.append("?")
            values.append(text_of(self.variable, run) if whole is None else unquoted(whole, "'", False))


Part = Plain | Quoted | Name | Bare


class Statement:
    """A statement, looked through once for each kind of SQL that it is sent in."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = tuple(pieces)
        self.text = "".join(each if isinstance(each, str) else MARK for each in self.pieces)
        self.variables = [each for each in self.pieces if not isinstance(each, str)]
        self.known: dict[str, tuple[Part, ...]] = {}

    def bound(self, run: Run, dialect: str) -> tuple[str, list[Any]]:
        """The statement with `?` for values, and the values, in the SQL that databases of *dialect* speak."""
        parts = self.known.get(dialect)
        if parts is None:
            parts = self.known[dialect] = tuple(self.parts(dialect))
        sql: list[str] = []
        values: list[Any] = []
        for each in parts:
            each.add(run, sql, values)
        return "".join(sql), values

    def parts(self, dialect: str) -> Iterator[Part]:
        """The parts of the statement."""
        variables, end, backslashes = iter(self.variables), 0, dialect == "mysql"
        for found in quotations(backslashes).finditer(self.text):
            if MARK not in found[0]:
                continue
            yield from self.outside(self.text[end:found.start()], variables)
            yield quoted(found, variables, dialect)
            end = found.end()
        yield from self.outside(self.text[end:], variables)

    @staticmethod
    def outside(text: str, variables: Iterator[VariableSpec]) -> Iterator[Part]:
        """The parts of what is not quoted."""
        first, *rest = text.split(MARK)
        yield Plain(first)
        before = first
        for each in rest:
            yield Bare(next(variables), VALUE.search(before) is not None)
            yield Plain(each)
            before = each


def quoted(found: re.Match[str], variables: Iterator[VariableSpec], dialect: str) -> Part:
    """The part that something quoted with variables in it is. A comment with variables is left out."""
    if found["comment"] is not None:
        for _ in range(found[0].count(MARK)):
            next(variables)
        return Plain(" ")
    if found["back"] is not None:
        return Name("`", tuple(pieces(found["back"], variables)))
    text, quote = (found["single"], "'") if found["single"] is not None else (found["double"], '"')
    if quote == '"' and dialect not in ("mysql", "sqlite"):  # a text there, where it is no name that exists
        return Name('"', tuple(pieces(text, variables)))
    return Quoted(tuple(unquoted(each, quote, dialect == "mysql") if isinstance(each, str) else each
                        for each in pieces(text, variables)))


def pieces(text: str, variables: Iterator[VariableSpec]) -> Iterator[Piece]:
    """A text with marks, the variables in their places."""
    first, *rest = text.split(MARK)
    yield first
    for each in rest:
        yield next(variables)
        yield each


@dataclass(frozen=True)
class StatementKind(Kind):
    """A statement of SQL for a function of module *owner*, which notes that it needs a database."""

    name = "string"
    script = True
    owner: str = ""

    def compile(self, value: str, language: ScriptLanguage) -> Statement:
        note_use(language, self.owner)
        return Statement(language.pieces(value))

    def convert(self, value: Any) -> Statement:
        """A statement that the script has put together: what is in it is the script's business."""
        if value is None:
            raise ValueError("a statement of SQL is needed, and the value is NULL")
        return Statement((str(value),))


@dataclass(frozen=True)
class NameKind(Text):
    """The name of a table for a function of module *owner*."""

    script = True
    owner: str = ""

    def compile(self, value: str, language: ScriptLanguage) -> str | Format:
        note_use(language, self.owner)
        if not value.strip():
            raise ValueError("the name of a table is needed")
        return language.format(value) if "$" in value else value


def name_of(run: Run, name: str | Format) -> str:
    """The name of a table in *run*; ValueError where there is none."""
    found = name if isinstance(name, str) else name(run)
    if not found:
        raise ValueError("the name of a table is needed, and the variable has none")
    return found


def note_use(language: ScriptLanguage, owner: str, needs: str = "database") -> None:
    """The script has a function of *owner* that *needs* something."""
    registry: Any = getattr(language, "registry", None)
    module = registry.modules.get(owner) if registry is not None else None
    if module is not None:
        setattr(module, f"needs_{needs}", True)
