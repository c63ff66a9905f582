"""A module for tests: scripts keep rows of one text with it, in whatever database."""
from __future__ import annotations

from opensips_py.db import DatabaseError
from opensips_py.module import DbUrl, Module, Route, database, driver, param, script


class Keeper(Module, name="keeper"):
    """Keep texts."""

    db_url: DbUrl = param("", "The database.")

    def load(self) -> None:
        driver(self, self.db_url)

    def prepare(self) -> None:
        self.db = database(self, self.db_url)

    @script(Route.REQUEST, waits=True)
    def keep(self, table: str, name: str) -> bool:
        """Add a row."""
        try:
            self.db.insert(table, {"name": name})
        except DatabaseError:
            return False
        return True

    @script(Route.REQUEST, waits=True)
    def is_kept(self, table: str, name: str) -> bool:
        """Whether there is such a row."""
        try:
            return bool(self.db.select(table, ("name",), {"name": name}))
        except DatabaseError:
            return False
