"""Media relays out of a table, which an operator may change while the server runs."""
from __future__ import annotations

from collections.abc import Callable

from opensips_py.db import as_text
from opensips_py.errors import MIError
from opensips_py.module.base import Module
from opensips_py.module.databases import Cached, database, driver
from opensips_py.module.media_relays import Relay, read_set
from opensips_py.module.tables import examine

Sets = dict[int, list[Relay]]
NO_TABLE = 400


class RelayTable:
    """The sets of relays of *module*: those of the script, and beside them the rows of a table. Once the table has been
    read again, it alone counts, as upstream has it; a word that all processes share says so.

    *columns* are those of the number of a set and of what stands in it, written as in the script.
    """

    def __init__(self, module: Module, script: Sets, url: str, table: str, kind: str, columns: tuple[str, str]) -> None:
        self.module, self.script, self.url, self.table, self.kind = module, script, url, table, kind
        self.columns = columns
        self.take: Callable[[Sets], object] | None = None
        if url:
            driver(module, url)

    def verify(self) -> None:
        """Look at the table."""
        if self.url:
            examine(self.module, database(self.module, self.url), self.table, self.kind, self.columns)

    def prepare(self) -> None:
        """Read the table."""
        if self.url:
            self.db = database(self.module, self.url)
            self.cached = Cached[Sets](self.module, f"table {self.table}", self.read, {})
            self.cached.prepare()

    def start(self, take: Callable[[Sets], object]) -> Sets:
        """The sets to begin with; *take* is given those that take their place."""
        self.take = take
        self.alone = self.module.services.shared_words(f"{self.module.name} table alone", 1)
        return self.sets(self.cached.value if self.url else {})

    def sets(self, of_table: Sets) -> Sets:
        """The sets that count."""
        found: Sets = {} if self.alone.load(0) else {number: [*relays] for number, relays in self.script.items()}
        for number, relays in of_table.items():
            found.setdefault(number, []).extend(relays)
        return found

    def read(self) -> Sets:
        """The rows of the table; those that are wrong are told and left out."""
        found: Sets = {}
        for number, text in self.db.select(self.table, self.columns, order=(self.columns[0],)):
            try:
                set_id, relays = read_set(f"{int(number)} == {as_text(text)}")
            except (ValueError, TypeError) as error:
                self.module.log.error("table %s, set %s: %s", self.table, number, error)
            else:
                found.setdefault(set_id, []).extend(relays)
        if self.take is not None:  # the database may have been away until now
            self.take(self.sets(found))
        return found

    def reload(self) -> None:
        """Read the table again; MIError where that is not possible."""
        if not self.url:
            raise MIError(NO_TABLE, "the configuration has no db_url")
        take, self.take = self.take, None
        try:
            found = self.cached.reload()
        finally:
            self.take = take
        self.alone.store(0, 1)
        if take is not None:
            take(self.sets(found))
