"""A key-value store of this machine, which all workers share and which outlives them."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from opensips_py.module import (
    Between,
    Cache,
    CacheDbUrl,
    CacheDriver,
    CacheUrl,
    ConfigError,
    MIError,
    Module,
    Route,
    mi,
    param,
    param_setter,
    script,
    timer,
)
from opensips_py.module.cachedb import COUNTERS, KEYS, MAPS, VALUES
from opensips_py.modules.cachedb_local.collection import Collection, begin, clean

DEFAULT = "default"
SIZES = range(1, 29)  # powers of two


class CacheDbLocal(CacheDriver, Module, name="cachedb_local", provides=("cachedb", "cachedb:local")):
    """Keep values under keys on this machine, for a time or for ever. All workers see the same values; those in the
    state directory outlive workers and the server itself, however it ends. Scripts call the store `local`, or
    `local:group` where a URL names a group.

    There may be several collections, which do not know each other's keys. `local://` is the URL of the one called
    default, `local:///name` that of another, which cache_collections names."""

    can = frozenset((VALUES, COUNTERS, MAPS, KEYS))

    exec_threshold: Annotated[int, Between(0, 1 << 31)] = param(
        0, "Microseconds beyond which an operation is logged as slow; 0: none is.")
    cache_clean_period: Annotated[int, Between(1, 1 << 31)] = param(
        600, "Seconds between two searches for values whose time is over; nobody sees those in the meantime either.")
    cache_table_size: Annotated[int, Between(SIZES.start, SIZES.stop - 1)] = param(
        9, "2.1: accepted without effect: the store here has no size to choose.")
    enable_restart_persistency: bool = param(
        True, "Whether values outlive a restart of the server; with 0 it starts with empty collections.")

    def __init__(self, dialect: Any = "4.0") -> None:
        super().__init__(dialect)
        self.collections = [DEFAULT]

    @param_setter("cachedb_url")
    def add_cachedb_url(self, url: CacheDbUrl) -> None:
        """The URL of a collection, `local:group:///collection`; may be given many times. Without any, scripts find the
        collection default as `local`."""
        self.add_url(url)

    @param_setter("cache_collections")
    def add_collections(self, text: str) -> None:
        """The collections, with semicolons between them. Each may have a size, `name = 9`, which has no effect: the
        store here has no size to choose."""
        for each in text.split(";"):
            name, equals, size = (part.strip() for part in each.partition("="))
            if not name and (equals or len(text.split(";")) == 1):
                raise ValueError(f'"{each.strip()}" has no name of a collection')
            if equals and not size.isdigit():
                raise ValueError(f'the size of a collection is a number, not "{size}"')
            if name and name not in self.collections:
                self.collections.append(name)

    @property
    def names(self) -> set[str]:
        return super().names or {"local"}

    def check(self, url: CacheUrl) -> None:
        """Refuse a URL of something else, or of a collection that nobody has named."""
        name = collection_of(url)
        if url.scheme != "local" or name is None:
            raise ConfigError(f'{url} is no URL of a collection: those look like "local:group:///collection"',
                              self.name, "cachedb_url")
        if name not in self.collections:
            raise ConfigError(f"there is no collection {name}: cache_collections has to name it", self.name,
                              "cachedb_url")

    def make(self, url: CacheUrl) -> Cache:
        return Collection(self.services.environment, collection_of(url) or DEFAULT)

    def load(self) -> None:
        if not self.urls:
            self.add_url("local://")
        super().load()

    def prepare(self) -> None:
        """The first process of a server that has just been started empties what is not to be there."""
        begin(self.services.environment, str(self.services.started), empties=not self.enable_restart_persistency)
        super().prepare()

    def start(self) -> None:
        super().start()
        used = {DEFAULT, *(collection_of(each.url) for each in self.opened.values())}
        for name in self.collections:
            if name not in used:
                self.log.warning("no URL uses the collection %s", name)

    @script(Route.ANY)
    def cache_remove_chunk(self, collection: str | None, glob: str | None = None) -> bool:
        """Remove all keys of *collection* that *glob* fits: * is anything, ? a character, [a-z] one of some. With one
        argument, that is the glob, and the collection is default; false where there is no such collection."""
        name, pattern = (DEFAULT, collection) if glob is None else (collection or DEFAULT, glob)
        if pattern is None or name not in self.collections:
            self.log.error("cache_remove_chunk: there is no collection %s", name)
            return False
        self.collection(name).remove_chunk(pattern)
        return True

    @mi("cache_remove_chunk", v40="cachedb_local:remove_chunk")
    def remove_chunk(self, glob: str, collection: str = DEFAULT) -> None:
        """Remove all keys of *collection* that *glob* fits."""
        self.known(collection).remove_chunk(glob)

    @mi(None, "cache_fetch_chunk", v40="cachedb_local:fetch_chunk", dialect="4.0")
    def fetch_chunk(self, glob: str, collection: str = DEFAULT) -> dict[str, Any]:
        """All keys of *collection* that *glob* fits, with their values."""
        return {"keys": list(listed(self.known(collection), glob))}

    @timer("cache_clean_period", scope="first")
    def clean(self) -> None:
        """Remove the values whose time is over."""
        clean(self.services.environment)

    def known(self, name: str) -> Collection:
        """A collection that management names."""
        if name not in self.collections:
            raise MIError(404, f"there is no collection {name}")
        return self.collection(name)

    def collection(self, name: str) -> Collection:
        """A collection by its name."""
        return Collection(self.services.environment, name)


def collection_of(url: CacheUrl) -> str | None:
    """The collection that *url* means; None where it means none."""
    if url.rest in ("//", "///"):
        return DEFAULT
    return url.rest.removeprefix("///") if url.rest.startswith("///") else None


def listed(collection: Collection, glob: str) -> Iterator[dict[str, str]]:
    """The keys that *glob* fits, with their values; a map as its fields."""
    for key in collection.keys(glob):
        value = collection.shown(key)
        if value is not None:
            yield {"name": key, "value": value}
