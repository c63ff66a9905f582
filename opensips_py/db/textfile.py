"""Tables as db_text keeps them: a file each, whose first line says the columns and every other one is a row.

    id(int,auto) name(string) q(double) note(string,null)
    1:bob:0.50:a\\tgood\\: friend

Nothing between colons is NULL where the column takes it, else an empty text.
"""
from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from opensips_py.db.schema import Column, Table
from opensips_py.db.values import as_text

DEFINITION = re.compile(r"([^\s():,]+)\(\s*(\w+)\s*((?:,\s*\w+\s*)*)\)\Z")
NUMBERS, REALS = {"int", "long", "bigint", "date"}, {"double", "real", "float"}
TEXTS, BYTES = {"string", "str"}, {"blob"}
ESCAPED = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", ":": "\\:", "\0": "\\0"}
MEANT = {"n": "\n", "r": "\r", "t": "\t", "0": "\0"}
TYPES = {"string": "string", "text": "string", "char": "int", "int": "int", "unsigned int": "int",
         "unsigned long": "long", "unsigned short": "int", "float": "double", "double": "double", "datetime": "int",
         "binary": "string"}


class Malformed(ValueError):
    """A file that is no table."""


@dataclass(frozen=True)
class TextColumn:
    """A column of a file; *kind* as it is written there."""

    name: str
    kind: str
    null: bool = False
    auto: bool = False

    def __str__(self) -> str:
        """Its definition."""
        return f"{self.name}({self.kind}{',auto' * self.auto}{',null' * self.null})"

    def value(self, text: str) -> Any:
        """The value of a field; ValueError where it is none."""
        if text == "":
            return self.nothing()
        if self.kind in NUMBERS:
            return int(text)
        if self.kind in REALS:
            return float(text)
        plain = unescaped(text)
        return plain.encode("utf-8", "surrogateescape") if self.kind in BYTES else plain

    def nothing(self) -> Any:
        """What an empty field means; ValueError where it may not be."""
        if self.null:
            return None
        if self.kind not in TEXTS | BYTES:
            raise ValueError(f"column {self.name} takes no empty field")
        return b"" if self.kind in BYTES else ""

    def text(self, value: Any) -> str:
        """A value as a field."""
        if value is None:
            return ""
        if isinstance(value, datetime):
            value = int(value.timestamp())
        if self.kind in NUMBERS:
            return str(int(value))
        if self.kind in REALS:
            return real(float(value))
        return escaped(as_text(bytes(value) if isinstance(value, (bytearray, memoryview)) else value))


def real(value: float) -> str:
    """A number with two digits behind the point, as OpenSIPS writes it, or as many as it has; never with an exponent,
    which OpenSIPS does not read."""
    text = f"{value:.2f}"
    return text if float(text) == value or not math.isfinite(value) else format(Decimal(repr(value)), "f")


def columns(header: str) -> tuple[TextColumn, ...]:
    """The columns that the first line of a file says."""
    found = []
    for each in header.split():
        match = DEFINITION.match(each)
        if match is None or match[2] not in NUMBERS | TEXTS | REALS | BYTES:
            raise Malformed(f'"{each}" is no column: write name(int), name(string,null) or the like')
        options = {option.strip() for option in match[3].split(",") if option.strip()}
        if options - {"null", "auto"}:
            raise Malformed(f'"{each}": a column may be auto or null')
        found.append(TextColumn(match[1], match[2], "null" in options, "auto" in options))
    if not found:
        raise Malformed("the first line says no columns")
    return tuple(found)


def columns_of(table: Table) -> tuple[TextColumn, ...]:
    """The columns of a table of OpenSIPS, as files have them."""
    return tuple(TextColumn(each.name, TYPES[each.type], each.null, each.autoincrement) for each in table.columns)


def as_table(table: Table) -> Table:
    """A table of OpenSIPS as files can have it: moments are numbers, and nothing is unique but what numbers rows."""
    def column(each: Column) -> Column:
        kind = TYPES[each.type] if each.type in ("datetime", "binary") else each.type
        default = "0" if each.type == "datetime" and each.default else each.default
        return replace(each, type=kind, default=default, primary=False)
    return replace(table, columns=tuple(map(column, table.columns)), indexes=())


def rows(made: Sequence[TextColumn], lines: Iterable[str]) -> Iterator[tuple[Any, ...]]:
    """The rows of a file, after its first line."""
    for number, line in enumerate(lines, 2):
        if not (text := line.rstrip("\r\n")):
            continue
        fields = list(split(text))
        if len(fields) != len(made):
            raise Malformed(f"line {number} has {len(fields)} fields, where {len(made)} are expected")
        try:
            yield tuple(column.value(field) for column, field in zip(made, fields, strict=True))
        except ValueError as error:
            raise Malformed(f"line {number}: {error}") from None


def split(line: str) -> Iterator[str]:
    """The fields of a row, still escaped."""
    if "\\" not in line:
        yield from line.split(":")
        return
    start = place = 0
    while place < len(line):
        if line[place] == "\\":
            place += 1
        elif line[place] == ":":
            yield line[start:place]
            start = place + 1
        place += 1
    yield line[start:]


def unescaped(text: str) -> str:
    """A field as it is meant."""
    if "\\" not in text:
        return text
    found, signs = [], iter(text)
    for each in signs:
        if each == "\\":
            following = next(signs, "\\")
            found.append(MEANT.get(following, following))
        else:
            found.append(each)
    return "".join(found)


def escaped(text: str) -> str:
    """A text as a field."""
    return "".join(ESCAPED.get(each, each) for each in text)


def lines(made: Sequence[TextColumn], table: Iterable[Sequence[Any]]) -> Iterator[str]:
    """The lines of a file, the first one included."""
    yield " ".join(map(str, made)) + "\n"
    for row in table:
        yield ":".join(column.text(value) for column, value in zip(made, row, strict=True)) + "\n"
