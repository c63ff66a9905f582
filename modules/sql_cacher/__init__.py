"""Keep rows of tables in a key-value store, where scripts find them without asking the database."""
from __future__ import annotations

from typing import Annotated, Any

from opensips_py.db import QueryError, Unavailable
from opensips_py.errors import MIError
from opensips_py.module import (
    Between,
    ConfigError,
    Module,
    Route,
    Run,
    VariableSpec,
    cache_driver,
    cachedb,
    database,
    driver,
    mi,
    param,
    param_setter,
    pvar,
    script,
    timer,
    uses,
)
from opensips_py.module.cachedb import KEYS, VALUES
from opensips_py.module.kinds import Kind, ScriptLanguage
from opensips_py.modules.sql_cacher.copy import FAILURES, Copy, Value
from opensips_py.modules.sql_cacher.entry import Entry

NOTHING, FAILED = -2, -1
NO_DATA, LOADING, READY, RELOADING = -2, -1, 1, 2  # of a status report
AGAIN = 5.0  # seconds until a table that could not be read is read again


class AvpList(Kind):
    """The AVPs for columns: $avp(a),$avp(b)."""

    name = "string"
    script = True

    def compile(self, value: str, language: ScriptLanguage) -> tuple[VariableSpec, ...]:
        found = tuple(language.variable(each.strip()) for each in value.split(",") if each.strip())
        for each in found:
            if each.type != "avp":
                raise ValueError(f"$avp(name) is needed, not {each.text}")
        return found


class SqlCacher(Module, name="sql_cacher", provides=("status:sql_cacher",)):
    """Keep tables of a database in a key-value store: whole ones, which are read at the start and again before their
    time is over, or the rows that are asked for. `$sql_cached_value(id:column:key)` is a column of the row with *key*.

    A whole table has a status report in the group sql_cacher: -2 no data, -1 none, and being read, 1 ready, 2 there,
    and being read again. While its copy is not there, rows are read from the database one by one."""

    drivers: Any = uses("class:sqldb")
    stores: Any = uses("class:cachedb")

    spec_delimiter: str = param("\n", "Character between the parts of a cache_table.")
    pvar_delimiter: str = param(":", "Character between id, column and key in $sql_cached_value.")
    columns_delimiter: str = param(" ", "Character between the columns of a cache_table.")
    sql_fetch_nr_rows: Annotated[int, Between(1, 1 << 31)] = param(
        100, "Rows of a whole table that are put away before other work may run.")
    full_caching_expire: Annotated[int, Between(1, 1 << 31)] = param(
        86400, "Seconds for which a whole table is kept.")
    reload_interval: Annotated[int, Between(0, 1 << 31)] = param(
        60, "Seconds before that time is over when the table is read again.")
    bigint_to_str: bool = param(0, "Whether numbers that take more than 32 bits are given as texts.")

    def __init__(self, dialect: Any = "4.0") -> None:
        super().__init__(dialect)
        self.specs: list[str] = []
        self.entries: dict[str, Entry] = {}
        self.copies: dict[str, Copy] = {}

    @param_setter("cache_table")
    def add_table(self, spec: str) -> None:
        """What is cached, in lines of `name=value`: id, db_url, cachedb_url, table, key (the column), key_type (string
        or int), columns (all, where there are none), on_demand (1: the rows that are asked for), and expire (seconds
        for which those are kept; an hour). May be given many times."""
        self.specs.append(spec)

    def load(self) -> None:
        """Check the entries, their databases and their stores."""
        for name in ("spec_delimiter", "pvar_delimiter", "columns_delimiter"):
            if len(getattr(self, name)) != 1:
                raise ConfigError(f"{name} is one character", self.name, name)
        if self.reload_interval >= self.full_caching_expire:
            raise ConfigError("reload_interval is less than full_caching_expire", self.name, "reload_interval")
        if not self.specs:
            raise ConfigError("cache_table has to name a table", self.name, "cache_table")
        for spec in self.specs:
            self.add_entry(spec)

    def add_entry(self, spec: str) -> None:
        """Read and check one entry; ConfigError where it cannot work."""
        try:
            entry = Entry.parse(spec, self.spec_delimiter, self.columns_delimiter)
        except ValueError as error:
            raise ConfigError(f"cache_table: {error}", self.name, "cache_table") from None
        if entry.id in self.entries:
            raise ConfigError(f"cache_table: there are two entries with the id {entry.id}", self.name, "cache_table")
        driver(self, entry.db_url, "cache_table")
        cache_driver(self, entry.cachedb_url, "cache_table", needs=(VALUES, KEYS))
        self.entries[entry.id] = entry

    def verify(self) -> None:
        """Refuse tables and columns that the database does not have."""
        for entry in self.entries.values():
            try:
                database(self, entry.db_url).select(entry.table, (entry.key, *entry.columns), limit=1)
            except QueryError as error:
                raise ConfigError(f"table {entry.table}: {error}", self.name, "cache_table") from None
            except Unavailable as error:
                self.log.error("table %s: %s", entry.table, error)

    def prepare(self) -> None:
        for name, entry in self.entries.items():
            self.copies[name] = Copy(entry, database(self, entry.db_url), cachedb(self, entry.cachedb_url),
                                     self.full_caching_expire, self.sql_fetch_nr_rows, self.bigint_to_str)
        if self.services.index <= 0:
            self.read_tables()

    @property
    def period(self) -> int:
        """Seconds between two readings of whole tables."""
        return self.full_caching_expire - self.reload_interval

    @timer("period", scope="first")
    def read_tables(self) -> None:
        """Read the whole tables."""
        for copy in self.copies.values():
            if not copy.entry.on_demand:
                self.read_table(copy)

    def read_table(self, copy: Copy, again: bool = False) -> bool:
        """Read a whole table, and soon *again* where that fails; whether it worked."""
        reports, name = self.services.reports, copy.entry.id
        there = False
        try:
            there = copy.is_whole()
            reports.set_status(self.name, name, RELOADING if there else LOADING, "loading")
            reports.report(self.name, name, "starting DB data loading")
            rows = copy.read_all()
        except FAILURES as error:
            if not again:
                self.log.error("table %s: %s; it is read again every %g s", copy.entry.table, error, AGAIN)
            reports.report(self.name, name, "DB data loading failed, discarding")
            reports.set_status(self.name, name, READY if there else NO_DATA, "loaded" if there else "no data")
            self.services.timers.start(AGAIN, lambda _: self.read_again(copy))
            return False
        reports.report(self.name, name, "DB data loading successfully completed")
        reports.report(self.name, name, f"{rows} records loaded")
        reports.set_status(self.name, name, READY, "loaded")
        return True

    def read_again(self, copy: Copy) -> None:
        """Another attempt at a table, unless the next generation has taken over."""
        if not self.__dict__.get("stopped"):
            self.read_table(copy, again=True)

    @pvar("sql_cached_value", waits=True)
    def sql_cached_value(self, name: str) -> Value:
        """A column of a cached row: the id of the entry, the column, and the key of the row, with pvar_delimiter
        between them. NULL where there is no such row, where the column is, or where neither store nor database
        answer."""
        entry, _, rest = name.partition(self.pvar_delimiter)
        column, delimiter, key = rest.partition(self.pvar_delimiter)
        copy = self.copies.get(entry)
        if copy is None or not delimiter:
            self.log.error("$sql_cached_value(%s): no entry %s, or no column and key behind it", name, entry)
            return None
        try:
            row = copy.row(key)
        except FAILURES as error:
            self.log.error("$sql_cached_value(%s): %s", name, error)
            return None
        if row is not None and column not in row:
            self.log.error("$sql_cached_value(%s): column %s is not cached", name, column)
        return None if row is None else row.get(column)

    @script(Route.ANY, waits=True)
    def sql_cache_dump(self, run: Run, caching_id: str, columns: str,
                       result_avps: Annotated[tuple[VariableSpec, ...], AvpList()]) -> int:
        """Put the *columns* (with commas between) of all rows of an entry that are in the cache into AVPs, the first
        row at index 0; where a column is NULL, an empty text keeps the rows together. How many rows there were, -2 for
        none, -1 where something failed."""
        copy, names = self.copies.get(caching_id), [each.strip() for each in columns.split(",") if each.strip()]
        if copy is None or len(names) != len(result_avps):
            self.log.error("sql_cache_dump: no entry %s, or not as many columns as AVPs", caching_id)
            return FAILED
        try:
            rows = [[row[name] for name in names] for row in copy.rows()]
        except (*FAILURES, KeyError) as error:
            self.log.error("sql_cache_dump(%s): %s", caching_id, error)
            return FAILED
        for row in reversed(rows):
            for variable, value in zip(result_avps, row, strict=True):
                write: Any = variable.write
                write(run, "" if value is None else value)
        return len(rows) or NOTHING

    @mi("sql_cacher_reload", v40="sql_cacher:reload")
    def reload(self, id: str, key: str | None = None) -> None:
        """Read the table of an entry again, or the row with *key* alone: an error where there is none (any more). Of
        rows that are cached when they are asked for, all are forgotten."""
        copy = self.copies.get(id)
        if copy is None:
            raise MIError(404, f"there is no entry {id}")
        try:
            if key is not None:
                if copy.read(key) is None:
                    raise MIError(500, f"table {copy.entry.table} has no row with the key {key}")
            elif copy.entry.on_demand:
                copy.forget()
            elif not self.read_table(copy):
                raise MIError(500, f"table {copy.entry.table} could not be read")
        except FAILURES as error:
            raise MIError(500, f"table {copy.entry.table}: {error}") from None
