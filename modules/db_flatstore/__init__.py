"""A database that only takes rows: lines at the end of files."""
from __future__ import annotations

import functools
import glob
import os
from typing import Any

from opensips_py.db import Database, DatabaseUrl
from opensips_py.module import ConfigError, DatabaseDriver, Route, Run, concatenate, mi, param, process_state
from opensips_py.module.kinds import Format
from opensips_py.modules.db_flatstore.files import FlatDatabase, Style


class Owner:
    """The module whose files these are now: that of the newest generation."""

    module: object = None


class DbFlatstore(DatabaseDriver, name="db_flatstore", provides=("sqldb", "database:flatstore")):
    """Append rows to files: `flatstore:/path/of/the/folder`. It takes rows and gives none back, which suits accounting.
    The file of a table is `<prefix><table>_<process><suffix>`, so that workers do not wait for each other; `cat` joins
    them. A line has the values in the order in which the module gives them, nothing for NULL, seconds since 1970 for a
    moment; delimiters, backslashes and bytes that ASCII cannot print are written as \\xHH inside of values."""

    flush: bool = param(1, "Whether a row is in the file when the operation ends (1), or when some have come together.")
    delimiter: str = param("|", "The sign between values.")
    prefix: Format | None = param(None, "What stands before the table in the name of a file; variables in it are read "
                                        "when the file is opened.")
    suffix: Format | None = param(".log", "What stands at the end of the name of a file, likewise.")
    single_file: bool = param(0, "Whether all workers write into one file for a table, without a number in its name.")

    owner: Owner = process_state(Owner)

    def load(self) -> None:
        """Check the delimiter."""
        if len(self.delimiter.encode()) != 1 or self.delimiter in "\n\\":
            raise ConfigError("it is one sign, neither a backslash nor the end of a line", self.name, "delimiter")

    def open(self, url: str) -> Database:
        style = Style(self.delimiter, bool(self.flush), self.single_file)
        found = self.databases.get(url)
        if not isinstance(found, FlatDatabase):
            found = self.databases[url] = self.make(DatabaseUrl.parse(url))
        assert isinstance(found, FlatDatabase)
        found.style, found.name_of = style, functools.partial(self.path, found.url.database)  # those of this generation
        found.every = self.pattern
        return found

    def make(self, url: DatabaseUrl) -> FlatDatabase:
        return FlatDatabase(url, Style(self.delimiter, bool(self.flush)), functools.partial(self.path, url.database))

    def path(self, folder: str, table: str) -> str:
        """The file of a table, as it is named now."""
        process = "" if self.single_file else f"_{self.services.index + 1}"
        return os.path.join(folder, f"{self.shown(self.prefix)}{table}{process}{self.shown(self.suffix)}")

    def pattern(self, table: str) -> str:
        """What the names of the files of a table look like."""
        process = "" if self.single_file else "_*"
        before, behind = (glob.escape(self.shown(each)) for each in (self.prefix, self.suffix))
        return f"{before}{glob.escape(table)}{process}{behind}"

    def shown(self, form: Any) -> str:
        """A part of a name."""
        if not callable(form):
            return str(form or "")
        return form(Run(self.services, self.services.generation, Route.EVENT, None)) or ""

    def start(self) -> None:
        """Take the files over."""
        self.owner.module = self

    def stop(self) -> None:
        """Write what waits, unless the next generation has taken over."""
        if self.owner.module is self:
            for each in self.databases.values():
                each.close()

    @mi("flat_rotate", v40="db_flatstore:rotate", scope="each", merge=concatenate)
    def rotate(self) -> list[str]:
        """Close all files; the next row opens one by its name as it is then. For who has moved files away. Tells which
        ones were open."""
        return [path for each in self.databases.values() if isinstance(each, FlatDatabase) for path in each.rotate()]
