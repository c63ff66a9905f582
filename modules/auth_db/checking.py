"""Which URIs a user may have, and which users there are."""
from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any, Literal

from opensips_py.db import Database
from opensips_py.errors import MalformedMessage
from opensips_py.module import Route, Run, Writable, script
from opensips_py.module.identities import Checked, Identities
from opensips_py.module.tables import Name, TableName, text_of
from opensips_py.modules.auth_db.authorizing import SubscriberTable
from opensips_py.sip.uris import uri_of

if TYPE_CHECKING:
    from opensips_py.sip import Request

UriTable = Annotated[Name, TableName("auth_db", "uri")]
LATER = Route.REQUEST | Route.FAILURE | Route.LOCAL


class Checking:
    """Functions on tables of URIs, and of users."""

    log: logging.Logger
    auth: Any
    db: Database
    identities: Identities
    user_column: str
    domain_column: str
    use_domain: bool

    @script(Route.REQUEST, waits=True, dialect="4.0")
    def db_is_to_authorized(self, run: Run, table: UriTable) -> Checked:
        """Whether the user who was authorized may be the user in To, by *table*, which has the users of URIs."""
        return self.may_be(run, "to", text_of(run, table))

    @script(Route.REQUEST, waits=True, dialect="4.0")
    def db_is_from_authorized(self, run: Run, table: UriTable) -> Checked:
        """Whether the user who was authorized may be the user in From, by *table*."""
        return self.may_be(run, "from_", text_of(run, table))

    @script(LATER, waits=True, dialect="4.0")
    def db_does_uri_exist(self, run: Run, uri: str, table: SubscriberTable) -> Checked:
        """Whether the user of *uri* is among the users in *table*, with the domain where use_domain is set."""
        parsed = uri_of(uri)
        if parsed is None:
            return Checked.FAILED
        users = Identities(self.db, self.user_column, self.domain_column, self.user_column)
        return users.exists(text_of(run, table), parsed, self.use_domain)

    @script(LATER, waits=True, dialect="4.0")
    def db_get_auth_id(self, run: Run, table: UriTable, uri: str, auth: Writable, realm: Writable) -> Checked:
        """Assign to *auth* and *realm* the user who may have *uri*, and the realm of that user, by *table*; with
        the domain of *uri* where use_domain is set."""
        parsed = uri_of(uri)
        if parsed is None:
            return Checked.FAILED
        return self.identities.authentication(text_of(run, table), parsed, self.use_domain, auth, realm)

    def may_be(self, run: Run, header: Literal["to", "from_"], table: str) -> Checked:
        """Whether the user who was authorized may be the one in *header*."""
        request: Request = run.request
        credentials = self.auth.proven(request)
        if credentials is None:
            self.log.error("nobody has been authorized: call www_authorize or proxy_authorize before")
            return Checked.NO_CREDENTIALS
        try:
            uri = getattr(request, header).parsed_uri
        except MalformedMessage:
            return Checked.FAILED
        return self.identities.allowed(table, credentials, uri)
