"""A cache for tests: what it holds is in its process alone."""
from opensips_py.module import Module
from opensips_py.module.caches import Cache


class Store(Cache):
    """Values in a dictionary; `limits` keeps the seconds that each was stored for."""

    def __init__(self):
        self.values, self.limits = {}, {}

    def fetch(self, key):
        return self.values.get(key)

    def store(self, key, value, expires):
        self.values[key], self.limits[key] = value, expires

    def remove(self, key):
        self.values.pop(key, None)

    def counter(self, key):
        found = self.values.get(key)
        return None if found is None else int(found)

    def add(self, key, amount, expires):
        self.store(key, str((self.counter(key) or 0) + amount), expires)
        return int(self.values[key])

    def query(self, text):
        if text == "break":
            raise OSError("the store is gone")
        return [] if text == "drop" else [("a", 1), ("b", None), (text, 3)]


class CachedbTest(Module, name="cachedb_test", provides=("cachedb", "cachedb:test")):
    """Caches called test, and test:bare, which can do nothing."""

    def start(self):
        self.store = Store()
        self.registry.caches.register("test", self.store)
        self.registry.caches.register("test:bare", Cache())
