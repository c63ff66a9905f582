"""Real servers that come, go, are slow, and move what they have."""
import os
import signal
from contextlib import closing

import pytest

from opensips_py.module import CacheError
from opensips_py.modules.cachedb_redis.cache import RedisCache
from opensips_py.modules.cachedb_redis.deployment import Deployment, Figures
from opensips_py.modules.cachedb_redis.node import Node, Options
from opensips_py.modules.cachedb_redis.topology import slot_of
from tests.live import HOST, free_ports
from tests.servers import redis, redis_cluster

KEYS = [f"key{number}" for number in range(60)]
PATIENT = Options(connect_timeout=20, query_timeout=20)  # a busy machine is no reason to fail


class Clock:
    """Time that passes when it is told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(clock):
    opened = []

    def make(*ports, options=PATIENT, hosts=None):
        addresses = hosts or [(HOST, port) for port in ports]
        made = RedisCache(Deployment("redis", addresses, options, Figures(), clock))
        opened.append(made)
        return made
    yield make
    for each in opened:
        each.close()


@pytest.fixture(scope="module")
def cluster():
    with redis_cluster() as servers:
        yield servers


@pytest.fixture
def server():
    with redis() as made:
        yield made


def test_a_cluster_is_found_by_asking_one(cache, cluster):
    store = cache(cluster[1].port)
    for key in KEYS:
        store.store(key, key.upper(), 0)
    assert [store.fetch(key) for key in KEYS] == [key.upper() for key in KEYS]
    deployment = store.deployment
    assert (deployment.mode, deployment.command, len(deployment.masters())) == ("cluster", "SHARDS", 3)
    assert all(each.queries > 5 for each in deployment.masters())
    assert deployment.figures.moved.value == 0
    assert sorted(store.keys("key*")) == sorted(KEYS)
    for key in KEYS:
        store.remove(key)
    assert list(store.keys("*")) == []


def test_counters_and_maps_in_a_cluster(cache, cluster):
    store = cache(cluster[0].port)
    for key in KEYS[:10]:
        assert [store.add(key, 2, 60), store.add(key, -5, 0)] == [2, -3]
        store.map_change(f"m{key}", {"a": "1", "b": "2"}, expires=60)
        store.map_change(f"m{key}", {"c": "3"}, ["a"])
        assert store.map_fetch(f"m{key}") == {"b": "2", "c": "3"}
        store.remove(key)
        store.map_change(f"m{key}", {}, ["b", "c"])
    assert list(store.keys("*")) == []


def test_servers_that_know_no_shards_tell_their_slots(cache, cluster):
    for each in cluster:
        each.ask("ACL", "SETUSER", "old", "on", ">pw", "~*", "+@all", "-cluster|shards")
    store = cache(cluster[2].port, options=Options(20, 20, user="old", password="pw"))
    for key in KEYS[:10]:
        store.store(key, "x", 0)
        store.remove(key)
    assert (store.deployment.mode, store.deployment.command) == ("cluster", "SLOTS")
    assert None not in store.deployment.slots and store.deployment.figures.moved.value == 0


def test_a_node_that_says_moved_is_followed(cache, cluster):
    store = cache(cluster[0].port)
    store.store("moving", "here", 0)
    slot, deployment = slot_of("moving"), store.deployment
    owner = deployment.slots[slot]
    wrong = next(each for each in deployment.masters() if each is not owner)
    deployment.slots[slot] = wrong
    assert store.fetch("moving") == "here"
    assert (deployment.figures.moved.value, wrong.moved, deployment.slots[slot]) == (1, 1, owner)


def test_a_slot_that_is_on_its_way_is_asked_for_where_it_goes(cache, cluster):
    store = cache(cluster[0].port)
    store.store("{way}old", "here", 0)
    slot, deployment = slot_of("way"), store.deployment
    source = deployment.slots[slot]
    target = next(each for each in deployment.masters() if each is not source)
    names = {each: each.ask("CLUSTER", "MYID") for each in (source, target)}
    target.ask("CLUSTER", "SETSLOT", slot, "IMPORTING", names[source])
    source.ask("CLUSTER", "SETSLOT", slot, "MIGRATING", names[target])
    assert store.fetch("{way}old") == "here"
    store.store("{way}new", "there", 0)  # the source has no such key any more, or not yet
    store.map_change("{way}map", {"a": "1"}, expires=60)
    assert (store.add("{way}n", 3, 60), store.fetch("{way}new")) == (3, "there")
    assert store.map_fetch("{way}map") == {"a": "1"}
    assert deployment.slots[slot] is source
    source.ask("MIGRATE", HOST, target.address[1], "{way}old", 0, 1000)
    for each in (target, source):
        each.ask("CLUSTER", "SETSLOT", slot, "NODE", names[target])
    assert (store.fetch("{way}old"), store.fetch("{way}new")) == ("here", "there")
    assert deployment.figures.moved.value >= 1
    for key in list(store.keys("*")):
        store.remove(key)


def test_nothing_acknowledged_is_lost_when_a_node_is_killed(cache, cluster, clock, caplog):
    caplog.set_level("INFO")
    store = cache(*(each.port for each in cluster))
    counted = {key: store.add(key, 1, 0) for key in KEYS}
    victim = store.deployment.slots[slot_of(KEYS[0])]
    server = next(each for each in cluster if each.port == victim.address[1])
    server.stop(hard=True)
    failed = set()
    for key in KEYS:
        try:
            counted[key] = store.add(key, 1, 0)
        except CacheError:
            failed.add(key)
    assert failed == {key for key in KEYS if store.deployment.slots[slot_of(key)] is victim} and KEYS[0] in failed
    server.start()
    server.ready()
    clock.now += 60
    for key in KEYS:
        assert store.add(key, 1, 0) in (counted[key] + 1, *([counted[key] + 2] if key in failed else [])), key
        store.remove(key)
    said = [each.getMessage() for each in caplog.records if each.name == "opensips_py.cachedb_redis"]
    gone, back = [each for each in said if "tells of the slots" not in each]  # not as often as another node has worked
    assert f"node {HOST}:{server.port} does not answer" in gone and f"node {HOST}:{server.port} answers again" in back


def test_a_server_that_is_gone_and_back(cache, server, clock, caplog):
    store = cache(server.port)
    store.store("a", "one", 0)
    server.stop()
    for _ in range(3):
        with pytest.raises(CacheError):
            store.fetch("a")
    node, = store.deployment.masters()
    assert node.errors == 1  # who was gone a moment ago is not asked
    server.start()
    clock.now += 60
    assert store.fetch("a") == "one"
    assert [each.levelname for each in caplog.records if each.name == "opensips_py.cachedb_redis"] == ["ERROR"]


def test_a_server_that_is_not_there_at_the_start(cache, clock):
    port, = free_ports()
    store = cache(port)
    with pytest.raises(CacheError, match=f"{HOST}:{port}") as raised:
        store.store("a", "one", 0)
    assert raised.value.outcome


def test_a_slow_server_ends_the_wait_and_leaves_open_whether_it_worked(cache, server, clock):
    store = cache(server.port)
    store.store("n", "1", 0)
    with store.deployment.masters()[0].pool.lend() as connection:
        connection._sock.settimeout(0.2)
    os.kill(server.process.pid, signal.SIGSTOP)
    with pytest.raises(CacheError) as raised:
        store.add("n", 1, 0)
    assert not raised.value.outcome
    os.kill(server.process.pid, signal.SIGCONT)
    clock.now += 60
    assert store.counter("n") in (1, 2)  # once at most


def test_of_several_hosts_one_works(cache, server, clock):
    port, = free_ports()
    store = cache(port, server.port)
    store.store("a", "one", 0)
    assert (store.fetch("a"), store.deployment.masters()[0].address[1]) == ("one", server.port)


def test_another_host_takes_over(cache, server):
    with redis() as other:
        store = cache(server.port, other.port)
        assert store.add("n", 5, 0) == 5
        server.stop(hard=True)
        assert [store.add("n", 1, 0), store.add("n", 1, 0)] == [1, 2]  # it has its own values
        assert store.deployment.masters()[0].address[1] == other.port


def test_a_replica_takes_no_writes(cache, server):
    with redis("--replicaof", f"{HOST} {server.port}") as replica:
        store = cache(replica.port, server.port)
        store.store("a", "one", 0)
        assert store.deployment.masters()[0].address[1] == server.port
        store = cache(replica.port)
        with pytest.raises(CacheError, match="read only replica"):
            store.store("a", "one", 0)


def test_an_idle_connection_that_the_server_has_closed_is_noticed(cache, server):
    store = cache(server.port)
    assert store.add("n", 1, 0) == 1
    with redis_client(server) as admin:
        admin.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert store.add("n", 1, 0) == 2


def redis_client(server):
    """Another connection to *server*."""
    return closing(Node((HOST, server.port), PATIENT))


@pytest.mark.parametrize(("value", "call"), [
    ("text", lambda store: store.add("k", 1, 0)), ("text", lambda store: store.counter("k")),
    ("9223372036854775807", lambda store: store.add("k", 1, 0)), ("text", lambda store: store.map_fetch("k")),
    ("text", lambda store: store.map_change("k", {"a": "b"}))])
def test_what_is_no_number_or_no_map(cache, server, value, call):
    store = cache(server.port)
    store.store("k", value, 0)
    with pytest.raises(ValueError):
        call(store)
    assert store.fetch("k") == value


def test_a_number_is_told_by_a_map(cache, server):
    store = cache(server.port)
    store.map_change("m", {"a": "1"})
    with pytest.raises(ValueError, match="WRONGTYPE"):
        store.fetch("m")


def test_values_end_with_their_time(cache, server):
    store = cache(server.port)
    store.store("a", "\udcff x\n", 30)
    assert store.add("n", 1, 30) == 1
    store.map_change("m", {"f": "v"}, expires=30)
    assert store.fetch("a") == "\udcff x\n"
    times = [store.query(f"TTL {key}")[0][0] for key in ("a", "n", "m")]
    assert all(20 < each <= 30 for each in times)
    store.add("n", 1, 0)
    assert store.query("TTL n")[0][0] <= 30
    assert store.query("PERSIST n") == [(1,)] and store.query("TTL n") == [(-1,)]


@pytest.mark.parametrize(("user", "password", "works"), [
    ("", "secret", True), ("ann", "pw", True), ("", "wrong", False), ("ann", "secret", False), ("", "", False)])
def test_passwords(cache, user, password, works):
    with redis("--requirepass", "secret", "--user", "ann", "on", ">pw", "~*", "+@all") as server:
        store = cache(server.port, options=Options(20, 20, user=user, password=password))
        if works:
            store.store("a", "one", 0)
            assert store.fetch("a") == "one"
        else:
            with pytest.raises(CacheError):
                store.fetch("a")


def test_databases_are_apart(cache, server):
    cache(server.port, options=Options(20, 20, database=3)).store("a", "three", 0)
    assert cache(server.port).fetch("a") is None
    assert cache(server.port, options=Options(20, 20, database=3)).fetch("a") == "three"
