"""How modules reach key-value stores: by a URL, whose store is the business of a cachedb_* module."""
from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, ParamSpec, TypeVar, cast

from opensips_py.errors import ConfigError
from opensips_py.module import trace
from opensips_py.module.base import Module
from opensips_py.module.caches import Cache, Row
from opensips_py.module.cacheurl import CacheUrl
from opensips_py.module.databases import UrlKind
from opensips_py.module.marks import process_state

P = ParamSpec("P")
T = TypeVar("T")
VALUES, COUNTERS, MAPS, KEYS, QUERIES = "single values", "counters", "maps", "lists of keys", "raw queries"


class CacheUrlKind(UrlKind):
    """The URL of a cache."""

    name = "cache URL"
    form = CacheUrl


CacheDbUrl = Annotated[str, CacheUrlKind()]


class Measured(Cache):
    """A cache as the modules of one generation use it: counted, timed, and noted in accounts of calls."""

    def __init__(self, cache: Cache, url: CacheUrl, driver: CacheDriver) -> None:
        self.cache, self.url, self.driver = cache, url, driver
        self._core: Any = driver.registry.modules.get("core_statistics")

    def _timed(self, what: str, key: str, operation: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        started = time.monotonic()
        try:
            return operation(*arguments, **named)
        finally:
            self._done(what, key, (time.monotonic() - started) * 1e6)

    def _done(self, what: str, key: str, took: float) -> None:
        trace.note("cachedb", f"{self.url.name}: {what} {key}", microseconds=round(took))
        slow = 0 < self.driver.exec_threshold < took
        if slow:
            self.driver.log.warning("cache %s: %s %s took %.0f ms", self.url.name, what, key, took / 1e3)
        if self._core is not None:
            self._core.cdb_total_queries.add()
            if slow:
                self._core.cdb_slow_queries.add()

    def fetch(self, key: str) -> str | None:
        return self._timed("fetch", key, self.cache.fetch, key)

    def store(self, key: str, value: str, expires: int) -> None:
        self._timed("store", key, self.cache.store, key, value, expires)

    def remove(self, key: str) -> None:
        self._timed("remove", key, self.cache.remove, key)

    def counter(self, key: str) -> int | None:
        return self._timed("counter", key, self.cache.counter, key)

    def add(self, key: str, amount: int, expires: int) -> int:
        return self._timed("add", key, self.cache.add, key, amount, expires)

    def query(self, text: str) -> list[Row] | None:
        return self._timed("query", text, self.cache.query, text)

    def map_fetch(self, key: str) -> dict[str, str]:
        return self._timed("map", key, self.cache.map_fetch, key)

    def map_change(self, key: str, stored: Mapping[str, str], removed: Iterable[str] = (), expires: int = 0) -> None:
        self._timed("change", key, self.cache.map_change, key, stored, removed, expires)

    def keys(self, glob: str) -> Iterator[str]:
        return self._timed("keys", glob, self.cache.keys, glob)

    def close(self) -> None:
        self.cache.close()


class CacheDriver(Module, name="cache driver"):
    """A module that is the driver of caches; it provides "cachedb" and "cachedb:" with the scheme of its URLs."""

    caches: dict[tuple[object, ...], Cache] = process_state(dict)  # by URL and settings: one for all who use it
    can: frozenset[str] = frozenset((VALUES, COUNTERS))  # what its caches know
    exec_threshold: int = 0  # microseconds beyond which an operation is slow; 0: none is

    def __init__(self, dialect: Any = "4.0") -> None:
        super().__init__(dialect)
        self.urls: dict[str, str] = {}  # what scripts call a cache -> its URL
        self.opened: dict[str, Measured] = {}

    def make(self, url: CacheUrl) -> Cache:
        """A cache for *url*; ConfigError where that cannot be one. Nothing is connected before somebody asks."""
        raise NotImplementedError

    def check(self, url: CacheUrl) -> None:
        """ConfigError where *url* cannot be one of a cache here."""

    def settings(self) -> tuple[object, ...]:
        """The parameters that a cache is made with: with other ones, it is another cache."""
        return ()

    @property
    def names(self) -> set[str]:
        """What scripts call the caches that they have been given by cachedb_url."""
        return set(self.urls)

    def add_url(self, url: str) -> None:
        """Let scripts use the cache of *url*; of two with the same name, the later one counts."""
        self.urls[CacheUrl.parse(url).name] = url

    def open(self, url: str) -> Cache:
        """The cache of *url*."""
        if url not in self.opened:
            parsed, key = CacheUrl.parse(url), (url, *self.settings())
            if key not in self.caches:
                self.caches[key] = self.make(parsed)
            self.opened[url] = Measured(self.caches[key], parsed, self)
        return self.opened[url]

    def load(self) -> None:
        for url in self.urls.values():
            self.check(CacheUrl.parse(url))

    def prepare(self) -> None:
        for name, url in self.urls.items():
            self.registry.caches.register(name, self.open(url))

    def start(self) -> None:
        """Let go of what only the generation before used."""
        used = {each.cache for each in self.opened.values()}
        for key, cache in list(self.caches.items()):
            if cache not in used:
                del self.caches[key]
                cache.close()


def cache_driver(module: Module, url: str, parameter: str = "cachedb_url", needs: Collection[str] = ()) -> CacheDriver:
    """The module that has the cache of *url*, from Module.load() on; ConfigError where *url* is none, where that module
    is not loaded, or knows nothing of what *needs* names (VALUES, COUNTERS, MAPS, KEYS, QUERIES)."""
    try:
        parsed = CacheUrl.parse(url)
    except ValueError as error:
        raise ConfigError(str(error), module.name, parameter) from None
    found = module.registry.providing(f"cachedb:{parsed.scheme}")
    if not found:
        raise ConfigError(f'{parsed} needs its store: add loadmodule "cachedb_{parsed.scheme}.so"', module.name,
                          parameter)
    driver = cast(CacheDriver, found[0])
    lacking = [each for each in needs if each not in driver.can]
    if lacking:
        raise ConfigError(f"{driver.name} has no {', no '.join(lacking)}, which module {module.name} needs",
                          module.name, parameter)
    try:
        driver.check(parsed)
    except ConfigError as error:
        raise ConfigError(error.message, module.name, parameter) from None
    return driver


def cachedb(module: Module, url: str, parameter: str = "cachedb_url") -> Cache:
    """The cache of *url*, from Module.prepare() on."""
    return cache_driver(module, url, parameter).open(url)


__all__ = ["COUNTERS", "KEYS", "MAPS", "QUERIES", "VALUES", "CacheDbUrl", "CacheDriver", "CacheUrl", "CacheUrlKind",
           "Measured", "cache_driver", "cachedb"]
