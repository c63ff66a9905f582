"""Redis as scripts and management use it."""
import os
import signal
import socket
import time
from contextlib import ExitStack

import pytest
import trustme

from opensips_py.errors import ConfigError
from opensips_py.module.cachedb import MAPS, cache_driver, cachedb
from opensips_py.modules.cachedb_redis.management import all_connections, all_refreshed
from opensips_py.modules.cachedb_redis.topology import slot_of
from tests.live import HOST, Server, ask, free_ports, options
from tests.modules.bench import Bench
from tests.modules.bench import options as request
from tests.script.script import messages, read
from tests.servers import redis, redis_cluster

MODULE = "cachedb_redis"


@pytest.fixture(scope="module")
def server():
    with redis() as made:
        yield made


@pytest.fixture(autouse=True)
def empty(request):
    if "server" in request.fixturenames:
        request.getfixturevalue("server").ask("FLUSHALL")


def set_(name, value):
    return f'modparam("{MODULE}", "{name}", {value})\n'


def url(port, group="", rest="/"):
    return set_("cachedb_url", f'"redis:{group and group + ":"}//{HOST}:{port}{rest}"')


def ran(settings, body, dialect="4.0"):
    bench = Bench(MODULE, body, settings, dialect=dialect)
    run = bench.run_on(bench.message(request()))
    bench.registry.stop()
    return bench, run


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
def test_values_and_counters(server, dialect):
    bench, run = ran(url(server.port) + url(server.port, "g", "/1"), """
        cache_store("redis", "a b", "one two", 60); cache_fetch("redis", "a b", $var(a));
        cache_add("redis", "n", 5, 60, $var(n)); cache_sub("redis", "n", 7, 0);
        cache_counter_fetch("redis", "n", $var(m));
        cache_fetch("redis:g", "a b", $var(none)); $var(code) = $rc;
        cache_remove("redis", "a b"); cache_fetch("redis", "a b", $var(gone)); $var(after) = $rc;
    """, dialect)
    assert run.variables == {"a": "one two", "n": 5, "m": -2, "code": -2, "after": -2}
    assert bench.counted(MODULE) == {"redis_queries": 10}  # two of them are those that connect


def test_raw_queries_fill_avps(server):
    _, run = ran(url(server.port), """
        $var(v) = "it's a value";
        cache_raw_query("redis", "HSET h f1 '1' f2 \\"$var(v)\\"");
        cache_raw_query("redis", "HGET h f2", "$avp(one)");
        cache_raw_query("redis", "HGETALL h", "$avp(all)"); $var(all) = $(avp(all)[*]);
        cache_raw_query("redis", "HGET h none", "$avp(none)"); $var(none) = $rc;
        cache_raw_query("redis", "HMGET h f1 none f2", "$avp(some)"); $var(some) = $(avp(some)[*]);
        cache_fetch("redis", "h", $avp(none)); $var(map) = $rc;
        cache_raw_query("redis", "NOSUCH h"); $var(wrong) = $rc;
        cache_raw_query("redis", "GET 'h"); $var(quote) = $rc;
        cache_raw_query("redis", " "); $var(empty) = $rc;
        $var(one) = $avp(one);
    """)
    assert run.variables == {"v": "it's a value", "all": "f1, 1, f2, it's a value", "none": -2, "wrong": -1,
                             "quote": -1, "some": "1, , it's a value", "map": -1, "empty": -1, "one": "it's a value"}


def test_what_fails_is_counted_and_a_script_goes_on(caplog):
    port, = free_ports()
    bench, run = ran(url(port) + set_("lazy_connect", 1), 'cache_fetch("redis", "a", $var(a)); $var(code) = $rc;')
    assert run.variables == {"code": -1}
    assert bench.counted(MODULE) == {"redis_queries_failed": 1}
    assert f"{HOST}:{port}" in caplog.text


def test_a_worker_connects_when_it_starts_unless_it_is_lazy(server):
    for lazy, answered in ((0, 1), (1, 0)):
        bench = Bench(MODULE, "", url(server.port) + set_("lazy_connect", lazy))
        assert bench.counted(MODULE).get("redis_queries", 0) == answered


@pytest.mark.parametrize(("name", "value", "refused"), [
    ("shutdown_on_error", 1, True), ("shutdown_on_error", 0, False), ("lazy_connect", 1, False)])
def test_a_server_that_is_not_there_may_forbid_the_start(name, value, refused):
    port, = free_ports()
    bench = Bench(MODULE, "", url(port) + set_(name, value) + (set_("shutdown_on_error", 1) if name == "lazy_connect"
                                                               else ""))
    if not refused:
        bench.module(MODULE).verify()
        return
    with pytest.raises(ConfigError, match=f"{HOST}:{port}"):
        bench.module(MODULE).verify()


def test_a_server_that_is_there_lets_it_start(server):
    Bench(MODULE, "", url(server.port) + set_("shutdown_on_error", 1)).module(MODULE).verify()


@pytest.mark.parametrize(("name", "value", "found"), [
    ("connect_timeout", 250, ("connect_timeout", 0.25)), ("query_timeout", 250, ("query_timeout", 0.25)),
    ("redis_keepalive", 17, ("keepalive", 17)), ("redis_keepalive", 0, ("keepalive", 0))])
def test_settings_reach_the_connection(server, name, value, found):
    bench = Bench(MODULE, "", url(server.port) + set_(name, value))
    cache = cachedb(bench.module(MODULE), f"redis://{HOST}:{server.port}/").cache
    assert getattr(cache.deployment.options, found[0]) == found[1]
    node, = cache.deployment.nodes.values()
    with node.pool.lend() as connection:
        sock = connection._sock
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == (name != "redis_keepalive" or value > 0)
        if name == "redis_keepalive" and value:
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == value
        if name == "query_timeout":
            assert sock.gettimeout() == 0.25


def test_modules_get_a_cache_of_their_own_url(server):
    bench = Bench(MODULE, "", set_("lazy_connect", 1))
    module = bench.module(MODULE)
    assert cache_driver(module, f"redis:any://{HOST}:{server.port}/", needs=(MAPS,)) is module
    cachedb(module, f"redis:any://{HOST}:{server.port}/").store("a", "one", 0)
    assert "one" in server.ask("GET", "a")


@pytest.mark.parametrize(("given", "error"), [
    ('"redis://"', "it names no host"), ('"redis://h:x/"', "is no host with a port"), ('"local://"', "a URL of Redis"),
    ('"redis://h/db"', "a database of Redis is a number"), ('"redis://a,b/?socket=/x"', "beside several hosts"),
    ('"redis://h/?tls_domain=x"', "needs module tls_mgm"), ('"redis://h/?ssl_ca=/none"', "/none"),
    ('"nothing"', "the URL of a cache")])
def test_wrong_urls_are_refused(given, error):
    found = read(f'loadmodule "{MODULE}.so"\n{set_("cachedb_url", given)}route {{ exit; }}')
    assert error in "\n".join(messages(found.diagnostics))


def test_unix_sockets(tmp_path):
    path = tmp_path / "redis.sock"
    with redis("--unixsocket", str(path)) as made:
        given = set_("cachedb_url", f'"redis:u://localhost/2?socket={path}"') + set_("use_tls", 1)
        bench, run = ran(given, 'cache_store("redis:u", "a", "one"); cache_fetch("redis:u", "a", $var(a));')
        assert run.variables == {"a": "one"} and "db2:" in made.ask("INFO", "keyspace")
        node, = bench.mi(INFO)[0]["nodes"]
        assert (node["transport"], node["socket"]) == ("unix", str(path))


def test_encrypted_connections(tmp_path):
    authority = trustme.CA()
    certificate = authority.issue_cert(HOST)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    port, = free_ports()
    files = [each for name in ("cert", "key", "ca-cert") for each in
             (f"--tls-{name}-file", str(tmp_path / f"{name.removesuffix('-cert')}.pem"))]
    with redis("--tls-port", str(port), *files, "--tls-auth-clients", "yes") as plain:
        given = f"?ssl_ca={tmp_path}/ca.pem&ssl_cert={tmp_path}/cert.pem&ssl_key={tmp_path}/key.pem"
        body = 'cache_store("redis", "a", "one"); $var(code) = $rc; cache_fetch("redis", "a", $var(a));'
        assert ran(url(port, rest="/" + given) + set_("use_tls", 1), body)[1].variables == {"code": 1, "a": "one"}
        assert ran(url(port) + set_("use_tls", 1), body)[1].variables == {"code": -1}  # without a certificate
        assert "one" in plain.ask("GET", "a")


INFO, PING, REFRESH = (f"cachedb_redis:redis_{each}" for each in ("cluster_info", "ping_nodes", "cluster_refresh"))


def test_management_of_a_single_server(server):
    port, = free_ports()
    bench = Bench(MODULE, "", url(server.port) + url(port, "gone"))
    one, gone = bench.mi(INFO)
    assert (one["group"], one["mode"], gone["group"]) == ("", "single", "gone")
    node, = one["nodes"]
    assert (node["ip"], node["port"], node["status"]) == (HOST, server.port, "connected")
    assert (node["errors"], node["moved"]) == (0, 0)
    assert node["queries"] >= 1 and node["last_activity"] >= 0
    assert gone["nodes"][0]["status"] == "disconnected" and gone["nodes"][0]["last_activity"] == -1
    assert bench.mi(REFRESH, group="gone") == [
        {"group": "gone", "url": f"redis:gone://{HOST}:{port}/", "status": "skipped (not cluster mode)"}]
    alive, lost = bench.mi(PING)
    assert alive["nodes"][0]["status"] == "reachable" and alive["nodes"][0]["latency_us"] > 0
    assert (lost["nodes"][0]["status"], lost["nodes"][0]["latency_us"]) == ("disconnected", -1)
    assert [each["group"] for each in bench.mi(PING, group="gone")] == ["gone"]


def test_management_of_a_cluster():
    with redis_cluster() as nodes:
        bench = Bench(MODULE, 'cache_store("redis:c", "a", "x");', url(nodes[0].port, "c"))
        bench.run_on(bench.message(request()))
        shown, = bench.mi(INFO, group="c")
        assert (shown["mode"], shown["cluster_command"], shown["total_slots_mapped"]) == ("cluster", "SHARDS", 16384)
        assert {each["port"] for each in shown["nodes"]} == {each.port for each in nodes}
        assert sum(each["slots_assigned"] for each in shown["nodes"]) == 16384
        assert abs(shown["last_topology_refresh"] - time.time()) < 60
        assert bench.mi(REFRESH) == [{"group": "c", "url": shown["url"], "status": "ok"}]
        deployment = bench.registry.caches.find("redis:c").cache.deployment
        slot = slot_of("a")
        deployment.slots[slot] = next(each for each in deployment.masters() if each is not deployment.slots[slot])
        bench.run_on(bench.message(request()))
        assert bench.counted(MODULE)["redis_moved"] == sum(each["moved"] for each in bench.mi(INFO)[0]["nodes"]) == 1
        again, = bench.mi(INFO)
        assert again["topology_refreshes"] > shown["topology_refreshes"]
        assert bench.counted(MODULE)["redis_topology_refreshes"] == again["topology_refreshes"]
        assert {each["status"] for each in bench.mi(PING)[0]["nodes"]} == {"reachable"}
        for each in nodes:
            each.stop(hard=True)
        assert {each["status"] for each in bench.mi(PING)[0]["nodes"]} == {"unreachable"}
        assert bench.mi(REFRESH)[0]["status"] == "error"


def test_what_workers_know_is_put_together():
    def node(port, status, queries, last):
        return {"ip": HOST, "port": port, "status": status, "queries": queries, "errors": 1, "moved": 0,
                "last_activity": last}

    def connection(*nodes):
        return {"group": "g", "url": "u", "topology_refreshes": 1, "last_topology_refresh": 5, "nodes": list(nodes)}
    merged, = all_connections([[connection(node(1, "connected", 5, -1))],
                               [connection(node(1, "disconnected", 6, 3), node(2, "connected", 1, 9))]])
    assert merged["nodes"] == [{**node(1, "connected", 11, 3), "errors": 2}, node(2, "connected", 1, 9)]
    assert merged["topology_refreshes"] == 2
    refreshed = [{"group": "g", "url": "u", "status": each} for each in ("ok", "error", "ok")]
    assert all_refreshed([[each] for each in refreshed])[0]["status"] == "error"


LIVE = """
log_level=2
udp_workers=2
socket=udp:@HOST@:@PORT@
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "cachedb_redis.so"
modparam("cachedb_redis", "cachedb_url", "redis://@HOST@:@REDIS@/")
modparam("cachedb_redis", "query_timeout", 60000)
route {
    if ($rU == "probe" || $(ci{s.substr,0,2}) == "up") { sl_send_reply(200, "OK"); exit; }
    cache_fetch("redis", "a", $var(a));
    sl_send_reply(200, "$var(a)");
}
"""


def client():
    """A socket that hears answers, and its port."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind((HOST, 0))
    made.settimeout(10)
    return made, made.getsockname()[1]


def test_a_slow_server_does_not_hold_other_calls_up():
    with redis() as store, Server(LIVE, REDIS=store.port) as server, ExitStack() as open_:
        store.ask("SET", "a", "found")
        os.kill(store.process.pid, signal.SIGSTOP)
        waiting = [client() for _ in range(8)]
        for number, (sock, port) in enumerate(waiting):
            open_.enter_context(sock)
            sock.sendto(options(server.port, port, number).replace(b"up-", b"slow-"), (HOST, server.port))
        sock, port = client()
        open_.enter_context(sock)
        for number in range(20):
            assert b"200 OK" in ask(server.port, options(server.port, port, number), own=sock)
        os.kill(store.process.pid, signal.SIGCONT)
        for sock, _ in waiting:
            while b"slow-" not in (answer := sock.recv(65535)):  # one to a probe that had this port before it
                pass
            assert b"200 found" in answer
