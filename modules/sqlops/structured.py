"""Parts of operations as JSON says them: columns, their values, conditions."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opensips_py.db import Comparison, Where
from opensips_py.db.conditions import by_operator, equal, every
from opensips_py.db.session import ALL
from opensips_py.module import Run
from opensips_py.module.documents import Document


def columns_of(document: Document | None, run: Run) -> tuple[str, ...]:
    """Columns by name; all where nothing is said. ValueError where something else is."""
    found = document.value(run) if document is not None else []
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise ValueError('columns are an array of names: ["one","other"]')
    return tuple(found) or (ALL,)


def single(document: Any, what: str) -> list[tuple[str, Any]]:
    """The pairs of an array of objects, or of one object."""
    parts = document if isinstance(document, list) else [document]
    if not all(isinstance(each, Mapping) for each in parts):
        raise ValueError(f'{what} are an array of objects: [{{"column":"value"}}]')
    return [(str(name), value) for each in parts for name, value in each.items()]


def pairs_of(document: Any) -> dict[str, Any]:
    """Columns and their values; ValueError where there are none, or one is no value."""
    found = single(document, "columns")
    if not found:
        raise ValueError("there are no columns")
    return {name: plain(name, value) for name, value in found}


def where_of(document: Document | None, run: Run) -> Where:
    """The conditions of a filter, all of which must hold."""
    found: dict[str, list[Comparison]] = {}
    for name, value in single(document.value(run), "conditions") if document is not None else ():
        relations = value.items() if isinstance(value, Mapping) else [("=", value)]
        found.setdefault(name, []).extend(
            equal(plain(name, other)) if relation == "=" else by_operator(relation, plain(name, other))
            for relation, other in relations)
    return {name: every(*each) for name, each in found.items() if each}


def order_of(text: str) -> tuple[str, ...]:
    """The columns to sort by, as select() has them; ValueError where *text* is something else."""
    found = []
    for each in filter(None, map(str.strip, text.split(","))):
        name, *rest = each.split()
        way = " ".join(rest).lower()
        if way not in ("", "asc", "desc"):
            raise ValueError(f"rows are sorted by columns, with asc or desc behind a name, not by {each!r}")
        found.append(f"-{name}" if way == "desc" else name)
    return tuple(found)


def plain(column: str, value: Any) -> Any:
    """A value that a column may have."""
    if isinstance(value, (Mapping, list)):
        raise ValueError(f"the value of {column} is a text, a number or null")
    return int(value) if isinstance(value, bool) else value
