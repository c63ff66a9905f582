"""A database of text files, one a table."""
from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import Annotated, Any

import peewee

from opensips_py.db import Answer, Database, DatabaseError, DatabaseUrl, QueryError
from opensips_py.db.driver import Driver
from opensips_py.db.pooled import PooledDatabase
from opensips_py.db.sqlite import read_as_written
from opensips_py.module import Between, DatabaseDriver, MIError, Watching, concatenate, mi, param
from opensips_py.modules.db_text.folder import Folder
from opensips_py.modules.db_text.session import Session

ABOVE = "/etc/opensips"  # of databases without a path from the root
CAN = frozenset(("select", "insert", "update", "delete", "replace"))
CACHED = 0


class TextDatabase(PooledDatabase):
    """A folder of tables. One operation at a time works on the rows in memory."""

    can = CAN

    def query(self, statement: str, values: Sequence[Any] = ()) -> Answer:
        raise QueryError("databases of text know no statements of SQL")


class DbText(DatabaseDriver, name="db_text", provides=("sqldb", "database:text")):
    """Keep tables in a folder: `text:///path/of/the/folder`, a file for each table. The first line of a file says the
    columns, such as `id(int,auto) name(string) note(string,null)`, every other line is a row with colons between its
    fields. Rows are kept in memory; a change is in the file, as a whole, before the operation ends, and all workers
    see it. A path that does not begin at the root is below /etc/opensips."""

    db_mode: Annotated[int, Between(0, 1)] = param(
        0, "Whether files that others than this server change are read again when they are asked next (1), or on "
           "reload (0).")
    buffer_size: Annotated[int, Between(1, 1 << 30)] = param(
        4096, "Accepted without effect: lines may have any length.")

    def make(self, url: DatabaseUrl) -> Database:
        path = os.path.join(ABOVE, url.database)
        driver = Driver(functools.partial(connection, path, self.db_mode != CACHED), Session, give_up=give_up,
                        threads=True)
        return TextDatabase(url, driver, Watching(self), size=1)

    @mi("dbt_dump", v40="db_text:dump", scope="each", merge=concatenate)
    def dump(self) -> list[str]:
        """Write tables from memory into their files, where those are others than memory has; tells which ones."""
        return [name for each in self.databases.values() for name in self.asked(each, lambda session: session.dump())]

    @mi(None, "dbt_reload", v40="db_text:reload", scope="each", merge=concatenate)
    def reload(self, db_name: str = "", table_name: str = "") -> list[str]:
        """Read tables anew: all, those of the folder *db_name*, or one. A file that is wrong leaves what was read
        before. Tells what was read."""
        chosen = [each for each in self.databases.values()
                  if not db_name or each.url.database.rstrip("/") == db_name.removeprefix("text://").rstrip("/")]
        if db_name and not chosen:
            raise MIError(404, f"there is no database {db_name} in use")
        return [name for each in chosen for name in self.asked(each, lambda session: session.reload(table_name))]

    def asked(self, database: Database, operation: Any) -> list[str]:
        """What an operation gives; MIError where it cannot be carried out."""
        try:
            found: list[str] = database.run(operation)
            return found
        except DatabaseError as error:
            raise MIError(500, str(error)) from None


def connection(path: str, looks: bool) -> Any:
    """The tables of the folder *path*; *looks*: files that others change are read again."""
    if not os.path.isdir(path):
        raise FileNotFoundError(f"there is no folder {path}")
    made: Any = peewee.SqliteDatabase(":memory:", thread_safe=False, check_same_thread=False)
    made.connect()
    read_as_written(made.connection())
    made.folder = Folder(path, looks)
    if made.folder.is_pending:
        with made.folder.locked():
            pass
    return made


def give_up(made: Any) -> None:
    """Have whatever still runs in a thread end; the memory goes when that thread lets go of it."""
    made.connection().interrupt()
