"""What all that works with SQLite has in common: texts are bytes there, of whatever kind."""
from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from opensips_py.db.quoting import unquoted_parts
from opensips_py.db.sql import SqlSession
from opensips_py.db.values import signs


class SqliteSession(SqlSession):
    """A session that keeps texts as they are, as OpenSIPS does; Python's driver refuses those that are no UTF-8."""

    def send(self, statement: str, values: Sequence[Any]) -> Any:
        try:
            return self.connection.execute_sql(statement, values or None)
        except UnicodeEncodeError:
            return self.connection.execute_sql(*in_bytes(statement, values))


def in_bytes(statement: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """A statement that is given texts of other bytes than UTF-8 as bytes, which make a text again."""
    taken = [bytes_of(each) if isinstance(each, str) and not each.isascii() else each for each in values]
    parts = iter(["CAST(? AS TEXT)" if given is not each else "?" for each, given in zip(values, taken, strict=True)])
    return unquoted_parts(statement, False, lambda part: "".join(
        next(parts) if sign == "?" else sign for sign in part)), taken


def bytes_of(text: str) -> bytes:
    """The bytes of a text as it came."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return signs(text).encode()


def read_as_written(connection: Any) -> None:
    """Have texts that are no UTF-8 come back as they are; otherwise one makes a whole answer impossible."""
    connection.text_factory = functools.partial(str, encoding="utf-8", errors="surrogateescape")
