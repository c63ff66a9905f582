"""Which version of a table a database has: the row of the table `version`, as OpenSIPS keeps it."""
from __future__ import annotations

from opensips_py.db.database import Database
from opensips_py.db.failures import QueryError
from opensips_py.db.schema import Table, known_versions

VERSIONS = "version"  # db_version_table


def version_of(database: Database, table: str, versions: str = VERSIONS) -> int | None:
    """The version of *table*; None where the database does not say."""
    rows = database.select(versions, ("table_version",), {"table_name": table})
    return int(rows[0][0]) if rows else None


def columns_of(database: Database, table: str, kind: str, versions: str = VERSIONS) -> Table:
    """The form that *table*, one of the *kind* of OpenSIPS's tables, has in *database*.

    QueryError where the database does not say, or says a version that neither 2.1 nor 4.0 has.
    """
    known = known_versions(kind)
    found = version_of(database, table, versions)
    if found is None:
        raise QueryError(f"{database.url} has no version of table {table}: `opensips-py db create` makes the tables, "
                         f"and a table of your own needs a row in table {versions}")
    if found not in known:
        expected = " or ".join(map(str, sorted(known)))
        raise QueryError(f"table {table} of {database.url} has version {found}, where {expected} is known: "
                         "`opensips-py db migrate` brings it there")
    return known[found]
