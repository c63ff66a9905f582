"""The functions that take and give back locks."""
from __future__ import annotations

import logging
import zlib
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.module import ConfigError, Route, Run, param, process_state, script
from opensips_py.module.kinds import Between, Kind
from opensips_py.modules.cfgutils.locks import PATIENCE, Locks

if TYPE_CHECKING:
    from opensips_py.module.services import Services


class FixedText(Kind):
    """A text that the script itself spells out."""

    name = "string"
    script = True

    def compile(self, value: str, language: Any) -> str:
        """Refuse a variable: each lock has its own name, known from the start."""
        if "$" in value:
            raise ValueError(f"a text without variables is needed, not {value}: a dynamic lock takes any text")
        return value


Fixed = Annotated[str, FixedText()]


class LockFunctions:
    """Static locks, one for each name that the script spells out, and dynamic ones, a pool that all texts share."""

    services: Services
    log: logging.Logger

    lock_pool_size: Annotated[int, Between(1, 1 << 24)] = param(32, "Number of dynamic locks; a power of two.")
    locks: Locks = process_state()

    def check_locks(self) -> None:
        """Refuse a pool whose size is no power of two."""
        if self.lock_pool_size & (self.lock_pool_size - 1):
            raise ConfigError(f"{self.lock_pool_size} is no power of two", parameter="lock_pool_size")

    @script(Route.ANY, waits=True)
    def get_static_lock(self, run: Run, key: Fixed) -> bool:
        """Take the lock called *key*, waiting for whoever has it; the end of the run gives it back at the latest."""
        return self.acquire(run, f"static {key}")

    @script(Route.ANY)
    def release_static_lock(self, run: Run, key: Fixed) -> bool:
        """Give the lock called *key* back; nothing happens where this run does not hold it."""
        return self.release(run, f"static {key}")

    @script(Route.ANY, waits=True)
    def get_dynamic_lock(self, run: Run, key: str) -> bool:
        """Take the lock of the pool that *key* falls on, waiting for whoever has it; the end of the run gives it back
        at the latest."""
        return self.acquire(run, self.of_pool(key))

    @script(Route.ANY)
    def release_dynamic_lock(self, run: Run, key: str) -> bool:
        """Give the lock of the pool back that *key* falls on; nothing happens where this run does not hold it."""
        return self.release(run, self.of_pool(key))

    @script(Route.ANY)
    def strings_share_lock(self, key1: str, key2: str | None = None) -> bool:
        """Whether both keys fall on the same dynamic lock, so that a run must not take the second one as well."""
        if key2 is None:
            self.log.error("strings_share_lock() compares two keys, and one is missing")
            return False
        return self.of_pool(key1) == self.of_pool(key2)

    def of_pool(self, key: str) -> str:
        """The dynamic lock that *key* falls on."""
        number = zlib.crc32(key.encode("utf-8", "surrogateescape")) % self.lock_pool_size
        return f"dynamic {number}"

    def acquire(self, run: Run, lock: str) -> bool:
        """Wait for *lock*; false where the run has it already, which elsewhere is a wait without end."""
        if run.extra is None:
            run.extra = {}
        held: dict[str, int] | None = run.extra.get(Locks)
        if held is None:
            held = run.extra[Locks] = {}
            run.at_end(lambda: self.release_all(run))
        if lock in held:
            self.log.error("this run holds the %s lock already", lock)
            return False
        number = self.locks.take(lock)
        if not number:
            self.log.error("the %s lock was not given up in %d seconds", lock, PATIENCE)
            return False
        held[lock] = number
        return True

    def release(self, run: Run, lock: str) -> bool:
        """Give *lock* back if the run holds it."""
        number = (run.extra or {}).get(Locks, {}).pop(lock, 0)
        if number:
            self.locks.give(lock, number)
        return True

    def release_all(self, run: Run) -> None:
        """Give back what the run still holds."""
        for lock in list((run.extra or {}).get(Locks, {})):
            self.release(run, lock)
