"""Users in a database: whether the credentials of a request prove one of them."""
from __future__ import annotations

from functools import partial
from typing import Any

from opensips_py.module import ConfigError, DbUrl, Module, VariableSpec, by_dialect, database, driver, param, uses
from opensips_py.module.databases import Cached
from opensips_py.module.declare import Dialect
from opensips_py.module.identities import Identities
from opensips_py.module.tables import absent, examine
from opensips_py.modules.auth_db.authorizing import Authorizing
from opensips_py.modules.auth_db.checking import Checking
from opensips_py.modules.auth_db.guesses import PLACES, Guesses
from opensips_py.modules.auth_db.users import Columns, Users

SUBSCRIBERS, URIS = "subscriber", "uri"


class AuthDb(Authorizing, Checking, Module, name="auth_db"):
    """Check credentials by a table of users, which has their passwords or hashes of them, and by a table of the URIs
    that each of them may have. Somebody who guesses passwords does not make the database work: when several for one
    user were wrong, what was read last answers for two seconds; who has guessed too often within a minute is in the log
    once."""

    auth: Any = uses("auth")

    db_url: DbUrl = param("", "The database; empty: db_default_url.")
    user_column: str = param("username", "Column of users, in a table of users.")
    domain_column: str = param("domain", "Column of their domains.")
    password_column: str = param("ha1", "Column of their passwords, or of MD5 hashes of user, realm and password.")
    password_column_2: str = param("ha1b", "2.1: column of the hashes for those who give their user name with a "
                                           "domain, which is hashed as a part of it.")
    hash_column_sha256: str = param("ha1_sha256", "Column of SHA-256 hashes.")
    hash_column_sha512t256: str = param("ha1_sha512t256", "Column of SHA-512-256 hashes.")
    calculate_ha1: bool = param(0, "Whether password_column has passwords, which serve every algorithm; else the "
                                   "columns have hashes.")
    use_domain: bool = param(by_dialect(v21=False, v40=True), "Whether a user is looked for with the domain: that "
                                                              "behind the user name, or else the realm.")
    load_credentials: str = param(
        by_dialect(v21="rpid", v40=""), "Columns that are read as well, with semicolons between; an AVP of the same "
        "name gets the value, or that in `$avp(name)=column`.")
    skip_version_check: bool = param(0, "Accept tables of users of any version, such as your own.")
    uri_user_column: str = param("username", "Column of users, in a table of URIs.")
    uri_domain_column: str = param("domain", "Column of the realms under which they authenticate.")
    uri_uriuser_column: str = param("uri_user", "Column of the user in a URI that they may have.")

    def __init__(self, dialect: Dialect = "4.0") -> None:
        super().__init__(dialect)
        self.tables: dict[str, str] = {}  # those that the script names, and what kind each is

    def load(self) -> None:
        """Find the driver, and the AVPs of load_credentials."""
        driver(self, self.db_url)
        self.loaded = dict(self.loading(each) for each in self.load_credentials.split(";") if each.strip())

    def loading(self, text: str) -> tuple[str, VariableSpec]:
        """A column, and the AVP for its value."""
        avp, _, column = text.strip().rpartition("=")
        try:
            if self.registry.script is None or not column.strip():
                raise ValueError(f"{text!r} names no column")
            spec = self.registry.script.variable(avp.strip() or f"$avp({column.strip()})")
        except ValueError as error:
            raise ConfigError(str(error), self.name, "load_credentials") from None
        if spec.type != "avp":
            raise ConfigError(f"columns are loaded into AVPs, and {spec.text} is none", self.name, "load_credentials")
        return column.strip(), spec

    def verify(self) -> None:
        """Look at the tables that the script names."""
        found = database(self, self.db_url)
        for table, kind in self.tables.items():
            examine(self, found, table, kind, self.needed(kind), versioned=not self.skip_version_check)

    def needed(self, kind: str) -> tuple[str, ...]:
        """The columns without which a table of that kind serves nothing."""
        if kind == URIS:
            return self.uri_user_column, self.uri_domain_column, self.uri_uriuser_column
        domain = (self.domain_column,) if self.use_domain else ()
        return self.user_column, *domain, self.password_column

    def prepare(self) -> None:
        """Learn which of the columns to load each table has, and take part in counting guesses."""
        self.db = database(self, self.db_url)
        self.missing = {table: Cached(self, f"columns of table {table}", partial(self.lacking, table),
                                      frozenset[str]())
                        for table, kind in self.tables.items() if kind == SUBSCRIBERS and self.loaded}
        for each in self.missing.values():
            each.prepare()
        columns = Columns(self.user_column, self.domain_column if self.use_domain else "", self.calculate_ha1,
                          (self.password_column, self.hash_column_sha256, self.hash_column_sha512t256),
                          self.password_column_2 if self.dialect == "2.1" else "")
        self.users = Users(self.db, columns)
        self.identities = Identities(self.db, self.uri_user_column, self.uri_domain_column, self.uri_uriuser_column)
        self.guesses = Guesses(self.services.shared_words("auth_db.guesses", PLACES))

    def lacking(self, table: str) -> frozenset[str]:
        """Which of the columns to load *table* does not have."""
        found = absent(self.db, table, self.loaded)
        if found and self.services.index == 0:
            self.log.warning("table %s has no column %s: nothing is loaded from there", table, ", ".join(sorted(found)))
        return found
