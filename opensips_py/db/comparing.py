"""How a table differs from what OpenSIPS expects of it, in words."""
from __future__ import annotations

from collections.abc import Iterator

from opensips_py.db.catalog import FoundColumn, FoundTable
from opensips_py.db.schema import Column, Table

FAMILIES = {"string": "text", "text": "text", "char": "number", "int": "number", "unsigned int": "number",
            "unsigned long": "number", "unsigned short": "number", "float": "real", "double": "real",
            "datetime": "moment", "binary": "binary"}
BYTES = {"char": 1, "unsigned short": 2, "int": 4, "unsigned int": 4, "unsigned long": 8}
LONG = 65535  # characters of a text without a size
WORDS = {"text": "a text", "number": "a whole number", "real": "a real number", "moment": "a date with its time",
         "binary": "binary"}


def differences(found: FoundTable, expected: Table) -> list[str]:
    """What is different in a way that a server would notice. Columns of the user's own are none of our business as long
    as rows can be added without them."""
    return [*columns(found, expected), *strangers(found, expected), *keys(found, expected)]


def columns(found: FoundTable, expected: Table) -> Iterator[str]:
    """What is wrong with the columns that OpenSIPS has."""
    for each in expected.columns:
        there = found.column(each.name)
        if there is None:
            yield f"column {each.name} is missing"
        else:
            yield from column(there, each)


def column(there: FoundColumn, wanted: Column) -> Iterator[str]:
    """What is wrong with one column."""
    kind = FAMILIES[wanted.type]
    if there.family != kind:
        yield f"column {wanted.name} is {there.declared}, where {WORDS[kind]} ({wanted.type}) is expected"
        return
    if too_small(there, wanted):
        unit = "characters" if kind == "text" else "bytes"
        yield f"column {wanted.name} ({there.declared}) holds {there.size} {unit}, where {needed(wanted)} are expected"
    if wanted.null and not there.null and not there.counts:
        yield f"column {wanted.name} refuses NULL"
    if wanted.autoincrement and not there.counts:
        yield f"column {wanted.name} does not number rows by itself"
    if wanted.has_default and wanted.type not in ("text", "binary") and not there.has_default and not there.null:
        yield f"column {wanted.name} has no default"


def too_small(there: FoundColumn, wanted: Column) -> bool:
    """Whether values may come that the column cannot hold."""
    if not there.size:
        return False
    return there.size < needed(wanted)


def needed(wanted: Column) -> int:
    """The bytes of a number, or the characters of a text, that a column must take."""
    if wanted.type in BYTES:
        return BYTES[wanted.type]
    return int(wanted.size or (LONG if wanted.type == "text" else 0)) if FAMILIES[wanted.type] == "text" else 0


def strangers(found: FoundTable, expected: Table) -> Iterator[str]:
    """Columns that OpenSIPS does not have and that refuse its rows."""
    ours = {each.lower() for each in expected.names}
    for each in found.columns:
        if each.name.lower() not in ours and not (each.null or each.has_default or each.counts):
            yield f"column {each.name} is none of OpenSIPS's, and has no default: rows without it are refused"


def keys(found: FoundTable, expected: Table) -> Iterator[str]:
    """What is wrong with keys and indexes."""
    wanted = unique_sets(expected)
    have = {lowered(each.columns) for each in found.indexes if each.unique}
    for each in sorted(wanted - have):
        yield f"rows are not unique by ({', '.join(each)})"
    names = {each.lower() for each in expected.names}
    for each in sorted(have - wanted):
        if set(each) <= names and not set(each) & {one.name for one in expected.columns if one.autoincrement}:
            yield f"only one row may have the same ({', '.join(each)}), where several are expected"
    indexed = {lowered(each.columns) for each in found.indexes}
    for index in expected.indexes:
        if not index.unique and not any(each[:len(index.columns)] == lowered(index.columns) for each in indexed):
            yield f"there is no index over ({', '.join(index.columns)})"


def unique_sets(expected: Table) -> set[tuple[str, ...]]:
    """The columns by which rows of a table are unique: its key, and others."""
    key = [lowered(expected.key)] if expected.key else []
    return {*key, *(lowered(each.columns) for each in expected.indexes if each.unique)}


def lowered(names: tuple[str, ...]) -> tuple[str, ...]:
    """*names* in small letters."""
    return tuple(each.lower() for each in names)
