"""The tables of OpenSIPS 2.1 and 4.0: columns, keys and the version that each has there."""
from __future__ import annotations

import json
import pathlib
from dataclasses import dataclass
from functools import cache
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent


@dataclass(frozen=True)
class Column:
    """A column; *type* is string, text, int, unsigned int, unsigned long, unsigned short, char (a small number), float,
    double, datetime or binary."""

    name: str
    type: str
    size: str = ""
    null: bool = False
    default: str | None = None
    has_default: bool = False
    primary: bool = False
    autoincrement: bool = False


@dataclass(frozen=True)
class Index:
    """An index over columns."""

    name: str
    columns: tuple[str, ...]
    unique: bool = False


@dataclass(frozen=True)
class Table:
    """A table in one of its versions."""

    name: str
    version: int
    columns: tuple[Column, ...]
    indexes: tuple[Index, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(each.name for each in self.columns)

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that make out a row: the primary key."""
        return tuple(each.name for each in self.columns if each.primary)


Schema = dict[str, Table]


def column(found: dict[str, Any]) -> Column:
    """A column as the file has it."""
    return Column(found["name"], found["type"], found.get("size") or "", bool(found.get("null")), found.get("default"),
                  "default" in found, bool(found.get("primary")), bool(found.get("autoincrement")))


@cache
def schema(dialect: str) -> Schema:
    """All tables of OpenSIPS *dialect*, 2.1 or 4.0."""
    read = json.loads((HERE / f"schema-{dialect}.json").read_text())
    return {name: Table(name, int(each["version"] or 0), tuple(column(one) for one in each["columns"]),
                        tuple(Index(one.get("name") or f"{name}_idx{number}", tuple(one["columns"]),
                                    bool(one.get("unique"))) for number, one in enumerate(each["indexes"])))
            for name, each in read.items()}


def known_versions(table: str) -> dict[int, Table]:
    """The forms of *table* that we know, by their version."""
    return {each.version: each for dialect in ("2.1", "4.0") if (each := schema(dialect).get(table)) is not None}
