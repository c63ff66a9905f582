"""Profiles that several servers count together, in a key-value store."""
from __future__ import annotations

from base64 import b64encode
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.module import Between, cache_driver, cachedb, param
from opensips_py.module.cachedb import COUNTERS, CacheDbUrl
from opensips_py.module.caches import Cache, CacheError
from opensips_py.modules.dialog.profiles import Membership, Profile

if TYPE_CHECKING:
    import logging

    from opensips_py.module.services import Services

SHARED = "s"


class Sharing:
    """Counts the members of shared profiles where other servers count theirs."""

    services: Services
    log: logging.Logger
    profiles: dict[str, Profile]
    dialogs: Any
    cache: Cache | None
    cachedb_url: CacheDbUrl = param("", "The key-value store in which profiles whose names end with /s are counted, "
                                    "together with other servers; empty: every profile is counted here alone.")
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
        for (name, value), amount in changes:
            profile = self.profiles.get(name)
            if profile is not None and self.is_shared(profile):
                if not self.unshared:
                    self.services.spawn(self.tell_store)
                self.unshared.extend((key, amount) for key in self.keys_of(name, value))

    def keys_of(self, name: str, value: str | None) -> list[str]:
        """The counters that a member belongs to."""
        if value is None:
            return [self.profile_no_value_prefix + name]
        return [self.value_key(name, value), self.profile_size_prefix + name]

    def value_key(self, name: str, value: str) -> str:
        """The counter of one value."""
        text = b64encode(value.encode("utf-8", "surrogateescape")).decode()
        return f"{self.profile_value_prefix}{name}_{text}"

    @property
    def unshared(self) -> deque[tuple[str, int]]:
        """What the store has not been told, of this process."""
        found: deque[tuple[str, int]] = self.dialogs.unshared
        return found

    def tell_store(self) -> None:
        """Tell the store what it does not know; what it does not take is lost to the others."""
        cache = self.cache
        with self.dialogs.sharing:  # whoever asks for a size has to wait for what is on its way
            while self.unshared and cache is not None:
                key, amount = self.unshared.popleft()
                try:
                    cache.add(key, amount, self.profile_timeout)
                except (CacheError, ValueError) as error:
                    self.log.error("the store does not count %s: %s", key, error)

    def shared_size(self, profile: Profile, value: str | None) -> int:
        """How many members all servers have in a shared profile."""
        self.tell_store()
        if value is not None:
            key = self.value_key(profile.name, value)
        else:
            key = (self.profile_size_prefix if profile.has_value else self.profile_no_value_prefix) + profile.name
        assert self.cache is not None
        return max(0, self.cache.counter(key) or 0)
