"""How modules reach caches."""
import pytest

from opensips_py.errors import ConfigError
from opensips_py.module import Cache, CacheDbUrl, CacheDriver, Module, Route, cache_driver, cachedb, param, script
from opensips_py.module.cachedb import MAPS, VALUES
from opensips_py.script.core import registry_with_core
from tests.script.caches.cachedb_test import Store

CALLS = (("fetch", ("k",)), ("store", ("k", "v", 1)), ("remove", ("k",)), ("counter", ("k",)), ("add", ("k", 1, 0)),
         ("query", ("text",)), ("map_fetch", ("k",)), ("map_change", ("k", {"a": "b"}, ["c"], 5)), ("keys", ("*",)))


class Noting(Cache):
    """Notes what it is asked."""

    def __init__(self):
        self.asked, self.is_closed = [], False

    def close(self):
        self.is_closed = True


for name, _ in CALLS:
    setattr(Noting, name, lambda self, *given, name=name: self.asked.append((name, given)) or name)


class Driver(CacheDriver, name="cachedb_noting", provides=("cachedb", "cachedb:noting")):
    """Caches that note."""

    size: int = param(1, "A setting.")

    def settings(self):
        return (self.size,)

    def check(self, url):
        if url.rest == "//wrong":
            raise ConfigError("a wrong URL")

    def make(self, url):
        return Noting()


class User(Module, name="user"):
    """Uses a cache."""

    cachedb_url: CacheDbUrl = param("", "The cache.")
    needs = (VALUES,)

    def load(self):
        cache_driver(self, self.cachedb_url, needs=self.needs)

    def prepare(self):
        self.cache = cachedb(self, self.cachedb_url)

    @script(Route.ANY, waits=True)
    def use(self) -> bool:
        """Use it."""
        return self.cache.fetch("k") is not None


def registry(url="noting://", previous=None, size=1, driver=True):
    made = registry_with_core()
    if driver:
        made.add_class(Driver)
        made.set_parameter("cachedb_noting", "size", size)
    made.add_class(User)
    made.set_parameter("user", "cachedb_url", url)
    return made


def started(services, previous=None, **more):
    made = registry(**more)
    assert not made.finish()
    made.start(services, previous)
    return made


@pytest.fixture
def services():
    from tests.modules.bench import Bench
    return Bench("")


@pytest.mark.parametrize(("name", "given"), CALLS)
def test_every_operation_reaches_the_store(services, name, given):
    found = started(services).modules["user"].cache
    assert getattr(found, name)(*given) in (name, None)
    assert found.cache.asked == [(name, given)]


def test_all_who_name_a_url_share_its_store_and_the_next_generation_has_it(services):
    one = started(services)
    two = started(services, previous=one)
    assert two.modules["user"].cache.cache is one.modules["user"].cache.cache
    assert cachedb(two.modules["user"], "noting:other://").cache is not one.modules["user"].cache.cache


def test_with_other_settings_it_is_another_store_and_the_first_is_closed(services):
    one = started(services)
    two = started(services, previous=one, size=2)
    first, second = (each.modules["user"].cache.cache for each in (one, two))
    assert (first is second, first.is_closed, second.is_closed) == (False, True, False)


@pytest.mark.parametrize(("named", "error"), [
    ({"url": "none"}, "parameter cachedb_url of user: the URL of a cache looks like"),
    ({"url": "noting:g://u:secret@h/", "driver": False},
     'noting:g://u@h/ needs its store: add loadmodule "cachedb_noting.so"'),
    ({"url": "noting://wrong"}, "a wrong URL")])
def test_what_cannot_work_is_refused_at_load(named, error):
    try:
        errors = registry(**named).finish()
    except ConfigError as raised:
        errors = [raised]
    assert len(errors) == 1 and error in errors[0].message and errors[0].module == "user"


def test_a_store_without_what_the_module_needs_is_refused(monkeypatch):
    monkeypatch.setattr(User, "needs", (VALUES, MAPS))
    error, = registry().finish()
    assert error.message == "cachedb_noting has no maps, which module user needs"


@pytest.mark.parametrize(("name", "given"), CALLS)
def test_what_a_store_does_not_know_it_says(name, given):
    with pytest.raises(NotImplementedError):
        getattr(Cache(), name)(*given)


def test_scripts_find_what_the_driver_has_been_told(services):
    made = registry()
    made.modules["cachedb_noting"].add_url("noting:g://one")
    made.modules["cachedb_noting"].add_url("noting:g://two")
    assert not made.finish()
    made.start(services)
    assert made.caches.find("noting:g") is cachedb(made.modules["user"], "noting:g://two")
    assert made.caches.find("noting") is None
    assert isinstance(Store(), Cache)
