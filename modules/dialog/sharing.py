"""Profiles that several servers count together, in a key-value store."""
from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from gevent.lock import BoundedSemaphore

from opensips_py.module import Between, cache_driver, cachedb, param
from opensips_py.module.cachedb import COUNTERS, CacheDbUrl
from opensips_py.module.caches import Cache, CacheError
from opensips_py.modules.dialog.profiles import Membership, Profile

if TYPE_CHECKING:
    import logging

    from opensips_py.module.services import Services

SHARED = "s"
AGAIN = 5.0  # seconds until a store that has failed is told again


class Shares:
    """How much of each counter in the store is ours: as it should be, and as the store was *told*, by this process or
    the one before, which may have had calls that were not answered yet, or have had more to tell."""

    def __init__(self, told: dict[str, int]) -> None:
        self.told = told
        self.wanted: Counter[str] = Counter()
        self.untold: dict[str, None] = dict.fromkeys(told)
        self.telling = False  # somebody is about to tell the store
        self.lock = BoundedSemaphore(1)

    def note(self, key: str, amount: int) -> None:
        """The store knows an amount."""
        if amount:
            self.told[key] = amount
        else:
            self.told.pop(key, None)
            if not self.wanted[key]:
                del self.wanted[key]


class Sharing:
    """Counts the members of shared profiles where other servers count theirs."""

    services: Services
    log: logging.Logger
    profiles: dict[str, Profile]
    dialogs: Any
    cache: Cache | None
    cachedb_url: CacheDbUrl = param("", "The key-value store in which profiles whose names end with /s are counted, "
                                    "together with other servers; empty: every profile is counted here alone. A server "
                                    "that was killed puts its part right when it is back; the part of one that is "
                                    "never back, or whose machine went down, stays counted for profile_timeout.")
    profile_value_prefix: str = param("dlg_val_", "What the keys of values of a shared profile begin with.")
    profile_no_value_prefix: str = param("dlg_noval_", "What the keys of shared profiles without values begin with.")
    profile_size_prefix: str = param("dlg_size_", "What the keys of sizes of shared profiles with values begin with.")
    profile_timeout: Annotated[int, Between(0, 1 << 31)] = param(
        86400, "Seconds for which the store keeps a shared profile that nobody enters or leaves.")

    def check_sharing(self) -> None:
        """Check the parameters."""
        self.cache = None
        if self.cachedb_url:
            cache_driver(self, self.cachedb_url, needs=(COUNTERS,))  # type: ignore[arg-type]

    def open_cache(self) -> None:
        """Get the store ready."""
        if self.cachedb_url:
            self.cache = cachedb(self, self.cachedb_url)  # type: ignore[arg-type]

    def is_shared(self, profile: Profile) -> bool:
        """Whether a profile is counted in the store."""
        return profile.shared == SHARED and self.cache is not None

    def share(self, changes: Iterable[tuple[Membership, int]]) -> None:
        """Members have entered shared profiles or left them; the store is told soon."""
        shares = self.dialogs.shares
        for (name, value), amount in changes:
            profile = self.profiles.get(name)
            if profile is not None and self.is_shared(profile):
                for key in self.keys_of(name, value):
                    shares.wanted[key] += amount
                    shares.untold[key] = None
        self.tell_soon()

    def tell_soon(self) -> None:
        """Have the store told what it does not know, unless somebody is about to."""
        shares = self.dialogs.shares
        if shares.untold and not shares.telling:
            shares.telling = True
            self.services.spawn(self.tell_store)

    def keys_of(self, name: str, value: str | None) -> list[str]:
        """The counters that a member belongs to."""
        if value is None:
            return [self.profile_no_value_prefix + name]
        return [self.value_key(name, value), self.profile_size_prefix + name]

    def value_key(self, name: str, value: str) -> str:
        """The counter of one value."""
        text = b64encode(value.encode("utf-8", "surrogateescape")).decode()
        return f"{self.profile_value_prefix}{name}_{text}"

    def tell_store(self, _: object = None) -> None:
        """Tell the store what it does not know; where it fails, it is told later."""
        shares, cache = self.dialogs.shares, self.cache
        with shares.lock:  # whoever asks for a size has to wait for what is on its way
            shares.telling = False
            try:
                while shares.untold and cache is not None:
                    self.tell(shares, cache, shares.untold.popitem()[0])
            except CacheError as error:
                self.log.error("the store does not count shared profiles: %s; it is told later", error)
                shares.telling = True
                self.services.timers.start(AGAIN, self.dialogs.module.tell_store)

    def tell(self, shares: Shares, cache: Cache, key: str) -> None:
        """Bring one counter to what the dialogs here want of it. What a store may have counted it is not told again."""
        wanted = shares.wanted[key]
        amount = wanted - shares.told.get(key, 0)
        if not amount:
            return
        try:
            cache.add(key, amount, self.profile_timeout)
        except CacheError as error:
            if error.outcome:
                shares.untold[key] = None
                raise
        except ValueError as error:
            self.log.error("the store does not count %s: %s", key, error)
        shares.note(key, wanted)
        self.dialogs.store.note_share(key, wanted)

    def shared_size(self, profile: Profile, value: str | None) -> int:
        """How many members all servers have in a shared profile."""
        self.tell_store()
        if value is not None:
            key = self.value_key(profile.name, value)
        else:
            key = (self.profile_size_prefix if profile.has_value else self.profile_no_value_prefix) + profile.name
        assert self.cache is not None
        return max(0, self.cache.counter(key) or 0)
