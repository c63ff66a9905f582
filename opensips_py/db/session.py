"""What can be done with a database, while a connection of it is lent."""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Row = tuple[Any, ...]
ALL = "*"  # for a column: all that there are
Where = Mapping[str, Any]  # column → value, None for NULL, or a comparison of conditions.py; all must hold


@dataclass(frozen=True)
class Answer:
    """What a statement written out gave: the names of columns and the rows, and how many rows it changed."""

    columns: tuple[str, ...]
    rows: list[Row]
    changed: int = 0


class Session(Protocol):
    """The operations. Names of tables and columns are quoted, values are bound: neither can become SQL.

    A driver that cannot do one raises QueryError. All raise what failures.py has.
    """

    def columns(self, table: str) -> list[str]:
        """The names of the columns of a table."""

    def select(self, table: str, columns: Sequence[str], where: Where | None = None, order: Sequence[str] = (),
               limit: int = 0) -> list[Row]:
        """The rows for which *where* holds, by the columns *order* ("-name": descending), at most *limit* (0: all). The
        column "*" stands for all."""

    def insert(self, table: str, values: Mapping[str, Any], returning: str = "") -> Any:
        """Add a row; the value that its column *returning* was given, 0 where none is asked for."""

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        """Add rows, all or none."""

    def update(self, table: str, values: Mapping[str, Any], where: Where) -> int:
        """Change the rows for which *where* holds; how many they are. A value may be an Increase of changes.py."""

    def delete(self, table: str, where: Where) -> int:
        """Take out the rows for which *where* holds, all with none; how many they were."""

    def replace(self, table: str, values: Mapping[str, Any], key: Sequence[str]) -> None:
        """Change the row that has the values of the columns *key*, or add one. Without *key*, add a row in place of
        those that the table's own keys do not allow beside it."""

    def query(self, statement: str, values: Sequence[Any] = ()) -> Answer:
        """Carry out a statement written out; `?` stands for each of *values*."""
