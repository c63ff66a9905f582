"""What a driver of an SQL database is: how to connect, and what it knows of its connections."""
from __future__ import annotations

import select
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from opensips_py.db.sql import SqlSession


@dataclass(frozen=True)
class Driver:
    """One database as its driver reaches it. *connect* makes an open connection: a peewee.Database of its own."""

    connect: Callable[[], Any]
    session: type[SqlSession] = SqlSession
    is_alive: Callable[[Any], bool] = lambda connection: True
    give_up: Callable[[Any], object] = lambda connection: connection.close()
    threads: bool = False  # calls block: they go to the thread pool
    first: Sequence[str] = field(default=())  # statements for a new connection

    def open(self) -> Any:
        """A new connection, ready."""
        connection = self.connect()
        for each in self.first:
            connection.execute_sql(each)
        return connection


def is_quiet(descriptor: Any) -> bool:
    """Whether nothing has come on an idle connection: what comes there is its end, or a server's last words."""
    try:
        ready, _, _ = select.select([descriptor], [], [], 0)
    except (OSError, ValueError):
        return False
    return not ready
