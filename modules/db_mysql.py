"""MySQL and MariaDB."""
from __future__ import annotations

import functools
import ssl
from collections.abc import Sequence
from typing import Annotated, Any

from opensips_py.db import Database, DatabaseUrl
from opensips_py.db.driver import Driver, is_quiet
from opensips_py.db.pooled import PooledDatabase
from opensips_py.db.sql import SqlSession
from opensips_py.module import Between, ConfigError, DatabaseDriver, Event, Watching, param

try:
    import peewee
    from pymysql.constants import CLIENT
except ImportError as error:
    raise ImportError(f'{error.name} is missing: pip install "opensips-py[mysql]"') from None

GONE = {1040, 1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1927, 2002, 2003, 2006, 2013, 2014, 2055,
        4031}  # no connection, or none any more
PASSING = {
    1020, 1205, 1213, 1412, 1637,  # others change the same rows or the table
    1047, 1290, 1792, 1836,  # takes no changes, or nothing at all, for now
    1021, 1030, 1037, 1038, 1041, 1114, 1180, 1181, 1226,  # no room, no memory, no more for this user
    1317, 1969, 3024}  # given up by the server
NO_SIGN = {1366, 1267}  # a text with a sign that a column cannot have, or cannot be compared with
Microseconds = Annotated[int, Between(0, 1 << 40)]
Count = Annotated[int, Between(0, 1 << 20)]


class E_MYSQL_CONNECTION(Event):
    """A database has been lost, or is back."""

    url: str
    status: str


class Session(SqlSession):
    """A session that knows which errors of MySQL end a connection."""

    backslashes = True

    def is_lost(self, error: Exception) -> bool:
        code = error.args[0] if error.args else 0
        return code in GONE or isinstance(error, peewee.InterfaceError) or not self.raw.open

    def send(self, statement: str, values: Sequence[Any]) -> Any:
        # Columns of older databases are latin1 or utf8mb3: what they have no sign for must not keep the row out.
        for narrowed in (three_bytes, latin):
            try:
                return super().send(statement, values)
            except peewee.DatabaseError as error:
                if not NO_SIGN.intersection(error.args[:1]) or not any(isinstance(each, str) for each in values):
                    raise
                values = [narrowed(each) if isinstance(each, str) else each for each in values]
        return super().send(statement, values)

    def is_passing(self, error: Exception) -> bool:
        return bool(error.args) and error.args[0] in PASSING


def three_bytes(text: str) -> str:
    """*text* in signs that utf8mb3 has: of at most three bytes."""
    return "".join(each if each < "\U00010000" else "\ufffd" for each in text)


def latin(text: str) -> str:
    """*text* in signs that latin1 has."""
    return text.encode("cp1252", "replace").decode("cp1252")


class Told(Watching):
    """Tells subscribers of the event what the log has."""

    def __init__(self, module: DbMysql, slow: float) -> None:
        super().__init__(module, slow)

    def lost(self, database: Database, error: str) -> None:
        super().lost(database, error)
        self.tell(database, "disconnected")

    def back(self, database: Database) -> None:
        super().back(database)
        self.tell(database, "connected")

    def tell(self, database: Database, status: str) -> None:
        """Raise the event, beside the call that noticed."""
        if "services" in self.module.__dict__:
            self.module.services.spawn(self.module.raise_event, E_MYSQL_CONNECTION(str(database.url), status))


class DbMysql(DatabaseDriver, name="db_mysql", provides=("sqldb", "database:mysql"), events=[E_MYSQL_CONNECTION]):
    """Keep tables in MySQL or MariaDB: `mysql://user:password@host:port/database`; the host may be the path of a
    socket as option: `mysql://user@localhost/database?unix_socket=/run/mysqld/mysqld.sock`."""

    exec_query_threshold: Microseconds = param(
        0, "Microseconds beyond which an operation is logged as slow; 0: none is.")
    timeout_interval: Annotated[int, Between(1, 3600)] = param(2, "Seconds for a connection, and for an operation.")
    max_db_queries: Count = param(
        2, "Accepted without effect: an idle connection that the server has closed is noticed before it is used.")
    max_db_retries: Count = param(
        3, "Accepted without effect: a database that is gone is tried again after 0.5 s, then less often, in the end "
           "every 5 s.")
    ps_max_col_size: Count = param(1024, "Accepted without effect: columns may have any size.")
    use_tls: bool = param(0, "Whether connections are encrypted; the options ssl_ca, ssl_cert and ssl_key of the URL "
                             "name files, and with ssl_ca the server's certificate is verified.")

    def make(self, url: DatabaseUrl) -> Database:
        size = int(self.registry.globals.get("db_max_async_connections", 10))
        connect = functools.partial(connection, url, self.timeout_interval, self.tls(url))
        seconds = self.timeout_interval
        wait = f"SET SESSION innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}"
        driver = Driver(connect, Session, is_alive=lambda made: is_quiet(made.connection()._sock), give_up=give_up,
                        first=(wait,))  # what we have given up waits no longer either
        return PooledDatabase(url, driver, Told(self, self.exec_query_threshold / 1e6), size=size,
                              patience=self.timeout_interval)

    def tls(self, url: DatabaseUrl) -> ssl.SSLContext | None:
        """How connections are encrypted, if they are."""
        if not self.use_tls:
            return None
        authority, certificate, key = (url.option(each) or None for each in ("ssl_ca", "ssl_cert", "ssl_key"))
        try:
            context = ssl.create_default_context(cafile=authority)
            if not authority:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if certificate:
                context.load_cert_chain(certificate, key)
        except OSError as error:
            raise ConfigError(f"{url}: {error}", self.name, "use_tls") from None
        return context


def connection(url: DatabaseUrl, timeout: float, tls: ssl.SSLContext | None) -> Any:
    """An open connection."""
    options: dict[str, Any] = {"unix_socket": url.option("unix_socket")} if url.option("unix_socket") else {}
    if url.port:
        options["port"] = url.port
    made: Any = peewee.MySQLDatabase(
        url.database, thread_safe=False, user=url.user or None, password=url.password, host=url.host or "localhost",
        connect_timeout=timeout, charset="utf8mb4", client_flag=CLIENT.FOUND_ROWS, ssl=tls, ssl_disabled=tls is None,
        **options)
    made.connect()
    return made


def give_up(made: Any) -> None:
    """Close without a word: the server may be in the middle of an answer."""
    made.connection()._force_close()
