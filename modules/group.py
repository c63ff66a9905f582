"""Which groups a user is in: by a table of members, or by regular expressions."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.db import Database, DatabaseError, as_text
from opensips_py.errors import MalformedMessage
from opensips_py.module import (
    Cached,
    DbUrl,
    Module,
    Pattern,
    ReturnCode,
    Route,
    Run,
    Writable,
    WritableKind,
    by_dialect,
    database,
    driver,
    param,
    script,
    uses,
)
from opensips_py.module.databases import url_of
from opensips_py.module.identities import user_of
from opensips_py.module.tables import examine
from opensips_py.sip.uris import uri_of

if TYPE_CHECKING:
    from opensips_py.sip import Request

ROUTES = Route.REQUEST | Route.FAILURE | Route.BRANCH | Route.LOCAL
Avp = Annotated[Writable, WritableKind(types=("avp",))]
Rules = tuple[tuple[Pattern, int], ...]
NONE = -1  # where no expression matches, or nobody can tell


class Membership(ReturnCode):
    """Whether a user is in a group."""

    MEMBER, UNKNOWN, OUTSIDE = 1, -1, -6


class Group(Module, name="group"):
    """Tell which groups a user is in. Members are looked for in the database each time; expressions are kept in memory,
    and read with the configuration. Without a database, functions that need one are false."""

    auth: Any = uses("auth", optional=True)

    db_url: DbUrl = param("", "The database; empty: db_default_url.")
    table: str = param("grp", "The table of members.")
    user_column: str = param("username", "Column of users.")
    domain_column: str = param("domain", "Column of their domains.")
    group_column: str = param("grp", "Column of groups.")
    use_domain: bool = param(by_dialect(v21=False, v40=True), "Whether the domain of a user counts.")
    re_table: str = param("", "The table of regular expressions (POSIX extended, without regard to case); empty: none.")
    re_exp_column: str = param("reg_exp", "Column of expressions, which `sip:user@domain` is held against.")
    re_gid_column: str = param("group_id", "Column of the numbers of groups.")
    multiple_gid: bool = param(1, "Whether all groups are told that match, or the first.")

    def load(self) -> None:
        """Find the driver, if there is to be a database."""
        self.db: Database | None = None
        if url_of(self, self.db_url):
            driver(self, self.db_url)

    def verify(self) -> None:
        """Look at the tables."""
        if not url_of(self, self.db_url):
            return
        found = database(self, self.db_url)
        examine(self, found, self.table, "grp", (
            self.user_column, self.group_column, *((self.domain_column,) if self.use_domain else ())))
        if self.re_table:
            examine(self, found, self.re_table, "re_grp", (self.re_exp_column, self.re_gid_column))

    def prepare(self) -> None:
        """Read the expressions."""
        self.rules = Cached[Rules](self, f"table {self.re_table}", self.read, ())
        if url_of(self, self.db_url):
            self.db = database(self, self.db_url)
            if self.re_table:
                self.rules.prepare()

    def read(self) -> Rules:
        """The expressions, the last of the table first."""
        assert self.db is not None
        found = []
        for text, number in self.db.select(self.re_table, (self.re_exp_column, self.re_gid_column)):
            try:
                found.append((Pattern(as_text(text), ignore_case=True, newline=True), int(number)))
            except (ValueError, TypeError) as error:
                self.log.error("table %s: %r for group %s is left out: %s", self.re_table, text, number, error)
        return tuple(reversed(found))

    @script(ROUTES, waits=True)
    def db_is_user_in(self, run: Run, uri: str, group: str) -> Membership:
        """Whether a user is in *group*: that of a *uri*, or of one of these words: Request-URI, To, From, Credentials
        (who was authorized). -6: of none such, -1: that could not be asked."""
        return self.is_member(run, uri, group)

    @script(ROUTES, waits=True, dialect="2.1")
    def is_user_in(self, run: Run, uri: str, group: str) -> Membership:
        """The same as db_is_user_in()."""
        return self.is_member(run, uri, group)

    @script(ROUTES)
    def db_get_user_group(self, run: Run, uri: str, output_avp: Avp) -> int:
        """Whether an expression matches a user, as db_is_user_in() names one: how many do that count. *output_avp* gets
        the numbers of the groups, one value each."""
        return self.groups(run, uri, output_avp)

    @script(ROUTES, dialect="2.1")
    def get_user_group(self, run: Run, uri: str, output_avp: Avp) -> int:
        """The same as db_get_user_group()."""
        return self.groups(run, uri, output_avp)

    def is_member(self, run: Run, uri: str, group: str) -> Membership:
        """Whether the table has a user in *group*."""
        found = self.user(run, uri)
        if found is None:
            return Membership.UNKNOWN
        if self.db is None:
            self.log.error("there is no database: db_url and db_default_url are empty")
            return Membership.UNKNOWN
        where = {self.user_column: found[0], self.group_column: group}
        if self.use_domain:
            where[self.domain_column] = found[1]
        try:
            rows = self.db.select(self.table, (self.group_column,), where, limit=1)
        except DatabaseError as error:
            self.log.error("table %s: %s", self.table, error)
            return Membership.UNKNOWN
        return Membership.MEMBER if rows else Membership.OUTSIDE

    def groups(self, run: Run, uri: str, avp: Writable) -> int:
        """Assign the groups whose expressions match a user, and count them."""
        if not self.re_table or self.db is None:
            self.log.error("there are no expressions: re_table is empty, or there is no database")
            return NONE
        found = self.user(run, uri)
        if found is None:
            return NONE
        text = f"sip:{found[0]}@{found[1]}"
        matching = [number for pattern, number in self.rules.value if pattern.matches(text)]
        wanted = matching if self.multiple_gid else matching[:1]
        for number in wanted:
            avp.set(number)
        return len(wanted) or NONE

    def user(self, run: Run, uri: str) -> tuple[str, str] | None:
        """The user and domain that *uri* means; None where there is none."""
        word = uri.lower()
        if word == "credentials":
            return self.proven(run.request)
        try:
            if word in ("request-uri", "to", "from"):
                request: Request = run.request
                parsed = request.parsed_uri if word[0] == "r" else (
                    request.to if word == "to" else request.from_).parsed_uri
            else:
                given = uri_of(uri)
                if given is None:
                    raise MalformedMessage(f"{uri!r} is no URI")
                parsed = given
        except MalformedMessage as error:
            self.log.error("%s", error)
            return None
        return (parsed.user, parsed.host) if parsed.user else None

    def proven(self, request: Request) -> tuple[str, str] | None:
        """Who was authorized, and for which realm."""
        credentials = self.auth.proven(request) if self.auth is not None else None
        if credentials is None:
            self.log.error("nobody has been authorized")
            return None
        return user_of(credentials), credentials.username.partition("@")[2] or credentials.realm
