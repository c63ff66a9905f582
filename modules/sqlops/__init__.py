"""Ask databases from the script."""
from __future__ import annotations

from typing import Annotated

from opensips_py.db import Answer, Database, Session
from opensips_py.db.session import ALL
from opensips_py.module import Between, Module, Route, Run, param, script
from opensips_py.module.declare import Dialect
from opensips_py.module.documents import Document, DocumentKind
from opensips_py.module.kinds import Format
from opensips_py.module.queries import Asked, Avps, Number, Variables, scripted
from opensips_py.module.statements import NameKind, Statement, StatementKind, name_of
from opensips_py.module.user_avps import Chosen, ChosenKind, UserAvps, Whose
from opensips_py.modules.sqlops.structured import columns_of, order_of, pairs_of, where_of

Sql = Annotated[Statement, StatementKind("sqlops")]
Table = Annotated[str | Format, NameKind("sqlops")]
Json = Annotated[Document, DocumentKind("sqlops")]
Which = Annotated[Chosen, ChosenKind("sqlops")]
Loaded = Annotated[Chosen, ChosenKind("sqlops", schemes=True)]


class SqlOps(UserAvps, Module, name="sqlops"):
    """Ask databases: with statements of SQL, with operations whose parts are JSON, and for the AVPs of users.

    A variable in a statement that stands within quotes, or behind =, <, > or LIKE, is a value: it is bound, so whatever
    is in it does not become SQL, and it need not be escaped (what {s.escape.common} has escaped is the same value). A
    variable elsewhere is SQL where scripts make it, as $var and $avp; what is read from messages never is. In JSON,
    variables are values as well.

    The run that asks waits alone, with or without async(): no other call does. An answer has a deadline, which is a
    parameter of the driver. NULL is "<null>" in an AVP, and NULL in the variables of the functions for one row."""

    use_domain: bool = param(1, "Whether the domain of a URI counts for whose AVPs are meant.")
    usr_table: str = param("usr_preferences", "The table of AVPs.")
    ps_id_max_buf_len: Annotated[int, Between(0, 1 << 20)] = param(
        1024, "Accepted without effect: drivers keep no prepared statements by a name.")
    bigint_to_str: bool = param(0, "Whether a number that takes more than 32 bits becomes a text.")

    def __init__(self, dialect: Dialect = "4.0") -> None:
        super().__init__(dialect)
        self.set_up()

    def load(self) -> None:
        """Check the databases."""
        self.check_databases()

    def table_of(self, chosen: Chosen) -> str:
        return chosen.table or self.usr_table

    def value(self, found: object) -> int | str:
        if isinstance(found, float):
            return f"{found:.8f}"  # as OpenSIPS writes them
        return scripted(found, str if self.bigint_to_str else int)

    @script(Route.ANY, waits=True, dialect="4.0")
    def sql_query(self, run: Run, query: Sql, res_col_avps: Avps = (), db_id: Number = 0) -> Asked:
        """Send a statement. Rows go into AVPs, one for each column, "$avp(name);$avp(other)", else $avp(1), $avp(2) …;
        the first row is the newest value. EMPTY where there are none, so for every statement that asks for none."""
        answer = self.answer(run, query, db_id)
        return Asked.FAILED if answer is None else self.into_avps(run, answer, res_col_avps)

    @script(Route.ANY, waits=True, dialect="4.0")
    def sql_query_one(self, run: Run, query: Sql, res_col_vars: Variables = (), db_id: Number = 0) -> Asked:
        """Send a statement. The first row goes into variables, "$var(name);$avp(other)", as many as there are columns.
        EMPTY as for sql_query."""
        answer = self.answer(run, query, db_id)
        return Asked.FAILED if answer is None else self.into_variables(run, answer, res_col_vars)

    @script(Route.ANY, waits=True, dialect="4.0")
    def sql_select(self, run: Run, columns: Json | None, table: Table, filter: Json | None = None,
                   order: str | None = None, res_col_avps: Avps = (), db_id: Number = 0) -> Asked:
        """Ask for rows: the *columns* of *table*, '["name","other"]' or all; those for which all conditions of *filter*
        hold, '[{"name":"value"},{"other":{">":3}}]'; by the columns *order*, each perhaps with asc or desc behind it.
        They go where sql_query puts them."""
        answer = self.selected(run, columns, table, filter, order, 0, db_id)
        return Asked.FAILED if answer is None else self.into_avps(run, answer, res_col_avps)

    @script(Route.ANY, waits=True, dialect="4.0")
    def sql_select_one(self, run: Run, columns: Json | None, table: Table | None, filter: Json | None,
                       order: str | None, res_col_vars: Variables, db_id: Number = 0) -> Asked:
        """Ask for one row, as sql_select does; it goes where sql_query_one puts it."""
        answer = self.selected(run, columns, table, filter, order, 1, db_id)
        return Asked.FAILED if answer is None else self.into_variables(run, answer, res_col_vars)

    @script(Route.ANY, waits=True, dialect="4.0")
    def sql_update(self, run: Run, columns: Json, table: Table, filter: Json | None = None, db_id: Number = 0) -> bool:
        """Change *columns*, '[{"name":"value"}]', in the rows of *table* for which *filter* holds, or in all."""
        return self.asked(db_id, lambda found: found.update(
            name_of(run, table), pairs_of(columns.value(run)), where_of(filter, run))) is not None

    @script(Route.ANY, waits=True, dialect="4.0")
    def sql_insert(self, run: Run, table: Table, columns: Json, db_id: Number = 0) -> bool:
        """Add a row to *table*: *columns*, '[{"name":"value"},{"other":null}]'."""
        def insert(found: Database) -> bool:
            found.insert(name_of(run, table), pairs_of(columns.value(run)))
            return True
        return bool(self.asked(db_id, insert))

    @script(Route.ANY, waits=True, dialect="4.0")
    def sql_delete(self, run: Run, table: Table, filter: Json | None = None, db_id: Number = 0) -> bool:
        """Take the rows for which *filter* holds out of *table*, or all."""
        return self.asked(db_id, lambda found: found.delete(name_of(run, table), where_of(filter, run))) is not None

    @script(Route.ANY, waits=True, dialect="4.0")
    def sql_replace(self, run: Run, table: Table, columns: Json, db_id: Number = 0) -> bool:
        """Add a row to *table*, in place of those that its keys do not allow beside it."""
        def replace(found: Database) -> bool:
            found.replace(name_of(run, table), pairs_of(columns.value(run)), ())
            return True
        return bool(self.asked(db_id, replace))

    @script(Route.ANY, waits=True, dialect="4.0")
    def sql_avp_load(self, run: Run, source: Whose, name: Loaded, db_id: Number = 0, prefix: str = "") -> bool:
        """Load AVPs of *source*: a variable or text with /username, /domain, /uri or /uuid behind it; without, $ru,
        $fu, $tu and $ou are URIs and all else is an identifier. *name* is $avp(name), or a for all, i for those whose
        name is a number, s for all others; behind a slash another table, or $scheme. *prefix* stands before their names
        then. False where there are none."""
        return self.load_avps(run, source, name, db_id, prefix)

    @script(Route.ANY, waits=True, dialect="4.0")
    def sql_avp_store(self, run: Run, source: Whose, name: Which, db_id: Number = 0) -> bool:
        """Store AVPs of *source*, beside those that it has; false where the run has none of that name."""
        return self.store_avps(run, source, name, db_id)

    @script(Route.ANY, waits=True, dialect="4.0")
    def sql_avp_delete(self, run: Run, source: Whose, name: Which, db_id: Number = 0) -> bool:
        """Delete AVPs of *source* in the database."""
        return self.delete_avps(run, source, name, db_id)

    def answer(self, run: Run, statement: Statement, number: int) -> Answer | None:
        """What a database answers to a statement."""
        return self.asked(number, lambda found: found.query(*statement.bound(run, found.dialect)))

    def selected(self, run: Run, columns: Document | None, table: str | Format | None, filter: Document | None,
                 order: str | None, limit: int, number: int) -> Answer | None:
        """The rows that a database has of a table."""
        def select(session: Session) -> Answer:
            rows = session.select(source, names, where, by, limit)
            return Answer(names * len(rows[0]) if rows and names == (ALL,) else names, rows)
        try:
            source = name_of(run, table or "")
            names, where, by = columns_of(columns, run), where_of(filter, run), order_of(order or "")
        except ValueError as error:
            self.log.error("%s", error)
            return None
        return self.asked(number, lambda found: found.run(select))
