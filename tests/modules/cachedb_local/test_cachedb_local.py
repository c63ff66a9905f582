"""The local store as scripts and management use it."""
import logging

import pytest

from opensips_py.errors import ConfigError, MIError
from opensips_py.testing import Server
from tests.modules.stored import benches
from tests.script.script import messages, read

MODULE = "cachedb_local"


@pytest.fixture
def bench(tmp_path):
    yield from benches(tmp_path)


def set_(name, value):
    return f'modparam("{MODULE}", "{name}", {value})\n'


TWO = set_("cache_collections", '"one; two = 3600; default=4"')
URLS = TWO + set_("cachedb_url", '"local:///one"') + set_("cachedb_url", '"local:g:///two"')


def test_values_are_there_after_a_restart(bench):
    bench(MODULE, 'cache_store("local", "a", "one"); cache_add("local", "n", 2, 0);').run()
    after = 'cache_fetch("local", "a", $var(a)); cache_add("local", "n", 3, 0, $var(n));'
    assert bench(MODULE, after, started=2.0).run() == {"a": "one", "n": 5}


def test_a_script_may_ask_for_an_empty_start(bench):
    empty = set_("enable_restart_persistency", 0)
    bench(MODULE, 'cache_store("local", "a", "one");', empty).run()
    fetch = 'cache_fetch("local", "a", $var(a)); $var(code) = $rc;'
    assert bench(MODULE, fetch, empty).run() == {"a": "one", "code": 1}  # a worker of the same server
    assert bench(MODULE, fetch, empty, started=2.0).run() == {"code": -2}


def test_urls_name_collections(bench):
    made = bench(MODULE, """
        cache_store("local", "k", "1"); cache_store("local:g", "k", "2");
        cache_fetch("local", "k", $var(one)); cache_fetch("local:g", "k", $var(two));
    """, URLS)
    assert made.run() == {"one": "1", "two": "2"}
    ask = 'cache_fetch("local", "k", $var(two));'
    assert bench(MODULE, ask, TWO + set_("cachedb_url", '"local:///two"')).run() == {"two": "2"}


def test_of_two_urls_with_one_name_the_later_counts(bench):
    bench(MODULE, 'cache_store("local", "k", "1");', URLS).run()
    urls = TWO + set_("cachedb_url", '"local://"') + set_("cachedb_url", '"local:///one"')
    assert bench(MODULE, 'cache_fetch("local", "k", $var(v));', urls).run() == {"v": "1"}


@pytest.mark.parametrize(("body", "left"), [
    ('cache_remove_chunk("a*")', {"b1"}), ('cache_remove_chunk(, "a*")', {"b1"}),
    ('cache_remove_chunk("default", "?1")', {"a22"}), ('cache_remove_chunk("one", "*")', {"a1", "a22", "b1"})])
def test_chunks_are_removed_by_scripts(bench, body, left):
    made = bench(MODULE, f"""
        cache_store("local:d", "a1", "x"); cache_store("local:d", "a22", "x"); cache_store("local:d", "b1", "x");
        {body}; $var(code) = $rc;
    """, TWO + set_("cachedb_url", '"local:d://"'))
    assert made.run() == {"code": 1}
    assert {each["name"] for each in made.mi("cachedb_local:fetch_chunk", "*")["keys"]} == left


def test_a_chunk_of_a_collection_that_is_not_there(bench, caplog):
    assert bench(MODULE, 'cache_remove_chunk("none", "*"); $var(code) = $rc;').run() == {"code": -1}
    assert "there is no collection none" in caplog.text


def test_2_1_removes_chunks_of_its_one_collection(bench):
    made = bench(MODULE, 'cache_store("local", "a1", "x"); cache_store("local", "b", "x"); cache_remove_chunk("a*");',
                 set_("cache_table_size", 10), dialect="2.1")
    made.run()
    assert made.mi("cache_fetch_chunk", "*") if "cache_fetch_chunk" in made.registry.commands else True
    made.mi("cache_remove_chunk", "b*")
    assert not list(made.module(MODULE).collection("default").keys("*"))


def test_management_sees_collections(bench):
    made = bench(MODULE, 'cache_store("local", "a1", "x"); cache_store("local:g", "b1", "y", 100);', URLS)
    made.run()
    assert made.mi("cachedb_local:fetch_chunk", "*", "one") == {"keys": [{"name": "a1", "value": "x"}]}
    assert made.mi("cache_fetch_chunk", "?1", "two") == {"keys": [{"name": "b1", "value": "y"}]}
    assert made.mi("cachedb_local:fetch_chunk", "*") == {"keys": []}
    made.mi("cachedb_local:remove_chunk", "*1", "two")
    assert made.mi("cachedb_local:fetch_chunk", "*", "two") == {"keys": []}
    with pytest.raises(MIError, match="no collection three"):
        made.mi("cachedb_local:remove_chunk", "*", "three")


@pytest.mark.parametrize(("settings", "error"), [
    (set_("cachedb_url", '"local:///three"'), "there is no collection three"),
    (set_("cachedb_url", '"local://host/one"'), "no URL of a collection"),
    (set_("cachedb_url", '"redis://host/"'), "no URL of a collection"),
    (set_("cachedb_url", '"local"'), "the URL of a cache looks like"),
    (set_("cache_collections", '"a = big"'), "is a number"),
    (set_("cache_collections", '"= 4"'), "no name of a collection"),
    (set_("cache_collections", '""'), "no name of a collection"),
    (set_("cache_table_size", 40), "a number from 1 to 28"),
    (set_("cluster_id", 1), "waits for module clusterer")])
def test_wrong_settings_are_refused(settings, error):
    found = read(f'loadmodule "{MODULE}.so"\n{settings}route {{ exit; }}')
    assert error in "\n".join(messages(found.diagnostics))


def test_a_collection_that_no_url_uses_is_told(bench, caplog):
    bench(MODULE, "", TWO + set_("cachedb_url", '"local:///one"'))
    assert caplog.messages == ["no URL uses the collection two"]


@pytest.mark.parametrize(("urls", "cache", "error"), [
    ("", "local:g", "has no cache local:g, only local"), (URLS, "local:h", "has no cache local:h, only local, local:g"),
    ("", "local", ""), (URLS, "local:g", ""), (TWO + set_("cachedb_url", '"local:g:///one"'), "local", "only local:g")])
def test_a_cache_that_no_url_has_is_an_error_of_the_script(urls, cache, error):
    found = read(f'loadmodule "{MODULE}.so"\n{urls}route {{ cache_fetch("{cache}", "a", $var(a)); }}')
    assert bool(found.diagnostics.errors) == bool(error)
    assert error in "\n".join(messages(found.diagnostics))


SCRIPT = """
socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so"
loadmodule "cachedb_local.so"
%s
route { %s }
"""
OPTIONS = ("OPTIONS sip:192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\n"
           "To: <sip:c@d>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 9\r\nContent-Length: 0\r\n\r\n")


def test_what_is_over_is_cleaned_away_at_its_time():
    script = SCRIPT % (set_("cache_clean_period", 20), 'cache_store("local", "a", "x", 5);')
    with Server(text=script) as server:
        server.receive(OPTIONS % "1", "192.0.2.1")
        database = server.engine.environment.database("cachedb_local")
        server.advance(10)
        assert server.engine.environment.entries(database) == 1
        server.advance(11)
        assert server.engine.environment.entries(database) == 0


def test_operations_are_counted_and_slow_ones_told(monkeypatch):
    body = 'cache_store("local", "a", "x"); cache_fetch("local", "a", $var(a));'
    script = SCRIPT % (set_("exec_threshold", 1000), body)
    with Server(text=script) as server:
        server.receive(OPTIONS % "1", "192.0.2.1")
        assert (server.counted("cdb:cdb_total_queries"), server.counted("cdb:cdb_slow_queries")) == (2, 0)
        store = server.engine.generation.registry.caches.find("local")
        monkeypatch.setattr(store.cache, "fetch", lambda key: server.clock.pass_time(0.5) or "late")
        server.receive(OPTIONS % "2", "192.0.2.1")
        assert server.variables == {"a": "late"}
        assert (server.counted("cdb:cdb_total_queries"), server.counted("cdb:cdb_slow_queries")) == (4, 1)
        assert server.log.matching("cache local: fetch a took 500 ms")


def test_accounts_of_calls_tell_what_was_asked():
    with Server(text=SCRIPT % ("", 'cache_store("local", "a", "x"); cache_fetch("local", "a", $var(a));')) as server:
        server.mi("trace_on", user="a")
        server.receive(OPTIONS % "traced", "192.0.2.1")
        events = server.mi("explain", "traced")["events"]
        told = [each["text"] for each in events if each.get("about") == "cachedb"]
        assert told == ["local: store a", "local: fetch a"]


def test_values_and_their_store_outlive_a_reload():
    body = 'cache_add("local", "n", 1, 0, $var(n));'
    with Server(text=SCRIPT % ("", body)) as server:
        server.receive(OPTIONS % "1", "192.0.2.1")
        server.reload(SCRIPT % (URLS + set_("cachedb_url", '"local:d://"'), body.replace("local", "local:d")))
        server.receive(OPTIONS % "2", "192.0.2.1")
        assert server.variables == {"n": 2}


def test_a_full_disk_fails_the_operation_alone(bench, monkeypatch, caplog):
    made = bench(MODULE, 'cache_store("local", "a", "x"); $var(code) = $rc; cache_fetch("local", "a", $var(a));')

    def full(operation):
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(made.environment, "submit", full)
    with caplog.at_level(logging.ERROR):
        assert made.run() == {"code": -1}
    assert "No space left on device" in caplog.text


def test_a_url_without_its_module_is_refused():
    with pytest.raises(ConfigError):
        Server(text=SCRIPT.replace("cachedb_local", "gflags") % ("", 'cache_fetch("local", "a", $var(a));'))
