"""What a database may answer instead of rows."""
from __future__ import annotations


class DatabaseError(Exception):
    """An operation that a database did not carry out; one of those below."""


class Unavailable(DatabaseError):
    """The database cannot be asked: gone, too slow, or not asked because it was gone a moment ago.

    *outcome* is false where it is unknown whether the operation was carried out: whoever repeats one that writes
    looks first.
    """

    def __init__(self, message: str, *, outcome: bool = True) -> None:
        super().__init__(message)
        self.outcome = outcome


class Hindered(Unavailable):
    """The database works, and cannot carry the operation out now: a deadlock, a lock that another one holds, no room on
    its disk, a server that takes no changes for a while. Nothing was carried out; later it may be."""


class QueryError(DatabaseError):
    """The database works and refuses the operation: no such table or column, a value that it does not take."""


class Conflict(QueryError):
    """A row like that is there already, and its table allows one."""
