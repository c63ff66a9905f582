"""Looking users up, without letting those who guess passwords make the database work."""
from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opensips_py.db import Database, DatabaseError, as_text
from opensips_py.sip import Credentials, Ha1, Password, Secret
from opensips_py.sip.digest import algorithm_of

FEW = 3  # wrong passwords for one user, before what was read last answers
FRESH = 2.0  # seconds for which it does
REMEMBERED = 4096  # users with wrong passwords
Key = tuple[str, str, str, str]  # table, user, domain, column of the secret
NO_HASHES = ("", "", "")


@dataclass(frozen=True)
class Columns:
    """Where a table of users has what; *domain* is empty where users are looked for without it. *secrets* are the
    columns for MD5, SHA-256 and SHA-512-256; *with_domain* is for MD5 of a user name that has a domain."""

    user: str
    domain: str
    plain: bool
    secrets: tuple[str, str, str]
    with_domain: str = ""

    def secret(self, number: int, has_domain: bool) -> str:
        """The column for the hash *number*."""
        if self.plain:
            return self.secrets[0]
        return self.with_domain if self.with_domain and has_domain and not number else self.secrets[number]


@dataclass
class Found:
    """What was read of a user, and what came of it; no row where there is no such user."""

    row: tuple[Any, ...] | None
    read: float = 0.0  # when, in seconds of a steady clock
    until: float = 0.0  # for so long it may answer once more
    wrong: int = 0


class Users:
    """The tables of users of one database."""

    def __init__(self, database: Database, columns: Columns) -> None:
        self.database, self.columns = database, columns
        self.guessed: OrderedDict[Key, Found] = OrderedDict()

    def key(self, table: str, credentials: Credentials) -> Key:
        """How a user is found."""
        user, _, domain = credentials.username.partition("@")
        algorithm = algorithm_of(credentials.algorithm)
        number = algorithm.number // 2 if algorithm is not None else 0
        return table, user, domain or credentials.realm, self.columns.secret(number, bool(domain))

    def find(self, key: Key, more: Sequence[str]) -> Found:
        """What the table has in the column of the secret, and in those of *more*. OSError: it cannot be read."""
        known, started = self.guessed.get(key), time.monotonic()
        if known is not None and known.wrong >= FEW:
            if started < known.until:
                return known
            known.until = started + FRESH  # whoever comes while this one reads need not read as well
        table, user, domain, secret = key
        where = {self.columns.user: user, **({self.columns.domain: domain} if self.columns.domain else {})}
        try:
            rows = self.database.select(table, (secret, *more), where, limit=1)
        except DatabaseError as error:
            raise OSError(f"table {table}: {error}") from None
        return Found(rows[0] if rows else None, started, started + FRESH, known.wrong if known is not None else 0)

    def secret(self, found: Found, credentials: Credentials) -> Secret | None:
        """What is known of a user; None where there is none."""
        if found.row is None:
            return None
        text = as_text(found.row[0])
        if self.columns.plain:
            return Password(text) if text else Ha1()
        algorithm = algorithm_of(credentials.algorithm)
        hashes = list(NO_HASHES)
        hashes[algorithm.number // 2 if algorithm is not None else 0] = text
        return Ha1(*hashes)

    def was_wrong(self, key: Key, found: Found) -> None:
        """Credentials were wrong: remember what was read, unless something newer is."""
        known = self.guessed.get(key)
        latest = known if known is not None and known.read > found.read else found
        latest.wrong += 1
        self.guessed[key] = latest
        self.guessed.move_to_end(key)
        if len(self.guessed) > REMEMBERED:
            self.guessed.popitem(last=False)
