"""What modules whose functions ask databases for the script have in common: numbered databases, and results."""
from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

from opensips_py.db import Answer, Database, DatabaseError, DatabaseUrl, Row, as_text
from opensips_py.module.avps import Avp, avp_of
from opensips_py.module.base import Module
from opensips_py.module.databases import database, driver, url_of
from opensips_py.module.kinds import Integer, Kind, ScriptLanguage, Text, VariableSpec
from opensips_py.module.marks import param_setter
from opensips_py.module.results import ReturnCode
from opensips_py.module.run import Run

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry

T = TypeVar("T")
INTEGERS = range(-(1 << 31), 1 << 31)  # of OpenSIPS's scripts
NULL = "<null>"  # in an AVP, which cannot be NULL


class Asked(ReturnCode):
    """What came of asking a database."""

    DONE, FAILED, EMPTY = 1, -1, -2


@dataclass(frozen=True)
class NumberedUrl:
    """A database and the number by which functions mean it."""

    number: int
    url: str


class NumberedUrlKind(Text):
    """The URL of a database, a number before it or none, which is number 0."""

    name = "database URL"

    def convert(self, value: Any) -> NumberedUrl:  # type: ignore[override]
        text = super().convert(value).strip()
        number, _, url = text.partition(" ") if text[:1].isdigit() else ("0", "", text)
        if not number.isdecimal():
            raise ValueError(f'"{number}" is no number of a database')
        if url.strip():
            DatabaseUrl.parse(url)
        return NumberedUrl(int(number), url.strip())


class DatabaseNumber(Integer):
    """The number of a database; nothing is 0."""

    def convert(self, value: Any) -> int:
        return 0 if value is None or value == "" else super().convert(value)


Number = Annotated[int, DatabaseNumber()]


@dataclass(frozen=True)
class AvpsKind(Kind):
    """AVPs for a result, with semicolons or commas between: ``$avp(name);$avp(other)``."""

    name = "string"
    script = True

    def compile(self, value: str, language: ScriptLanguage) -> tuple[Avp, ...]:
        return tuple(avp_of(each, language) for each in names(value))


@dataclass(frozen=True)
class VariablesKind(Kind):
    """Variables for a result, with semicolons or commas between: ``$var(name);$avp(other)``."""

    name = "string"
    script = True

    def compile(self, value: str, language: ScriptLanguage) -> tuple[VariableSpec, ...]:
        found = tuple(language.variable(each) for each in names(value))
        for each in found:
            if each.write is None:
                raise ValueError(f"{each.text} cannot be assigned")
        return found


Avps = Annotated[tuple[Avp, ...], AvpsKind()]
Variables = Annotated[tuple[VariableSpec, ...], VariablesKind()]


SEPARATOR = re.compile(r";|,(?=\s*\$)")  # a comma within a name has no variable behind it


def names(text: str) -> list[str]:
    """The parts of a list with semicolons or commas between."""
    return [each.strip() for each in SEPARATOR.split(text) if each.strip()]


def scripted(value: Any, big: Callable[[int], int | str] = int) -> int | str:
    """A value of a column as scripts have it: a number or a text; a moment is seconds since 1970."""
    if isinstance(value, int):
        return int(value) if value in INTEGERS else big(int(value))
    if isinstance(value, datetime):
        return int(value.timestamp())
    if isinstance(value, (date, clock_time, timedelta, float, Decimal)):
        return str(value)
    return as_text(bytes(value) if isinstance(value, (bytearray, memoryview)) else value)


class Queries:
    """Databases by number, asked with a deadline: the run that asks waits alone."""

    registry: Registry
    log: logging.Logger
    urls: dict[int, str]
    needs_database = False  # the script has functions that do

    @param_setter("db_url")
    def add_url(self, url: Annotated[NumberedUrl, NumberedUrlKind()]) -> None:
        """A database; "2 mysql://…" is the one that functions mean by number 2. Without a number it is the one that
        they mean when they name none; without any, that is db_default_url."""
        self.urls[url.number] = url.url

    def check_databases(self) -> None:
        """Refuse URLs without a driver, and functions without a database."""
        module = cast(Module, self)
        if self.needs_database and not self.urls:
            driver(module)
        for each in filter(None, self.urls.values()):
            driver(module, each)

    def numbered(self, number: int) -> Database | None:
        """The database that functions mean by *number*; None, and a line in the log, where there is none."""
        module = cast(Module, self)
        url = self.urls.get(number, "")
        if not (url_of(module, url) if number == 0 else url):
            self.log.error("there is no database %d: parameter db_url names none", number)
            return None
        return database(module, url)

    def asked(self, number: int, operation: Callable[[Database], T]) -> T | None:
        """What *operation* gives on database *number*; None, and a line in the log, where that fails."""
        found = self.numbered(number)
        try:
            return None if found is None else operation(found)
        except (DatabaseError, ValueError) as error:
            self.log.error("%s", error)
            return None

    def into_avps(self, run: Run, answer: Answer, wanted: Sequence[Avp]) -> Asked:
        """Put the rows of *answer* into AVPs, $avp(1), $avp(2) … where none are given: the first row is the newest."""
        if not answer.rows:
            return Asked.EMPTY
        for place in range(min(len(answer.columns), len(wanted) or len(answer.columns))):
            avp = wanted[place] if wanted else numbered_avp(place + 1)
            avp.push(run, [NULL if row[place] is None else self.value(row[place]) for row in reversed(answer.rows)])
        return Asked.DONE

    def into_variables(self, run: Run, answer: Answer, wanted: Sequence[VariableSpec]) -> Asked:
        """Assign the first row of *answer* to variables, one for each column; NULL is NULL."""
        if not answer.rows:
            return Asked.EMPTY
        if len(wanted) != len(answer.columns):
            self.log.error("%d variables cannot take the %d columns of a row", len(wanted), len(answer.columns))
            return Asked.FAILED
        row: Row = answer.rows[0]
        for place, found in enumerate(row):
            write = wanted[place].write
            assert write is not None
            write(run, None if found is None else self.value(found))
        return Asked.DONE

    def value(self, found: Any) -> int | str:
        """A value of a column that is not NULL."""
        return scripted(found)


def numbered_avp(number: int) -> Avp:
    """$avp(number)."""
    return Avp(lambda run: str(number))
