"""One Redis server: its connections, and how it is."""
from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from redis import exceptions
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.retry import Retry

from opensips_py.db.breaker import Breaker
from opensips_py.db.driver import is_quiet
from opensips_py.db.pool import Pool
from opensips_py.modules.cachedb_redis.topology import Address

Command = tuple[str | int, ...]
Reply = Any  # a text, a number, None, a list of replies, or a ResponseError
SIZE = 10  # connections
LONGEST_PAUSE = 5.0  # seconds until a server that is gone is tried again
plain: Any = Connection  # they have no annotations
encrypted: Any = SSLConnection
unix: Any = UnixDomainSocketConnection
PROBES = 3  # that a silent peer may leave unanswered


class Unreachable(Exception):
    """Nothing was sent to the server."""


class Lost(Exception):
    """The server was told, and has not answered."""


@dataclass(frozen=True)
class Options:
    """How servers are reached: seconds, credentials, and the arguments for encryption where that is wanted."""

    connect_timeout: float = 5.0
    query_timeout: float = 5.0
    keepalive: int = 10
    user: str = ""
    password: str = field(default="", repr=False)
    database: int = 0
    socket: str = ""  # the path of a Unix socket
    tls: tuple[tuple[str, Any], ...] | None = None


class Node:
    """A server, with a few connections that are kept."""

    def __init__(self, address: Address, options: Options, clock: Callable[[], float] = time.monotonic) -> None:
        self.address, self.options, self._clock = address, options, clock
        self.breaker = Breaker(longest=LONGEST_PAUSE)
        self.pool: Pool[Any] = Pool(SIZE, self._connect, close, lambda made: is_quiet(made._sock))
        self.queries = self.errors = self.moved = 0
        self.last: float | None = None  # when it answered last

    @property
    def name(self) -> str:
        """As logs show it."""
        host, port = self.address
        return self.options.socket or f"{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection."""
        return self.pool.lent > 0 or self.pool.idle > 0

    @property
    def idle(self) -> int:
        """Seconds since it answered; -1: it never has."""
        return -1 if self.last is None else int(self._clock() - self.last)

    def ask(self, *command: str | int) -> Reply:
        """The reply to one command; Unreachable, Lost."""
        return self.ask_all([command])[0]

    def ask_all(self, commands: Sequence[Command]) -> list[Reply]:
        """The replies to *commands*, which travel together; errors that the server answers are among them.

        Unreachable: none was sent; Lost: nobody knows which of them were carried out.
        """
        if not self.breaker.allows(self._clock()):
            raise Unreachable(f"{self.name} did not answer a moment ago")
        sent = False
        try:
            with self.pool.lend() as connection:
                sent = True
                replies = conversation(connection, commands)
        except exceptions.RedisError as error:
            self._failed()
            raise (Lost if sent else Unreachable)(f"{self.name}: {error}") from None
        except BaseException:
            self.breaker.given_up()
            raise
        self.breaker.succeeded()
        self.last = self._clock()
        self.queries += 1
        return replies

    def ping(self) -> int | None:
        """How many microseconds an answer takes; None where none comes."""
        started = time.perf_counter()
        try:
            self.ask("PING")
        except (Unreachable, Lost):
            return None
        return round((time.perf_counter() - started) * 1e6)

    def close(self) -> None:
        """Close the connections that nobody uses."""
        self.pool.clear()

    def _failed(self) -> None:
        self.errors += 1
        self.breaker.failed(self._clock())

    def _connect(self) -> Any:
        made = connection_of(self.address, self.options)
        made.connect()
        return made


def conversation(connection: Any, commands: Sequence[Command]) -> list[Reply]:
    """Send *commands* and read a reply to each."""
    connection.send_packed_command(connection.pack_commands(commands), check_health=False)
    return [reply(connection) for _ in commands]


def reply(connection: Any) -> Reply:
    """One reply; an error that the server answers is one, too."""
    try:
        return connection.read_response()
    except exceptions.BusyLoadingError:
        raise
    except exceptions.ResponseError as error:
        return error


def connection_of(address: Address, options: Options) -> Any:
    """A connection, not opened yet."""
    given: dict[str, Any] = {
        "db": options.database, "username": options.user or None, "password": options.password or None,
        "socket_timeout": options.query_timeout, "socket_connect_timeout": options.connect_timeout,
        "decode_responses": True, "encoding_errors": "surrogateescape", "protocol": 2, "retry": Retry(NoBackoff(), 0),
        "retry_on_timeout": False, "health_check_interval": 0}
    if options.socket:
        return unix(path=options.socket, **given)
    host, port = address
    given |= {"host": host, "port": port, "socket_keepalive": options.keepalive > 0,
              "socket_keepalive_options": keepalive(options.keepalive)}
    return plain(**given) if options.tls is None else encrypted(**given, **dict(options.tls))


def keepalive(seconds: int) -> dict[int, int] | None:
    """The socket's own options for probes every so many seconds."""
    if seconds <= 0:
        return None
    return {socket.TCP_KEEPIDLE: seconds, socket.TCP_KEEPINTVL: seconds, socket.TCP_KEEPCNT: PROBES}


def close(connection: Any) -> None:
    """Close a connection, whatever state it is in."""
    connection.disconnect()
