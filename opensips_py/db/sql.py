"""Sessions of SQL databases: peewee writes the SQL of each, and binds the values."""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from operator import and_
from typing import Any

import peewee

from opensips_py.db.changes import Increase
from opensips_py.db.conditions import Comparison
from opensips_py.db.failures import Conflict, Hindered, QueryError, Unavailable
from opensips_py.db.quoting import unquoted_parts
from opensips_py.db.session import ALL, Answer, Row, Where
from opensips_py.db.values import signs

AT_ONCE = 100  # rows of one INSERT
SAME = re.compile("unique|duplicate", re.I)  # how all drivers call a row that is there already


def path(name: str) -> list[str]:
    """The parts of a table's name, which may say its schema."""
    return name.split(".", 1)


def named(table: str) -> peewee.Table:
    """A table by its name."""
    *within, name = path(table)
    return peewee.Table(name, schema=within[0] if within else None)


def condition(table: peewee.Table, where: Where) -> Any:
    """The expression of *where*."""
    found = []
    for name, value in where.items():
        column = peewee.Column(table, name)
        if isinstance(value, Comparison):
            found.append(value.expression(column))
        else:
            found.append(column.is_null() if value is None else column == value)
    return reduce(and_, found)


def changes(table: peewee.Table, values: Mapping[str, Any]) -> Iterator[tuple[peewee.Column, Any]]:
    """The columns that change, and what becomes of them."""
    for name, value in values.items():
        column = peewee.Column(table, name)
        yield column, column + value.amount if isinstance(value, Increase) else value


class SqlSession:
    """One connection, through peewee."""

    backslashes = False  # one takes the meaning from the quote behind it

    def __init__(self, connection: Any) -> None:
        self.connection = connection  # a peewee.Database with an open connection
        self.depth = 0  # of what is carried out as one

    @property
    def raw(self) -> Any:
        """The connection as the driver has it."""
        return self.connection.connection()

    def is_lost(self, error: Exception) -> bool:
        """Whether *error* means that the connection is of no use any more; drivers know their codes."""
        return False

    def is_passing(self, error: Exception) -> bool:
        """Whether *error* says nothing against the statement, which may be carried out a little later."""
        return False

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Raise our own errors for those of drivers."""
        try:
            yield
        except peewee.IntegrityError as error:
            text = text_of(error)
            raise (Conflict if SAME.search(text) else QueryError)(text) from error
        except peewee.PeeweeException as error:
            if self.is_lost(error):
                raise Unavailable(text_of(error), outcome=False) from error
            raise (Hindered if self.is_passing(error) else QueryError)(text_of(error)) from error
        except (OSError, EOFError) as error:
            raise Unavailable(str(error) or type(error).__name__, outcome=False) from error
        except (ValueError, TypeError) as error:  # a value that the driver cannot bind
            raise QueryError(str(error)) from error

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Carry out what the block does as one, within what is carried out as one already.

        Where a deadline ends it, nothing is said any more on a connection whose answer is still to come: closing it
        takes everything back. What goes wrong first is what is told.
        """
        depth = self.depth
        with self.translated():
            self.connection.execute_sql(f"SAVEPOINT s{depth}") if depth else self.connection.begin()
        self.depth += 1
        try:
            yield
            with self.translated():
                self.connection.execute_sql(f"RELEASE SAVEPOINT s{depth}") if depth else self.connection.commit()
        except Exception as error:
            self.take_back(depth, error)
            raise
        finally:
            self.depth = depth

    def take_back(self, depth: int, error: Exception) -> None:
        """Undo what was begun at *depth*, where there was an *error*; Unavailable where not even that is possible."""
        try:
            self.connection.execute_sql(f"ROLLBACK TO SAVEPOINT s{depth}") if depth else self.connection.rollback()
        except (peewee.PeeweeException, OSError, EOFError, ValueError) as second:
            if not isinstance(error, Unavailable):  # that may have undone everything itself
                raise Unavailable(f"{error}; it could not be taken back: {text_of(second)}") from error

    def execute(self, query: Any) -> Any:
        """Carry out what peewee has built; its cursor."""
        with self.translated():
            return self.send(*self.connection.get_sql_context().sql(query).query())

    def send(self, statement: str, values: Sequence[Any]) -> Any:
        """Carry out a statement with the marks of the driver; its cursor. What SIP brings may be no UTF-8."""
        return self.connection.execute_sql(statement, [self.taken(each) if isinstance(each, str) else each
                                                       for each in values] or None)

    def taken(self, text: str) -> str:
        """*text* as the database takes it."""
        return signs(text)

    def columns(self, table: str) -> list[str]:
        cursor = self.execute(named(table).select(peewee.SQL("*")).limit(1))
        with self.translated():
            found = [str(each[0]) for each in cursor.description]
            cursor.fetchall()
            return found

    def select(self, table: str, columns: Sequence[str], where: Where | None = None, order: Sequence[str] = (),
               limit: int = 0) -> list[Row]:
        source = named(table)
        query = source.select(*(peewee.Star(source) if each == ALL else peewee.Column(source, each)
                                for each in columns))
        if where:
            query = query.where(condition(source, where))
        if order:
            query = query.order_by(*(peewee.Column(source, each[1:]).desc() if each[:1] == "-"
                                     else peewee.Column(source, each) for each in order))
        if limit:
            query = query.limit(limit)
        cursor = self.execute(query)
        with self.translated():
            return [tuple(each) for each in cursor.fetchall()]

    def insert(self, table: str, values: Mapping[str, Any], returning: str = "") -> Any:
        target = named(table)
        query = target.insert({peewee.Column(target, name): value for name, value in values.items()})
        if not returning:
            self.execute(query)
            return 0
        if not self.connection.returning_clause:
            return self.execute(query).lastrowid
        cursor = self.execute(query.returning(peewee.Column(target, returning)))
        with self.translated():
            return cursor.fetchall()[0][0]

    def insert_many(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
        target = named(table)
        names = [peewee.Column(target, each) for each in columns]
        with self.atomic():
            for some in peewee.chunked(rows, AT_ONCE):
                self.execute(target.insert(some, columns=names))

    def update(self, table: str, values: Mapping[str, Any], where: Where) -> int:
        target = named(table)
        query = target.update(dict(changes(target, values)))
        return changed(self.execute(query.where(condition(target, where)) if where else query))

    def delete(self, table: str, where: Where) -> int:
        target = named(table)
        query = target.delete()
        return changed(self.execute(query.where(condition(target, where)) if where else query))

    def replace(self, table: str, values: Mapping[str, Any], key: Sequence[str]) -> None:
        if not key:
            self.put(table, values)
            return
        where = {each: values[each] for each in key}
        if self.update(table, values, where):
            return
        try:
            with self.atomic():
                self.insert(table, values)
        except Conflict:  # somebody else has just done the same
            if not self.update(table, values, where):
                raise

    def put(self, table: str, values: Mapping[str, Any]) -> None:
        """Add a row in place of those that a key of the table does not allow beside it."""
        target = named(table)
        self.execute(target.insert({peewee.Column(target, name): value for name, value in values.items()})
                     .on_conflict_replace())

    def query(self, statement: str, values: Sequence[Any] = ()) -> Answer:
        text = statement if self.connection.param == "?" else marked(statement, bool(values), self.backslashes)
        with self.translated():
            cursor = self.send(text, values)
            if cursor.description is None:
                return Answer((), [], changed(cursor))
            return Answer(tuple(each[0] for each in cursor.description), [tuple(each) for each in cursor.fetchall()])

    @contextmanager
    def together(self) -> Iterator[None]:
        """Carry out what the block does as one: all of it, or none."""
        with self.translated(), self.atomic():
            yield


def marked(statement: str, has_values: bool, backslashes: bool = False) -> str:
    """*statement* with the marks of drivers that write %s; ? within quotes is no mark."""
    if not has_values:
        return statement
    return unquoted_parts(statement.replace("%", "%%"), backslashes, lambda part: part.replace("?", "%s"))


def changed(cursor: Any) -> int:
    """Rows that a statement changed."""
    return max(int(cursor.rowcount), 0)


def text_of(error: BaseException) -> str:
    """What a driver says of an error, in one line."""
    return " ".join(" ".join(str(each) for each in error.args).split()) or type(error).__name__
