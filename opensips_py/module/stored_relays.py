"""Media relays of a table, beside those that the script names."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from opensips_py.db import as_text
from opensips_py.errors import MIError
from opensips_py.module.base import Module
from opensips_py.module.databases import Cached, database, driver
from opensips_py.module.media_relays import Relay, read_set
from opensips_py.module.tables import examine

Sets = Mapping[int, Sequence[Relay]]


class RelayTable:
    """The table *table* of the database *url*, if there is one: *socket* and *number* are its columns, *changed* is
    called when it is read later than at the start."""

    def __init__(self, module: Module, url: str, table: str, socket: str, number: str,
                 changed: Callable[[], object]) -> None:
        self.module, self.url, self.table, self.columns = module, url, table, (socket, number)
        self.rows = Cached[Sets](module, f"table {table}", self.read, {}, changed)
        if url:
            driver(module, url)

    def verify(self, kind: str, versioned: bool) -> None:
        """Look at the table; ConfigError where it is none of that kind."""
        if self.url:
            examine(self.module, database(self.module, self.url), self.table, kind, self.columns, versioned=versioned)

    def prepare(self) -> None:
        """Read it."""
        if self.url:
            self.rows.prepare()

    def read(self) -> Sets:
        """The sets of the table; a row that makes no sense is left out, and told."""
        found: dict[int, list[Relay]] = {}
        for socket, number in database(self.module, self.url).select(self.table, self.columns):
            try:
                set_id, relays = read_set(f"{int(number)} == {as_text(socket)}")
            except (ValueError, TypeError) as error:
                self.module.log.error("table %s: %r of set %s is left out: %s", self.table, socket, number, error)
                continue
            found.setdefault(set_id, []).extend(relays)
        return found

    def beside(self, sets: Sets) -> dict[int, list[Relay]]:
        """The sets of the script, and those of the table."""
        found = {number: list(relays) for number, relays in sets.items()}
        for number, relays in self.rows.value.items():
            found.setdefault(number, []).extend(relays)
        return found

    def reload(self) -> dict[int, list[Relay]]:
        """The sets of the table, read again; MIError where that is not possible."""
        if not self.url:
            raise MIError(500, "db_url names no database")
        return {number: list(relays) for number, relays in self.rows.reload().items()}
