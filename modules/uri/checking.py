"""Which URIs a user may have, and which users there are."""
from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal

from opensips_py.db import Database
from opensips_py.errors import MalformedMessage
from opensips_py.module import DbUrl, Module, Route, Writable, counter, database, driver, param, script, uses
from opensips_py.module.databases import url_of
from opensips_py.module.identities import Checked, Identities, user_of
from opensips_py.module.tables import examine
from opensips_py.sip import Credentials, Request, Uri
from opensips_py.sip.uris import uri_of

if TYPE_CHECKING:
    from opensips_py.module.declare import Dialect

INITIAL = Route.REQUEST | Route.LOCAL


class Checking:
    """Functions of 2.1 on the table of URIs, or of users."""

    log: logging.Logger
    name: str
    dialect: Dialect
    auth: Any = uses("auth", optional=True)

    db_url: DbUrl = param("", "The database; empty: db_default_url.")
    db_table: str = param("", "The table; empty: uri where use_uri_table is set, else subscriber.")
    user_column: str = param("username", "Column of users.")
    domain_column: str = param("domain", "Column of their domains.")
    uriuser_column: str = param("uri_user", "Column of the user in a URI that they may have, in a table of URIs.")
    use_uri_table: bool = param(0, "Whether the table is one of URIs, which says who may have which; else each user "
                                   "has the URI of that name.")
    use_domain: bool = param(0, "Whether db_does_uri_exist and db_get_auth_id look for the domain, too.")

    positive_checks = counter("Users who had the URI that they said.", name="positive checks")
    negative_checks = counter("Users who had not, or were not authorized.")

    def load(self) -> None:
        """Find the driver, if there is a database."""
        self.db: Database | None = None
        module: Any = self
        if url_of(module, self.db_url):
            driver(module, self.db_url)

    @property
    def table(self) -> str:
        """The table that is asked."""
        return self.db_table or ("uri" if self.use_uri_table else "subscriber")

    def verify(self) -> None:
        """Look at the table, where it will be asked."""
        module: Any = self
        if self.dialect == "2.1" and self.is_used(module):
            alias = (self.uriuser_column,) if self.use_uri_table else ()
            examine(module, database(module, self.db_url), self.table, "uri" if self.use_uri_table else "subscriber",
                    (self.user_column, self.domain_column, *alias))

    def is_used(self, module: Module) -> bool:
        """Whether the script means the database for this module: a default alone is no wish."""
        return bool(self.db_url) or bool(url_of(module) and self.use_uri_table)

    def prepare(self) -> None:
        """Find the database."""
        module: Any = self
        if url_of(module, self.db_url):
            self.db = database(module, self.db_url)

    @script(Route.REQUEST, waits=True, dialect="2.1")
    def db_check_to(self, request: Request) -> Checked:
        """Whether the user who was authorized may be the user in To: by the table of URIs, or without one where both
        have the same name."""
        return self.may_be(request, "to")

    @script(Route.REQUEST, waits=True, dialect="2.1")
    def check_to(self, request: Request) -> Checked:
        """The same as db_check_to()."""
        return self.may_be(request, "to")

    @script(Route.REQUEST, waits=True, dialect="2.1")
    def db_check_from(self, request: Request) -> Checked:
        """Whether the user who was authorized may be the user in From; see db_check_to()."""
        return self.may_be(request, "from_")

    @script(Route.REQUEST, waits=True, dialect="2.1")
    def check_from(self, request: Request) -> Checked:
        """The same as db_check_from()."""
        return self.may_be(request, "from_")

    @script(INITIAL, waits=True, dialect="2.1")
    def db_does_uri_exist(self, request: Request) -> Checked:
        """Whether the user of the Request-URI is in the table."""
        return self.is_there(request.uri)

    @script(INITIAL, waits=True, dialect="2.1")
    def does_uri_exist(self, request: Request, uri: str = "") -> Checked:
        """Whether the user of *uri*, else of the Request-URI, is in the table."""
        return self.is_there(uri or request.uri)

    @script(INITIAL, waits=True, dialect="2.1")
    def db_get_auth_id(self, uri: str, auth: Writable, realm: Writable) -> Checked:
        """Assign to *auth* and *realm* the user who may have *uri*, and the domain of that user."""
        return self.authentication(uri, auth, realm)

    @script(INITIAL, waits=True, dialect="2.1")
    def get_auth_id(self, uri: str, auth: Writable, realm: Writable) -> Checked:
        """The same as db_get_auth_id()."""
        return self.authentication(uri, auth, realm)

    def may_be(self, request: Request, header: Literal["to", "from_"]) -> Checked:
        """Whether the user who was authorized may be the one in *header*."""
        credentials = self.auth.proven(request) if self.auth is not None else None
        if credentials is None:
            self.log.error("nobody has been authorized: call www_authorize or proxy_authorize before")
            self.negative_checks.add()
            return Checked.NO_CREDENTIALS
        try:
            uri = getattr(request, header).parsed_uri
        except MalformedMessage:
            return Checked.FAILED
        result = self.compared(credentials, uri)
        if result is Checked.RIGHT:
            self.positive_checks.add()
        elif result in (Checked.SPOOFED, Checked.OTHER_USER):
            self.negative_checks.add()
        return result

    def compared(self, credentials: Credentials, uri: Uri) -> Checked:
        """Whether the user of *credentials* may have *uri*."""
        if not uri.user:
            return Checked.NO_USER
        if not self.use_uri_table:
            same = user_of(credentials).casefold() == uri.user.casefold()
            return Checked.RIGHT if same else Checked.OTHER_USER
        users = self.identities()
        return users.allowed(self.table, credentials, uri) if users is not None else Checked.FAILED

    def is_there(self, uri: str) -> Checked:
        """Whether the user of *uri* is in the table."""
        parsed, users = uri_of(uri), self.identities()
        if parsed is None or users is None:
            return Checked.FAILED
        return users.exists(self.table, parsed, self.use_domain)

    def authentication(self, uri: str, auth: Writable, realm: Writable) -> Checked:
        """Assign who may have *uri*."""
        parsed, users = uri_of(uri), self.identities()
        if parsed is None or users is None:
            return Checked.FAILED
        return users.authentication(self.table, parsed, self.use_domain, auth, realm)

    def identities(self) -> Identities | None:
        """The table; None where there is no database."""
        if self.db is None:
            self.log.error("there is no database: db_url and db_default_url are empty")
            return None
        return Identities(self.db, self.user_column, self.domain_column,
                          self.uriuser_column if self.use_uri_table else self.user_column)
