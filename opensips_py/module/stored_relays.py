"""Media relays of a table, beside those that the script names."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opensips_py.db import as_text
from opensips_py.errors import MIError
from opensips_py.module.base import Module
from opensips_py.module.databases import Cached, database, driver
from opensips_py.module.media_relays import Relay, Relays, read_set
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


class StoredRelays:
    """What modules with such a table have in common: they read it before they start, and go on with other relays."""

    services: Any
    table: RelayTable
    relays: Relays  # from the start on
    sets: dict[int, list[Relay]]  # those of the script

    @property
    def channels(self) -> Any:
        """What the relays are reached by."""
        raise NotImplementedError

    def look(self, relays: list[Relay]) -> None:
        """Ask relays whether they work."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Read the table."""
        self.table.prepare()

    def late(self) -> None:
        """The database answers at last."""
        if "relays" in self.__dict__:  # once it has started
            self.use(self.table.beside(self.sets))

    def use(self, sets: dict[int, list[Relay]]) -> None:
        """Work with other relays."""
        self.relays.sets = sets
        self.channels.keep({each.url for each in self.relays})
        if self.services.index == 0:
            self.services.spawn(self.look, [*self.relays])
