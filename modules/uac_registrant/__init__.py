"""Registering this server with others."""
from __future__ import annotations

from typing import Annotated, Any

from opensips_py.module import (
    Between,
    Cached,
    ConfigError,
    DbUrl,
    Module,
    database,
    driver,
    param,
    process_state,
    uses,
)
from opensips_py.module.tables import examine, spelled
from opensips_py.modules.uac_registrant.events import EVENTS
from opensips_py.modules.uac_registrant.management import Management
from opensips_py.modules.uac_registrant.records import SHORTEST, Registrants

Seconds = Annotated[int, Between(0, (1 << 31) - 1)]


class UacRegistrant(Management, Module, name="uac_registrant", events=list(EVENTS.values())):
    """Register with other servers, as the table `registrant` says, and keep that up. Each record belongs to one worker,
    by its address-of-record; a reload of the configuration keeps what is registered. What is taken out of the table, or
    out of memory, is unregistered.

    Records are in 2 to the power of hash_size buckets. Each timer_interval seconds every bucket has its turn once, and
    the records of a bucket are registered together.

    A record is in one of these states: 0 not registered, 1 registering, 2 authenticating, 3 registered, 4 no answer,
    5 internal error, 6 wrong credentials, 7 refused, 8 unregistering, 9 authenticating to unregister. In 4.0 each of
    them is the status of an identifier of the group uac_registrant, too."""

    uac_auth: Any = uses("uac_auth")
    tm: Any = uses("tm")

    hash_size: Annotated[int, Between(0, 16)] = param(1, "The power of two that is the number of buckets.")
    timer_interval: Annotated[int, Between(1, 86_400)] = param(
        100, "Seconds between two turns of a bucket; at least as many as there are buckets.")
    failure_retry_interval: Seconds = param(0, "Seconds until a registration that failed is tried again; 0: as many as "
                                               "until one that did not.")
    default_expires: Seconds = param(3600, "Seconds that a registration is asked for where the table has none.")
    reregister_expiry_percentage: Annotated[int, Between(1, 100)] = param(
        100, "After how much of its time a registration is renewed, less timer_interval.")
    db_url: DbUrl = param("", "The database; empty: db_default_url.")
    table_name: str = param("registrant", "The table.")
    registrar_column: str = param("registrar", "Column of the URIs of registrars.")
    proxy_column: str = param("proxy", "Column of URIs where REGISTERs are sent; empty: to the registrar.")
    aor_column: str = param("aor", "Column of addresses-of-record, for To.")
    third_party_registrant_column: str = param("third_party_registrant", "Column of URIs for From; empty: as in To.")
    username_column: str = param("username", "Column of user names that registrars ask for.")
    password_column: str = param("password", "Column of passwords; 0x and the hash of user, realm and password in hex "
                                             "will do as well.")
    binding_URI_column: str = param("binding_URI", "Column of contacts.")
    binding_params_column: str = param("binding_params", "Column of parameters for contacts, each behind a semicolon. "
                                       "With reg-id and +sip.instance, other bindings of the address-of-record are "
                                       "removed.")
    expiry_column: str = param("expiry", "Column of seconds.")
    forced_socket_column: str = param("forced_socket", "Column of the sockets, of those of this server, by which "
                                                       "REGISTERs leave.")
    state_column: str = param("state", "Column that says 1 where a record is off. A table of 2.1 does without.")

    registrants: Registrants = process_state()

    def load(self) -> None:
        """Find the driver, and what the timer has to do."""
        driver(self, self.db_url)
        if self.timer_interval < self.buckets:
            raise ConfigError(f"timer_interval is {self.timer_interval}, which is less than the {self.buckets} buckets",
                              self.name, "timer_interval")
        if self.default_expires < SHORTEST:
            raise ConfigError(f"default_expires is less than {SHORTEST} s", self.name, "default_expires")
        self.step_seconds = self.timer_interval / self.buckets

    @property
    def names(self) -> dict[str, str]:
        """The columns without which nothing works, by what they hold."""
        return {"registrar": self.registrar_column, "proxy": self.proxy_column, "aor": self.aor_column,
                "third_party": self.third_party_registrant_column, "username": self.username_column,
                "password": self.password_column, "contact": self.binding_URI_column,
                "parameters": self.binding_params_column, "expiry": self.expiry_column,
                "socket": self.forced_socket_column}

    def verify(self) -> None:
        """Look at the table."""
        examine(self, database(self, self.db_url), self.table_name, "registrant", self.names.values())

    def prepare(self) -> None:
        """Read the table."""
        self.db = database(self, self.db_url)
        self.columns = dict(self.names)
        self.rows = Cached(self, f"table {self.table_name}", self.read_table, (), self.follow)
        self.rows.prepare()

    def read_table(self) -> tuple[Any, ...]:
        """Learn how the columns are called, and read them."""
        wanted = {**self.names, "state": self.state_column}
        found = spelled(self.db, self.table_name, wanted.values())
        self.columns = {what: found.get(name, name) for what, name in wanted.items()
                        if what != "state" or name in found}
        return self.read()

    def start(self) -> None:
        """Work with what the instance before has registered."""
        self.registrants.module = self
        self.follow()
