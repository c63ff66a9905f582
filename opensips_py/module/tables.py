"""Tables that scripts name, and whether they have the columns that a module needs."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from opensips_py.db import Database, QueryError, Unavailable
from opensips_py.errors import ConfigError
from opensips_py.module.base import Module
from opensips_py.module.databases import form_of
from opensips_py.module.kinds import Format, Text
from opensips_py.module.run import Run

Name = str | Format


@dataclass(frozen=True)
class TableName(Text):
    """The name of a table of OpenSIPS's *kind*. Those that the script has in plain words are added to the attribute
    `tables` of *module*, which may look at them before anything is served."""

    script = True
    module: str = ""
    kind: str = ""

    def compile(self, value: str, language: Any) -> Name:
        """Note that the script names a table."""
        if "$" in value:
            return language.format(value)  # type: ignore[no-any-return]
        if not value:
            raise ValueError("a table has a name")
        language.registry.modules[self.module].tables.setdefault(value, self.kind)
        return value


def text_of(run: Run, name: Name) -> str:
    """A name that may have variables in it; empty where it comes to nothing."""
    return name if isinstance(name, str) else name(run) or ""


def spelled(database: Database, table: str, columns: Iterable[str]) -> dict[str, str]:
    """Those of *columns* that *table* has, as they are called there: PostgreSQL keeps what was not quoted in small
    letters. Whatever the database is, it refuses to give what it does not have."""
    wanted = tuple(dict.fromkeys(columns))
    if has(database, table, *wanted):
        return {each: each for each in wanted}
    return {each: name for each in wanted for name in (each, each.lower()) if has(database, table, name)}


def has(database: Database, table: str, *columns: str) -> bool:
    """Whether *table* has all *columns*."""
    try:
        database.select(table, columns, limit=1)
    except QueryError:
        return False
    return True


def absent(database: Database, table: str, columns: Iterable[str]) -> frozenset[str]:
    """Those of *columns* that *table* lacks."""
    return frozenset(columns) - frozenset(spelled(database, table, columns))


def examine(module: Module, database: Database, table: str, kind: str, columns: Iterable[str], *,
            versioned: bool = True) -> None:
    """ConfigError where *table* is no table of *kind* in a version that we know, or lacks one of *columns*. A database
    that does not answer is believed."""
    if versioned:
        form_of(module, database, table, kind)
    wanted = tuple(dict.fromkeys(columns))
    try:
        missing = sorted(absent(database, table, wanted))
    except Unavailable as error:
        module.log.error("table %s: %s", table, error)
        return
    if missing:
        what = f"column {missing[0]}" if len(missing) == 1 else f"columns {', '.join(missing)}"
        where = f"table {table} of {database.url}"
        raise ConfigError(f"{where} has no {what}" if len(missing) < len(wanted) else
                          f"{where} is not there, or has no {what}", module.name)
