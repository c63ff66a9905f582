"""The management commands for caches; they run in a worker, as scripts do."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from opensips_py.errors import MIError
from opensips_py.mi.tree import Node, rendered
from opensips_py.module import Module, mi
from opensips_py.module.caches import Cache

T = TypeVar("T")
BAD, FAILED = 400, 500
NOT_FOUND = "Value not found"


def fetched_nodes(data: Any) -> list[Node]:
    """2.1's line of cache_fetch."""
    return [Node("", NOT_FOUND if data is None else f"{data['key']} = [{data['value']}]")]


class CacheCommands(Module, name="mi_caches"):
    """Values in the caches that scripts know."""

    @mi("cache_store", v40="cache:store")
    def cache_store(self, system: str, attr: str, value: str, expire: int = 0) -> None:
        """Keep *value* under *attr* in the cache *system*, for *expire* seconds or, with 0, for ever."""
        self.done(system, "store", lambda cache: cache.store(attr, value, max(expire, 0)))

    @mi("cache_fetch", v40="cache:fetch")
    @rendered(fetched_nodes)
    def cache_fetch(self, system: str, attr: str) -> dict[str, str] | None:
        """The value under *attr* in the cache *system*."""
        value = self.done(system, "fetch", lambda cache: cache.fetch(attr))
        if value is None and self.dialect == "4.0":
            raise MIError(BAD, NOT_FOUND)
        return None if value is None else {"key": attr, "value": value}

    @mi("cache_remove", v40="cache:remove")
    def cache_remove(self, system: str, attr: str) -> None:
        """Take *attr* out of the cache *system*."""
        self.done(system, "remove", lambda cache: cache.remove(attr))

    def done(self, system: str, what: str, operation: Callable[[Cache], T]) -> T:
        """What *operation* gives of the cache *system*; MIError where it fails."""
        cache = self.registry.caches.find(system)
        try:
            if cache is None:
                raise LookupError(f"there is no cache called {system}")
            return operation(cache)
        except (LookupError, NotImplementedError, OSError, ValueError) as error:
            self.log.error("cache %s: %s", system, error)
            raise MIError(FAILED, f"Cache {what} command failed") from None
