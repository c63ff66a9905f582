"""How modules reach databases: by a URL, whose driver is a module of its own; and tables that are kept in memory."""
from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Generic, TypeVar, cast

from opensips_py.db import (
    Answer,
    Asked,
    Database,
    DatabaseError,
    DatabaseUrl,
    QueryError,
    Session,
    Table,
    Unavailable,
    columns_of,
    known_versions,
    schema,
)
from opensips_py.errors import ConfigError, MIError
from opensips_py.module import loader, trace
from opensips_py.module.base import Module
from opensips_py.module.kinds import Text
from opensips_py.module.marks import process_state

T = TypeVar("T")
ROWS, ALL_COLUMNS = 5, "*"  # rows that the account of a call shows; columns whose names are not known
AGAIN = 5.0  # seconds until a table that could not be read is read again
log = logging.getLogger("opensips_py.db")


class UrlKind(Text):
    """The URL of a database."""

    name = "database URL"
    form: ClassVar[Any] = DatabaseUrl  # its parse() raises where a text is none

    def convert(self, value: Any) -> str:
        text = super().convert(value)
        if text:
            self.form.parse(text)
        return text


DbUrl = Annotated[str, UrlKind()]


class Watching:
    """Puts into the log how a database is, and counts what is done with it, for the driver that is *module*."""

    def __init__(self, module: Module, slow: float = 0.0) -> None:
        self.module = module
        self.slow = slow  # seconds; 0: no operation is too slow to be worth a line
        self.core: Any = module.registry.modules.get("core_statistics")
        self.counts = module.dialect == "4.0" and self.core is not None

    def lost(self, database: Database, error: str) -> None:
        """Say once that it is gone."""
        log.error("database %s does not answer: %s", database.url, error)

    def back(self, database: Database) -> None:
        """Say that it is back."""
        log.info("database %s answers again", database.url)

    def done(self, database: Database, operation: Callable[[Session], Any], seconds: float, result: Any = None) -> None:
        """Count an operation, and say where it was slow."""
        if trace.current() is not None:
            told, more = account_of(operation, result)
            trace.note("db", f"{database.url}: {told}", microseconds=round(seconds * 1e6), **more)
        is_slow = bool(self.slow) and seconds > self.slow
        if is_slow:
            log.warning("database %s: %s took %.0f ms", database.url, name_of(operation), seconds * 1e3)
        if self.counts and "services" in self.module.__dict__:  # who checks a configuration has none
            self.core.sql_total_queries.add()
            if is_slow:
                self.core.sql_slow_queries.add()


def name_of(operation: Callable[..., Any]) -> str:
    """What an operation is called."""
    return str(operation) if isinstance(operation, (Asked, str)) else getattr(operation, "__qualname__", "operation")


def account_of(operation: Callable[..., Any], result: Any) -> tuple[str, dict[str, Any]]:
    """What the account of a call says of an operation, and by name: whom it was about, and the first rows it gave."""
    text, more = name_of(operation), dict[str, Any]()
    asked = operation.columns if isinstance(operation, Asked) else ()
    columns = result.columns if isinstance(result, Answer) else asked
    rows = (result.rows if isinstance(result, Answer) else result) if columns else None
    if isinstance(operation, Asked) and isinstance(operation.where, Mapping):
        more["where"] = dict(operation.where)
        text += " where " + words_of(more["where"]) if more["where"] and rows is not None else ""
    if isinstance(rows, list):
        named = [dict(zip(columns, row, strict=False)) for row in rows[:ROWS] if ALL_COLUMNS not in columns]
        more["rows"], more["count"] = named, len(rows)
        text += f" → {len(rows)} row{'' if len(rows) == 1 else 's'}" + "".join(f"; {words_of(each)}" for each in named)
    elif isinstance(result, Answer):
        more["changed"] = result.changed
        text += f" → {result.changed} changed"
    return text, more


def words_of(values: Mapping[str, Any]) -> str:
    """Columns with their values, those that are secret without."""
    return ", ".join(f"{name}={trace.shown(value, name)}" for name, value in values.items())


class DatabaseDriver(Module, name="database driver"):
    """A module that is the driver of databases; it provides "database:" with the scheme of its URLs."""

    databases: dict[str, Database] = process_state(dict)  # by URL: one pool for all who use it

    def open(self, url: str) -> Database:
        """The database of *url*; nothing is connected before somebody asks."""
        found = self.databases.get(url)
        if found is None:
            found = self.databases[url] = self.make(DatabaseUrl.parse(url))
        return found

    def make(self, url: DatabaseUrl) -> Database:
        """A database for *url*; ConfigError where that cannot be one."""
        raise NotImplementedError


def url_of(module: Module, url: str = "") -> str:
    """*url*, or where it is empty what the script has as db_default_url."""
    return url or str(module.registry.globals.get("db_default_url") or "")


def driver(module: Module, url: str = "", parameter: str = "db_url") -> DatabaseDriver:
    """The driver for *url*, or db_default_url; ConfigError where there is no URL, or none of its drivers is loaded."""
    text = url_of(module, url)
    if not text:
        raise ConfigError(f"parameter {parameter} of module {module.name} names no database, nor does db_default_url",
                          module.name, parameter)
    try:
        scheme = DatabaseUrl.parse(text).scheme
    except ValueError as error:
        raise ConfigError(str(error), module.name, parameter) from None
    found = module.registry.providing(f"database:{scheme}")
    if not found and f"db_{scheme}" not in (known := loader.available(module.registry.mpath)):
        meant = get_close_matches(scheme, [each.removeprefix("db_") for each in known if each.startswith("db_")], 1)
        raise ConfigError(f'no database is called "{scheme}"' + (f": did you mean {meant[0]}?" if meant else ""),
                          module.name, parameter)
    if not found:
        raise ConfigError(f'{DatabaseUrl.parse(text)} needs its driver: add loadmodule "db_{scheme}.so"', module.name,
                          parameter)
    return cast(DatabaseDriver, found[0])


def database(module: Module, url: str = "", parameter: str = "db_url") -> Database:
    """The database of *url*, or of db_default_url; from Module.prepare() on."""
    return driver(module, url, parameter).open(url_of(module, url))


def form_of(module: Module, found: Database, table: str, kind: str) -> Table:
    """The form that *table* has, one of the *kind* of OpenSIPS's tables; ConfigError where it is none that we know.

    Of a database that does not answer, the form is believed to be that of the script's dialect.
    """
    versions = str(module.registry.globals.get("db_version_table") or "version")
    try:
        return columns_of(found, table, kind, versions)
    except QueryError as error:
        raise ConfigError(str(error), module.name) from None
    except Unavailable as error:
        module.log.error("table %s: %s", table, error)
        known = known_versions(kind)
        return schema(module.dialect).get(kind) or known[max(known)]


class Cached(Generic[T]):
    """What is read from tables and kept in memory: in prepare(), and again when management asks.

    A database that cannot be asked leaves what was read last, or *empty*; then it is asked again until it answers, and
    *late* is called once it has.
    """

    def __init__(self, module: Module, what: str, read: Callable[[], T], empty: T,
                 late: Callable[[], object] = lambda: None) -> None:
        self.module, self.what, self.value, self._late = module, what, empty, late
        self._read = read
        self._waiting = False

    def prepare(self) -> None:
        """Read for the first time; ConfigError where the tables are wrong."""
        try:
            self.value = self._read()
        except QueryError as error:
            raise ConfigError(f"{self.what}: {error}", self.module.name) from None
        except Unavailable as error:
            self.module.log.error("%s: %s; it is read when the database answers", self.what, error)
            self._later()

    def reload(self) -> T:
        """Read again; MIError where that is not possible, and then what was there stays."""
        try:
            self.value = self._read()
        except DatabaseError as error:
            raise MIError(500, f"{self.what}: {error}") from None
        return self.value

    def _later(self) -> None:
        if not self._waiting:
            self._waiting = True
            self.module.services.timers.start(AGAIN, self._retry)

    def _retry(self, _: object = None) -> None:
        self._waiting = False
        if self.module.__dict__.get("stopped"):
            return
        try:
            self.value = self._read()
        except Unavailable:
            self._later()
        except QueryError as error:  # it answers, and what it has is wrong: management has to ask once that is mended
            self.module.log.error("%s: %s", self.what, error)
        else:
            self.module.log.info("%s: read, now that the database answers", self.what)
            self._late()


__all__ = ["Cached", "DatabaseDriver", "DbUrl", "UrlKind", "Watching", "database", "driver", "form_of", "url_of"]
