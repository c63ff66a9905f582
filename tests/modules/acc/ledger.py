"""A proxy that accounts in a database."""
from __future__ import annotations

import pathlib
from typing import Any

from opensips_py.db import Database, QueryError, Unavailable, moment
from opensips_py.state.environment import Environment
from tests.db.databases import create
from tests.modules.books import Books

BASICS = ("method", "from_tag", "to_tag", "callid", "sip_code", "sip_reason", "time")


class Ledger(Books):
    """*body* and the others as for Books; the tables are made by *dialect*, and get the columns *more*."""

    def __init__(self, folder: pathlib.Path, body: str, settings: str = "", routes: str = "", dialect: Any = "4.0",
                 more: str = "", url: str = "", tables: str = "") -> None:
        self.url = url or f"sqlite://{folder}/acc.db"
        self.environment = Environment(folder / "state.mdb", smallest=1 << 20)
        self.rows: Database = create(self.url, "acc", "missed_calls", dialect=tables or dialect)
        for table in ("acc", "missed_calls"):
            for column in more.split():
                self.rows.query(f"ALTER TABLE {table} ADD COLUMN {column} VARCHAR(16)")
        scheme = self.url.partition(":")[0]
        self.loads = (f"db_{scheme}", "tm", "rr", "acc")
        super().__init__(body, f'modparam("acc", "db_url", "{self.url}")\n{settings}', routes, dialect)

    def table(self, *columns: str, table: str = "acc") -> list[tuple[Any, ...]]:
        """The rows of a table, moments as seconds since 1970."""
        found = self.rows.select(table, columns or BASICS, order=("id",))
        when = [name in ("time", "created") for name in columns or BASICS]
        return [tuple(moment(value) if is_time else value for value, is_time in zip(row, when, strict=True))
                for row in found]

    def close(self) -> None:
        """End it; what is in the journal stays."""
        self.registry.stop()
        self.acc.writer.journal.environment.close()
        self.acc.writer.database.close()
        self.rows.close()
        self.environment.close()


class Faulty(Database):
    """A database that does as *plan* says, operation by operation: "gone", "late" (it is not said whether it was
    carried out, and it was not), "unsaid" (it was), "refuses"; then it works."""

    def __init__(self, inner: Database, *plan: str) -> None:
        self.inner, self.url, self.can = inner, inner.url, inner.can
        self.plan, self.writes = list(plan), 0

    def run(self, operation: Any, *, together: bool = False, patience: float | None = None) -> Any:
        fault = self.plan.pop(0) if self.plan and together else ""
        self.writes += together
        if fault == "gone":
            raise Unavailable("gone")
        if fault == "late":
            raise Unavailable("late", outcome=False)
        if fault == "refuses":
            raise QueryError("no")
        result = self.inner.run(operation, together=together)
        if fault == "unsaid":
            raise Unavailable("unsaid", outcome=False)
        return result


