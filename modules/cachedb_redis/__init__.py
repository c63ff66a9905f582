"""A key-value store in Redis: one server, several of which one works, or a cluster."""
from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Annotated, Any

from opensips_py.module import (
    Between,
    Cache,
    CacheDbUrl,
    CacheDriver,
    CacheError,
    CacheUrl,
    ConfigError,
    Counter,
    counter,
    param,
    param_setter,
    process_state,
)
from opensips_py.module.cachedb import COUNTERS, KEYS, MAPS, QUERIES, VALUES, Measured

try:
    from opensips_py.modules.cachedb_redis.cache import RedisCache
except ImportError as error:
    raise ImportError(f'{error.name} is missing: pip install "opensips-py[redis]"') from None
from opensips_py.modules.cachedb_redis.deployment import Deployment, Figures
from opensips_py.modules.cachedb_redis.management import Management
from opensips_py.modules.cachedb_redis.node import Options

PORT = 6379
Milliseconds = Annotated[int, Between(1, 3_600_000)]


class CacheDbRedis(Management, CacheDriver, name="cachedb_redis", provides=("cachedb", "cachedb:redis")):
    """Keep values under keys in Redis, where other servers find them, too. Scripts call a store `redis`, or
    `redis:group` where its URL names a group.

    `redis:group://user:password@host:port/database` names one server. Of several hosts, with commas between them, the
    first that works is used, and the next one when it fails. A server that belongs to a cluster tells of the others,
    and every key is asked of the node that has its slot, also when slots move. `?socket=/path` names a Unix socket
    instead of the host. A password without a user is written `:password@`.

    A server that is gone is tried again after half a second, then less often, in the end every 5 seconds; what is to
    be counted is sent once, everything else again to whoever has taken over.

    Raw queries are written as for redis-cli: words in quotes may hold spaces; whatever comes from a message should
    stand in some. Each element of a list that Redis answers is a row."""

    can = frozenset((VALUES, COUNTERS, MAPS, KEYS, QUERIES))

    connect_timeout: Milliseconds = param(5000, "Milliseconds until a connection has to be there.")
    query_timeout: Milliseconds = param(5000, "Milliseconds until an answer has to be there.")
    shutdown_on_error: bool = param(
        0, "Whether a server that does not answer when the configuration is checked is an error.")
    lazy_connect: bool = param(
        0, "Whether a worker connects when it needs the store, not when it starts; shutdown_on_error is idle then.")
    redis_keepalive: Annotated[int, Between(0, 32767)] = param(
        10, "Seconds without a word after which the network is asked whether a server is still there; 0: never.")
    use_tls: bool = param(
        0, "Whether connections are encrypted; the options ssl_ca, ssl_cert and ssl_key of the URL name files, and "
           "with ssl_ca the server's certificate is verified.")
    figures: Figures = process_state()
    redis_queries: Counter = counter("Operations that Redis has answered.")
    redis_queries_failed: Counter = counter("Operations that Redis has not answered.")
    redis_moved: Counter = counter("Times that a cluster sent an operation on to another node.")
    redis_topology_refreshes: Counter = counter("Times that clusters were asked for their slots.")

    @param_setter("cachedb_url")
    def add_cachedb_url(self, url: CacheDbUrl) -> None:
        """The URL of a store that scripts use; may be given many times."""
        self.add_url(url)

    def settings(self) -> tuple[object, ...]:
        return self.connect_timeout, self.query_timeout, self.redis_keepalive, self.use_tls

    def check(self, url: CacheUrl) -> None:
        """Refuse a URL of something else, and files for encryption that cannot be read."""
        try:
            self.options(url)
        except ValueError as error:
            raise ConfigError(f"{url}: {error}", self.name, "cachedb_url") from None

    def options(self, url: CacheUrl) -> Options:
        """How the servers of *url* are reached; ValueError where it makes no sense."""
        servers = url.servers()
        path = servers.option("socket")
        if url.scheme != "redis":
            raise ValueError('a URL of Redis looks like "redis:group://host:port/"')
        if not servers.hosts and not path:
            raise ValueError("it names no host")
        if path and len(servers.hosts) > 1:
            raise ValueError("a Unix socket cannot stand beside several hosts")
        if servers.database and not servers.database.isdecimal():
            raise ValueError(f'a database of Redis is a number, not "{servers.database}"')
        if servers.option("tls_domain"):
            raise ValueError("tls_domain needs module tls_mgm, which is not available yet")
        tls = encryption(servers.option("ssl_ca"), servers.option("ssl_cert"), servers.option("ssl_key"))
        return Options(self.connect_timeout / 1000, self.query_timeout / 1000, self.redis_keepalive,
                       servers.user if servers.password else "", servers.password, int(servers.database or 0), path,
                       tls if self.use_tls and not path else None)

    def make(self, url: CacheUrl) -> Cache:
        hosts = [(host, port or PORT) for host, port in url.servers().hosts] or [("localhost", PORT)]
        return RedisCache(Deployment(url.name, hosts, self.options(url), self.figures))

    def verify(self) -> None:
        """Where that is asked for, no start without the servers."""
        if not self.shutdown_on_error or self.lazy_connect:
            return
        for url in self.urls.values():
            cache = self.make(CacheUrl.parse(url))
            assert isinstance(cache, RedisCache)
            try:
                cache.deployment.ask(None, [("PING",)], repeatable=True)
            except CacheError as error:
                raise ConfigError(str(error), self.name, "cachedb_url") from None
            finally:
                cache.close()

    def start(self) -> None:
        super().start()
        figures = self.figures
        figures.queries, figures.failed = self.redis_queries, self.redis_queries_failed
        figures.moved, figures.refreshes = self.redis_moved, self.redis_topology_refreshes
        if not self.lazy_connect:
            for each in self.opened.values():
                self.services.spawn(self.connect, each)

    def connect(self, cache: Measured) -> None:
        """Connect before anybody waits for it; where that fails, the log has it."""
        store: Any = cache.cache
        try:
            store.deployment.ask(None, [("PING",)], repeatable=True)
        except CacheError:
            pass  # said already, once for all who will ask

    def connections(self, group: str) -> Iterator[tuple[CacheUrl, Deployment]]:
        for each in self.opened.values():
            store: Any = each.cache
            if group in ("", each.url.group):
                yield each.url, store.deployment


def encryption(authority: str, certificate: str, key: str) -> tuple[tuple[str, Any], ...]:
    """The arguments of an encrypted connection; ValueError where a file is of no use."""
    try:
        context = ssl.create_default_context(cafile=authority or None)
        if certificate:
            context.load_cert_chain(certificate, key or None)
    except OSError as error:
        raise ValueError(f"{error.filename or authority or certificate}: {error}") from None
    return (("ssl_ca_certs", authority or None), ("ssl_certfile", certificate or None), ("ssl_keyfile", key or None),
            ("ssl_cert_reqs", "required" if authority else "none"), ("ssl_check_hostname", bool(authority)))
