"""Accounting in a database: its parameters, and records as rows there."""
from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, cast

from opensips_py.db import Unavailable
from opensips_py.module import (
    ConfigError,
    DbUrl,
    Flag,
    Module,
    VariableSpec,
    counter,
    database,
    driver,
    form_of,
    param,
    process_state,
    statistic,
    timer,
)
from opensips_py.module.databases import url_of
from opensips_py.modules.acc.journal import Journal
from opensips_py.modules.acc.kinds import Extra, Extras
from opensips_py.modules.acc.rows import Moment, Row, rows
from opensips_py.modules.acc.writing import Writer, columns_in
from opensips_py.state.environment import Environment

if TYPE_CHECKING:
    import logging

    from opensips_py.module.declare import Dialect
    from opensips_py.module.registry import Registry
    from opensips_py.module.run import Run
    from opensips_py.module.services import Services
    from opensips_py.modules.acc.accounts import Account
    from opensips_py.modules.acc.records import Named, Record

MessageFlag = Annotated[int, Flag()]
Values = Annotated[tuple[Extra, ...], Extras()]
SIZE = 16 << 20  # of the journal, at first
FILE = "accounting.mdb"
BASICS = ("method", "from_tag", "to_tag", "callid", "sip_code", "sip_reason", "time")


class InDatabase:
    """The back end for databases. Records go into a journal in the state directory, and from there into the database:
    nobody waits for it, and what cannot be written now is written, once, when the database is back."""

    dialect: Dialect
    registry: Registry
    services: Services
    log: logging.Logger
    extras: dict[str, list[tuple[str, str]]]
    leg_names: dict[str, list[tuple[str, str]]]
    multi_leg_info: tuple[Extra, ...]
    needs_database = False  # the script has something that does

    writer: Writer = process_state(Writer)

    db_url: DbUrl = param("", "The database; empty: db_default_url. Without either there is no accounting in one.")
    db_table_acc: str = param("acc", "Table of answered requests.")
    db_table_missed_calls: str = param("missed_calls", "Table of missed calls.")
    db_table_avp: VariableSpec | None = param(
        None, "AVP with the name of the table for answered requests, in place of db_table_acc: $avp(table).")
    db_flag: MessageFlag = param(-1, "Flag of requests to be accounted in the database.")
    db_missed_flag: MessageFlag = param(-1, "Flag of INVITEs that go to the database as missed calls where they fail; "
                                            "the first missed call takes it away.")
    db_extra: Values = param((), "Further columns and their values: column=$variable;column=$variable/reply.")
    acc_method_column: str = param("method", "Column of the method.")
    acc_from_tag_column: str = param("from_tag", "Column of the tag in From.")
    acc_to_tag_column: str = param("to_tag", "Column of the tag in To.")
    acc_callid_column: str = param("callid", "Column of the Call-ID.")
    acc_sip_code_column: str = param("sip_code", "Column of the status.")
    acc_sip_reason_column: str = param("sip_reason", "Column of the reason phrase.")
    acc_time_column: str = param("time", "Column of the date and time.")

    lost_records = counter("Records that the journal of the database had no room for; the log has them.")
    refused_records = counter("Records that the database refused; the log has them.")

    @statistic("waiting_records", scope="any")
    def waiting_records(self) -> int:
        """Records that are not in the database yet."""
        return len(self.writer.journal) if self.writer.journal is not None else 0

    @property
    def has_database(self) -> bool:
        """Whether there is one to account in."""
        return bool(url_of(cast(Module, self), self.db_url))

    def check_database(self) -> None:
        """Refuse a URL without a driver, and what needs a database without one."""
        module = cast(Module, self)
        if self.db_table_avp is not None and self.db_table_avp.type != "avp":
            raise ConfigError(f"{self.db_table_avp.text} is no AVP", "acc", "db_table_avp")
        if self.has_database or self.needs_database or self.db_flag >= 0 or self.db_missed_flag >= 0:
            driver(module, self.db_url)
        self.column_names = {each: str(getattr(self, f"acc_{each}_column")) for each in BASICS}

    def verify(self) -> None:
        """Look at the tables."""
        module = cast(Module, self)
        if not self.has_database:
            return
        found = database(module, self.db_url)
        if "select" not in found.can:
            return
        for table, kind in ((self.db_table_acc, "acc"), (self.db_table_missed_calls, "missed_calls")):
            form_of(module, found, table, kind)
        try:
            columns = columns_in(found, self.db_table_acc)
        except Unavailable:
            return
        for name in self.wanted_columns() if columns is not None else ():
            if name.lower() not in columns:  # type: ignore[operator]
                self.log.warning("table %s has no column %s: what should stand there is not accounted",
                                 self.db_table_acc, name)

    def wanted_columns(self) -> list[str]:
        """The columns that the script wants."""
        named = [name for _, name in (*self.extras.get("db", ()), *self.leg_names.get("db", ()))]
        return [*self.column_names.values(), *(each.name for each in (*self.db_extra, *self.multi_leg_info)), *named]

    def begin_database(self) -> None:
        """Write from now on; what an earlier process has left goes first."""
        if not self.has_database:
            self.writer.database = None
            return
        if self.writer.journal is None:
            around = self.services.environment
            self.writer.journal = Journal(Environment(around.path.parent / FILE, around.writing, SIZE))
        self.writer.begin(self.services, database(cast(Module, self), self.db_url), self.lost_records,
                          self.refused_records)

    @timer(15.0)
    def take_over(self) -> None:
        """Go on with records of processes that have ended, as the one before this after a rolling restart."""
        self.writer.adopt()

    def table_for(self, record: Record, run: Run, account: Account | None) -> str:
        """The table of a record."""
        return self.db_table_missed_calls if record.missed else self.table_of(run, account)

    def table_of(self, run: Run, account: Account | None) -> str:
        """The table of what is answered."""
        by_avp = self.db_table_avp.read(run) if self.db_table_avp is not None else None
        return (account.table if account is not None else "") or str(by_avp or "") or self.db_table_acc

    def into_database(self, table: str, record: Record, extras: Named, legs: list[Named]) -> None:
        """Have a record written."""
        if self.writer.database is None:
            self.log.error("a record for the database, and there is none: %s", record)
            return
        self.writer.add([(table, row) for row in self.rows(record, extras, legs)])

    def rows(self, record: Record, extras: Named, legs: list[Named]) -> Iterator[Row]:
        """The rows of a record."""
        return rows(record, self.column_names, extras, legs, self.times(record))

    def times(self, record: Record) -> list[tuple[str, Any]]:
        """How long a call took, and when it began, in the order of OpenSIPS, which shows where columns have no
        names; 2.1 has that of missed calls alone."""
        call = [("setuptime", record.setup), ("created", Moment(record.created))]
        if record.whole:
            return [*call, ("duration", record.duration), ("ms_duration", record.milliseconds)]
        if record.missed or self.dialect == "2.1":
            return call if record.missed else []
        return [*call, ("duration", 0), ("ms_duration", 0)]
