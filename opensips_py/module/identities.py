"""Which users may be whom: tables that join URIs to those who authenticate, or that have users alone."""
from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opensips_py.db import Database, DatabaseError, as_text
from opensips_py.module.kinds import Writable
from opensips_py.module.results import ReturnCode
from opensips_py.sip import Credentials, Uri

log = logging.getLogger("opensips_py.identities")


class Checked(ReturnCode):
    """What a look at the tables has shown."""

    RIGHT, FAILED, NO_CREDENTIALS, UNUSABLE, NO_USER, UNKNOWN, UNAVAILABLE, SPOOFED, OTHER_USER = \
        1, -1, -2, -3, -4, -5, -8, -9, -10


@dataclass(frozen=True)
class Identities:
    """A table with users, by its columns: *user* and *domain* of who authenticates, *alias*: the user in URIs."""

    database: Database
    user: str
    domain: str
    alias: str

    def allowed(self, table: str, credentials: Credentials, uri: Uri) -> Checked:
        """Whether who has proved *credentials* may be the user of *uri*."""
        if not uri.user:
            return Checked.NO_USER
        where = {self.user: user_of(credentials), self.domain: credentials.realm, self.alias: uri.user}
        try:
            rows = self.database.select(table, (self.user,), where, limit=1)
        except DatabaseError as error:
            log.error("table %s: %s", table, error)
            return Checked.UNAVAILABLE
        return Checked.RIGHT if rows else Checked.SPOOFED

    def exists(self, table: str, uri: Uri, use_domain: bool) -> Checked:
        """Whether the user of *uri* is in *table*."""
        try:
            rows = self.found(table, (self.alias,), uri, use_domain)
        except DatabaseError as error:
            log.error("table %s: %s", table, error)
            return Checked.NO_USER
        return Checked.RIGHT if rows else Checked.UNKNOWN

    def authentication(self, table: str, uri: Uri, use_domain: bool, user: Writable, realm: Writable) -> Checked:
        """Assign under which *user* and *realm* the user of *uri* authenticates."""
        try:
            rows = self.found(table, (self.user, self.domain), uri, use_domain)
        except DatabaseError as error:
            log.error("table %s: %s", table, error)
            return Checked.UNAVAILABLE
        if not rows:
            return Checked.NO_USER
        if len(rows) > 1:
            log.warning("table %s has %r more than once; the first is taken", table, uri.user)
        user.set(as_text(rows[0][0]))
        realm.set(as_text(rows[0][1]))
        return Checked.RIGHT

    def found(self, table: str, columns: Sequence[str], uri: Uri, use_domain: bool) -> list[tuple[Any, ...]]:
        """The rows of the user of *uri*, two at most."""
        where = {self.alias: uri.user}
        if use_domain:
            where[self.domain] = uri.host
        return self.database.select(table, columns, where, limit=2)


def user_of(credentials: Credentials) -> str:
    """The user in credentials, without the domain that some phones add."""
    return credentials.username.partition("@")[0]
