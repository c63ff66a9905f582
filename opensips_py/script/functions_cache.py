"""Core functions on caches: key-value stores that modules bring."""
from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from opensips_py.module import loader
from opensips_py.module.cachedb import CacheDriver
from opensips_py.module.caches import Cache, Row, scheme
from opensips_py.module.kinds import Format, Kind, Known, ScriptLanguage, VariableSpec, Writable
from opensips_py.module.marks import script
from opensips_py.module.results import ReturnCode
from opensips_py.module.run import Route, Run
from opensips_py.script.diagnostics import did_you_mean
from opensips_py.script.functions_log import text_of

if TYPE_CHECKING:
    import logging

    from opensips_py.module.registry import Registry

T = TypeVar("T")
Storage = Annotated[str, Known("cache")]


@dataclass(frozen=True)
class AvpList(Kind):
    """The AVPs for the columns of an answer: $avp(a);$avp(b)."""

    name = "string"
    script = True

    def compile(self, value: str, language: ScriptLanguage) -> tuple[VariableSpec, ...]:
        found = tuple(language.variable(each) for each in value.split(";") if each.strip())
        for each in found:
            if each.type != "avp":
                raise ValueError(f"$avp(name) is needed, not {each.text}")
        return found


class Fetched(ReturnCode):
    """What became of a value that was asked for."""

    FOUND, FAILED, NOTHING, NO_NUMBER = 1, -1, -2, -3


class CacheFunctions:
    """Functions on caches."""

    log: logging.Logger
    registry: Registry
    unavailable: list[str]

    @script(Route.ANY, waits=True)
    def cache_store(self, run: Run, storage: Storage, attribute: str, value: str, timeout: int = 0) -> bool:
        """Keep *value* under *attribute*, for *timeout* seconds or, with 0, for ever."""
        return worked(self.at(run, storage, attribute, lambda cache: cache.store(attribute, value, max(timeout, 0))))

    @script(Route.ANY, waits=True)
    def cache_remove(self, run: Run, storage: Storage, attribute: str) -> bool:
        """Take *attribute* out of the cache; true also where it is not there."""
        return worked(self.at(run, storage, attribute, lambda cache: cache.remove(attribute)))

    @script(Route.ANY, waits=True)
    def cache_fetch(self, run: Run, storage: Storage, attribute: str, result: Writable) -> Fetched:
        """Assign the value of *attribute* to *result*, which stays as it is where there is none (-2)."""
        value = self.at(run, storage, attribute, lambda cache: cache.fetch(attribute))
        return assigned(result, FAILED if isinstance(value, Fetched) else value)

    @script(Route.ANY, waits=True)
    def cache_counter_fetch(self, run: Run, storage: Storage, attribute: str, result: Writable) -> Fetched:
        """Assign the number at *attribute* to *result*, which stays as it is where there is none (-2), or something
        else (-3)."""
        return assigned(result, self.at(run, storage, attribute, lambda cache: cache.counter(attribute)))

    @script(Route.ANY, waits=True)
    def cache_add(self, run: Run, storage: Storage, attribute: str, increment: int, expire: int,
                  new_value: Writable | None = None) -> bool:
        """Add *increment* to the number at *attribute*, which then lives for *expire* seconds more; 0 leaves that as it
        was, and a new one lives for ever. *new_value* is assigned what it is now."""
        now = self.at(run, storage, attribute, lambda cache: cache.add(attribute, increment, max(expire, 0)))
        if new_value is not None and worked(now):
            new_value.set(now)
        return worked(now)

    @script(Route.ANY, waits=True)
    def cache_sub(self, run: Run, storage: Storage, attribute: str, decrement: int, expire: int,
                  new_value: Writable | None = None) -> bool:
        """Take *decrement* off the number at *attribute*; otherwise as cache_add()."""
        return self.cache_add(run, storage, attribute, -decrement, expire, new_value)

    @script(Route.ANY, waits=True)
    def cache_raw_query(self, run: Run, storage: Storage, query: str,
                        result: Annotated[tuple[VariableSpec, ...], AvpList()] = ()) -> Fetched:
        """Have the store carry out *query*, in its own language; each column of the answer goes to the AVP in its
        place, with the first row at index 0. -2: the store says that there is nothing."""
        rows = self.done(run, storage, lambda cache: cache.query(query))
        if rows is None:
            return Fetched.NOTHING
        if isinstance(rows, Fetched):
            return FAILED
        take(run, rows, result)
        return Fetched.FOUND

    def at(self, run: Run, storage: str | Format, attribute: str, operation: Callable[[Cache], T]) -> T | Fetched:
        """What *operation* gives of the value under *attribute*; an empty one is no key, and FAILED."""
        if attribute:
            return self.done(run, storage, operation)
        self.log.error("cache %s: the attribute is empty", text_of(storage, run))
        return FAILED

    def done(self, run: Run, storage: str | Format, operation: Callable[[Cache], T]) -> T | Fetched:
        """What *operation* gives of a cache; FAILED or NO_NUMBER, and a line in the log, where it fails."""
        name = text_of(storage, run)
        cache = self.registry.caches.find(name)
        if cache is None:
            self.log.error("there is no cache called %s", name)
            return FAILED
        try:
            return operation(cache)
        except NotImplementedError as error:
            self.log.error("cache %s has no %s", name, error)
        except ValueError as error:
            self.log.error("cache %s: %s", name, error)
            return NO_NUMBER
        except OSError as error:
            self.log.error("cache %s: %s", name, error)
        return FAILED

    def no_cache(self, name: str) -> str:
        """Why no loaded module has caches of the kind that *name* asks for; empty where one has."""
        wanted = scheme(name)
        module = f"cachedb_{wanted}"
        found = self.registry.providing(f"class:cachedb:{wanted}")
        if found or module in self.unavailable:
            known = found[0].names if found and isinstance(found[0], CacheDriver) else {name.strip()}
            others = ", ".join(sorted(known)) or "those that cachedb_url names"
            return "" if name.strip() in known else f"module {module} has no cache {name}, only {others}"
        if module in loader.available(self.registry.mpath):
            url = f' and modparam("{module}", "cachedb_url", "{name.strip()}://localhost/")' * (wanted != "local")
            return f'no loaded module has the cache {name}: add loadmodule "{module}.so"{url}'
        if module in loader.upstream_modules():
            return f"the cache {name} is of module {module}, which is not available yet"
        kinds = [each.removeprefix("cachedb_") for each in loader.available(self.registry.mpath) if "cachedb_" in each]
        hint = did_you_mean(wanted, kinds)
        return f"no module has a cache called {name}" + (f", {hint}" if hint else "")


FAILED, NO_NUMBER = Fetched.FAILED, Fetched.NO_NUMBER


def worked(result: object) -> bool:
    """Whether an operation gave what it should, and no code of failure."""
    return not isinstance(result, Fetched)


def assigned(result: Writable, value: int | str | None) -> Fetched:
    """Assign what was fetched, if anything was."""
    if isinstance(value, Fetched):
        return value
    if value is None:
        return Fetched.NOTHING
    result.set(value)
    return Fetched.FOUND


def take(run: Run, rows: Iterable[Row], result: Iterable[VariableSpec]) -> None:
    """Put the columns of *rows* into AVPs; what is assigned last stands first."""
    for row in reversed(list(rows)):
        for variable, value in zip(result, row, strict=False):
            write: Any = variable.write
            if value is not None:
                write(run, value)
