"""www_authorize and proxy_authorize: users of a table."""
from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Annotated, Any, Literal

from opensips_py.db import as_text
from opensips_py.module import AuthResult, Route, Run, VariableSpec, script
from opensips_py.module.databases import Cached
from opensips_py.module.tables import Name, TableName, text_of
from opensips_py.modules.auth_db.guesses import MANY, Guesses
from opensips_py.modules.auth_db.users import Found, Key, Users
from opensips_py.sip import Credentials, Secret

if TYPE_CHECKING:
    from opensips_py.sip import Request

SubscriberTable = Annotated[Name, TableName("auth_db", "subscriber")]
WRONG = (AuthResult.WRONG_PASSWORD, AuthResult.NO_USER)


class Attempt:
    """One look at the users: which was asked for, and what was found."""

    key: Key | None = None
    found: Found


class Authorizing:
    """Functions that check credentials."""

    log: logging.Logger
    auth: Any
    users: Users
    guesses: Guesses
    loaded: dict[str, VariableSpec]
    missing: dict[str, Cached[frozenset[str]]]

    @script(Route.REQUEST, waits=True)
    def www_authorize(self, run: Run, realm: str, table: SubscriberTable) -> AuthResult:
        """Check Authorization for *realm*, as www_challenge asks for it, by the users in *table*. An empty realm is the
        host of To in a REGISTER, of From in all others."""
        return self.by_table(run, "www", realm, text_of(run, table))

    @script(Route.REQUEST, waits=True)
    def proxy_authorize(self, run: Run, realm: str, table: SubscriberTable) -> AuthResult:
        """Check Proxy-Authorization for *realm* (empty: the host of From), as proxy_challenge asks for it, by the users
        in *table*."""
        return self.by_table(run, "proxy", realm, text_of(run, table))

    def by_table(self, run: Run, kind: Literal["www", "proxy"], realm: str, table: str) -> AuthResult:
        """Check the credentials of a request by the users in *table*."""
        request: Request = run.request
        attempt, columns = Attempt(), self.columns(table)

        def lookup(credentials: Credentials) -> Secret | None:
            attempt.key = self.users.key(table, credentials)
            attempt.found = self.users.find(attempt.key, columns)
            return self.users.secret(attempt.found, credentials)
        result: AuthResult = self.auth.authorize(run, kind, realm, lookup)
        if attempt.key is not None and result is AuthResult.AUTHORIZED:
            self.users.guessed.pop(attempt.key, None)
            self.keep(run, columns, attempt.found)
        elif attempt.key is not None and result in WRONG:
            self.users.was_wrong(attempt.key, attempt.found)
            if self.guesses.wrong(request.source_host):
                self.log.warning("%s has given %d wrong passwords within a minute, the last for user %r of %s",
                                 request.source_host, MANY, attempt.key[1], attempt.key[2])
        return result

    def columns(self, table: str) -> tuple[str, ...]:
        """The columns that are loaded from *table*."""
        known = self.missing.get(table)
        return tuple(each for each in self.loaded if known is None or each not in known.value)

    def keep(self, run: Run, columns: tuple[str, ...], found: Found) -> None:
        """Assign what was loaded; nothing where a column is NULL or empty."""
        assert found.row is not None
        for column, value in zip(columns, found.row[1:], strict=True):
            write = self.loaded[column].write
            if value not in (None, "", b"") and write is not None:
                write(run, value if isinstance(value, int) else as_text(value))


