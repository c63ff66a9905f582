"""Other names of users, in a table."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from opensips_py.db import DatabaseError, as_text
from opensips_py.module import Bits, DbUrl, Module, Route, Run, Writable, database, driver, param, script
from opensips_py.module.declare import Dialect
from opensips_py.module.tables import Name, TableName, examine, text_of
from opensips_py.sip import BranchTarget
from opensips_py.sip.uris import uri_of

if TYPE_CHECKING:
    from opensips_py.sip import Request

LOOKUP = Route.REQUEST | Route.FAILURE
FIND = LOOKUP | Route.ONREPLY | Route.BRANCH | Route.LOCAL
AliasTable = Annotated[Name, TableName("alias_db", "dbaliases")]
USER_ALONE, REVERSE = 1, 2
Flags = Annotated[int, Bits(letters=(("d", USER_ALONE), ("r", REVERSE)), numbers=False)]


class AliasDb(Module, name="alias_db"):
    """Find the user behind an alias, or the alias of a user, in a table. The database is asked each time, so changes
    are seen at once."""

    db_url: DbUrl = param("", "The database; empty: db_default_url.")
    user_column: str = param("username", "Column of users.")
    domain_column: str = param("domain", "Column of their domains.")
    alias_user_column: str = param("alias_username", "Column of the users of aliases.")
    alias_domain_column: str = param("alias_domain", "Column of the domains of aliases.")
    domain_prefix: str = param("", "Beginning of a domain that is left out before it is looked for.")
    append_branches: bool = param(0, "Whether all users behind an alias are called: the first by the Request-URI, the "
                                     "others by branches. Else the first one is.")

    def __init__(self, dialect: Dialect = "4.0") -> None:
        super().__init__(dialect)
        self.tables: dict[str, str] = {}  # those that the script names

    def load(self) -> None:
        """Find the driver."""
        driver(self, self.db_url)

    def verify(self) -> None:
        """Look at the tables that the script names."""
        for table, kind in self.tables.items():
            examine(self, database(self, self.db_url), table, kind, (
                self.user_column, self.domain_column, self.alias_user_column, self.alias_domain_column))

    def prepare(self) -> None:
        """Find the database."""
        self.db = database(self, self.db_url)

    @script(LOOKUP, waits=True)
    def alias_db_lookup(self, run: Run, table_name: AliasTable, flags: Flags = 0) -> bool:
        """Whether the Request-URI is an alias; then it becomes the URI of its user. Of *flags*, d looks for the user
        alone, without the domain, r for the alias of a user."""
        request: Request = run.request
        found = self.uris(text_of(run, table_name), request.uri, flags)
        if not found:
            return False
        request.uri = found[0]
        if found[1:]:
            request.branches = [*(request.branches or []), *map(BranchTarget, found[1:])]
        return True

    @script(FIND | Route.STARTUP, waits=True, dialect="4.0")
    def alias_db_find(self, run: Run, table_name: AliasTable, input_uri: str, output_var: Writable,
                      flags: Flags = 0) -> bool:
        """Whether *input_uri* is an alias; then *output_var* gets the URI of its user; with append_branches an AVP
        gets those of all, the last one first. Flags: see alias_db_lookup()."""
        found = self.uris(text_of(run, table_name), input_uri, flags)
        for each in found:
            output_var.set(each)
        return bool(found)

    @script(FIND, waits=True, name="alias_db_find", dialect="2.1")
    def alias_db_find_21(self, run: Run, table_name: AliasTable, input_uri: str, output_var: Writable,
                         flags: Flags = 0) -> bool:
        """Whether *input_uri* is an alias; then *output_var* gets the URI of its user. Flags: see alias_db_lookup()."""
        return self.alias_db_find(run, table_name, input_uri, output_var, flags)

    def uris(self, table: str, uri: str, flags: int) -> list[str]:
        """What *uri* stands for in *table*: one URI, or all where they are wanted."""
        parsed = uri_of(uri)
        if parsed is None or not parsed.user:
            return []
        aliases, users = (self.alias_user_column, self.alias_domain_column), (self.user_column, self.domain_column)
        given, wanted = (users, aliases) if flags & REVERSE else (aliases, users)
        where = {given[0]: parsed.user}
        if not flags & USER_ALONE:
            where[given[1]] = self.domain(parsed.host)
        try:
            rows = self.db.select(table, wanted, where, limit=0 if self.append_branches else 1)
        except DatabaseError as error:
            self.log.error("table %s: %s", table, error)
            return []
        return [text for user, domain in rows if (text := self.uri(as_text(user), as_text(domain)))]

    def domain(self, host: str) -> str:
        """A domain as the table has it."""
        prefix = self.domain_prefix
        found = host[:len(prefix)].lower() == prefix.lower() and host[len(prefix):]
        return found or host

    def uri(self, user: str, domain: str) -> str:
        """A URI of the table; empty where its row makes none."""
        text = f"sip:{user}@{domain}"
        parsed = uri_of(text) if user and domain else None
        if parsed is None or (parsed.user, parsed.host) != (user, domain):
            self.log.error("%r at %r makes no URI", user, domain)
            return ""
        return text


