"""Servers that count together."""
import time

import pytest

from opensips_py.errors import ConfigError
from opensips_py.module import Cache, CacheError
from opensips_py.modules.ratelimit.shared import KNOWN, Shared
from tests.modules.bench import Bench, options
from tests.servers import redis

CHECK = 'rl_check("p", 2%s); $var(rc) = $rc;'


@pytest.fixture(scope="module")
def store():
    with redis() as made:
        yield made


@pytest.fixture
def wall(monkeypatch):
    now = [time.time()]
    monkeypatch.setattr("opensips_py.modules.ratelimit.shared.time.time", lambda: now[0])
    return now


@pytest.fixture
def servers(store, wall):
    """Makes two servers that share a store, with these settings of ratelimit and this request route."""
    store.ask("FLUSHALL")

    def make(body, settings="", url=""):
        lines = f'modparam("ratelimit", "cachedb_url", "{url or f"redis:rl://127.0.0.1:{store.port}/"}")\n{settings}'
        return [Bench("cachedb_redis ratelimit", body, lines) for _ in range(2)]
    return make


def variables(server):
    return server.run_on(server.message(options())).variables


def passed(servers, count):
    """How many of *count* requests pass, which come to the servers in turn."""
    return sum(variables(servers[number % len(servers)])["rc"] == 1 for number in range(count))


def test_a_limit_is_one_of_all_servers(servers, wall):
    both = servers(CHECK % "")
    assert passed(both, 30) == 20
    wall[0] += 10
    assert passed(both, 30) == 20


def test_red_knows_what_all_have_counted_before(servers, wall):
    both = servers(CHECK % ', "RED"')
    assert passed(both, 60) == 60
    wall[0] += 10
    assert passed(both, 60) == 20
    wall[0] += 30
    assert passed(both, 10) == 10


def test_other_algorithms_count_alone(servers):
    both = servers(CHECK % ', "SBT"')
    assert passed(both, 8) == 4


def test_counters_are_taken_back_and_reset_for_all(servers):
    one, two = servers("""
        rl_check("p", 2); rl_dec_count("p"); $var(n) = $rl_count(p); if ($rl_count(q) == NULL) $var(none) = 1;
    """)
    assert variables(one) == variables(two) == {"n": 0, "none": 1}
    one, two = servers('rl_check("p", 2); $var(n) = $rl_count(p);')
    assert [variables(each)["n"] for each in (one, two, one)] == [1, 2, 3]
    assert two.mi("ratelimit:list")["Pipes"] == [{"id": "p", "algorithm": "TAILDROP", "limit": 2, "counter": 0}]
    assert one.mi("ratelimit:dump_pipe", "p")["Counter"] == 3
    two.mi("ratelimit:reset_pipe", "p")
    assert [variables(each)["n"] for each in (one, two)] == [1, 2]
    resetting, = servers('rl_check("p", 2); rl_reset_count("p"); $var(n) = $rl_count(p);')[:1]
    assert variables(resetting) == {"n": 0}


def test_the_prefix_keeps_pipes_of_others_apart(servers, store):
    both = servers(CHECK % "", 'modparam("ratelimit", "db_prefix", "mine:")\n')
    passed(both, 1)
    assert "mine:p:" in store.ask("KEYS", "*")
    passed(servers(CHECK % ""), 1)
    assert "rl_pipe_p:" in store.ask("KEYS", "*")


def test_without_the_store_each_counts_alone(servers, caplog):
    from tests.live import free_ports
    port, = free_ports()
    both = servers(CHECK % "", url=f"redis://127.0.0.1:{port}/")
    assert passed(both, 50) == 40
    assert "pipes are counted here alone" in caplog.text


def test_a_url_without_its_module_is_refused():
    from opensips_py.script.core import registry_with_core
    registry = registry_with_core()
    registry.add("ratelimit")
    registry.set_parameter("ratelimit", "cachedb_url", "redis://h/")
    errors = registry.finish()
    assert errors and all(isinstance(each, ConfigError) for each in errors)
    assert "cachedb" in str(errors[0])


class Counters(Cache):
    """Counts in a dictionary, and how often it is asked."""

    def __init__(self):
        self.values, self.asked, self.lives = {}, 0, []

    def add(self, key, amount, expires):
        self.lives.append(expires)
        self.values[key] = self.values.get(key, 0) + amount
        return self.values[key]

    def counter(self, key):
        self.asked += 1
        return self.values.get(key)


def test_the_last_interval_is_asked_for_once(wall):
    wall[0] = 1000.0
    cache = Counters()
    shared = Shared(cache, "x", 10)
    for _ in range(3):
        shared.count("p")
    wall[0] += 10
    assert [shared.before("p") for _ in range(5)] == [3] * 5 and cache.asked == 1
    assert cache.lives == [20] * 3
    for number in range(KNOWN):
        shared.before(f"p{number}")
    assert len(shared._before) <= KNOWN


def test_counters_that_others_took_below_zero_are_zero(wall):
    shared = Shared(Counters(), "x", 10)
    shared.count("p", -5)
    assert shared.counter("p") == 0
    assert isinstance(CacheError("x"), OSError)
