"""Functions on caches, in scripts whose cache a module brings."""
import logging
import pathlib

import pytest

from tests.modules.bench import Bench, options
from tests.script.script import messages, read

CACHES = f'mpath="{pathlib.Path(__file__).parent / "caches"}/"\n'


class CacheBench(Bench):
    """A bench whose script finds cachedb_test."""

    def __init__(self, body: str, dialect: str = "4.0") -> None:
        super().__init__("", body, CACHES + 'loadmodule "cachedb_test.so"', dialect=dialect)


def ran(body, dialect="4.0"):
    """The variables that *body* leaves behind, and the store."""
    bench = CacheBench(body, dialect)
    run = bench.run_on(bench.message(options()))
    return run.variables, run.avps, bench.module("cachedb_test").store


def test_values_come_back_by_name():
    found, _, store = ran("""
        $var(n) = "user";
        cache_store("test", "$var(n)_$fU", "hello $rm", 60); $var(stored) = $rc;
        cache_fetch("test", "user_alice", $var(value)); $var(fetched) = $rc;
        cache_store("test", "ever", "x");
    """)
    assert found["stored"] == found["fetched"] == 1
    assert found["value"] == "hello OPTIONS"
    assert store.limits == {"user_alice": 60, "ever": 0}


def test_what_is_not_there_leaves_the_result_alone():
    found, _, _ = ran("""
        $var(value) = "before";
        cache_fetch("test", "none", $var(value)); $var(fetched) = $rc;
        cache_counter_fetch("test", "none", $var(value)); $var(counted) = $rc;
        if (cache_fetch("test", "none", $var(value))) $var(branch) = "there"; else $var(branch) = "missing";
    """)
    assert (found["value"], found["fetched"], found["counted"], found["branch"]) == ("before", -2, -2, "missing")


def test_removed_values_are_gone():
    found, _, store = ran("""
        cache_store("test", "a", "1"); cache_store("test", "b", "2");
        cache_remove("test", "a"); $var(first) = $rc;
        cache_remove("test", "a"); $var(second) = $rc;
    """)
    assert (found["first"], found["second"], store.values) == (1, 1, {"b": "2"})


def test_counters_are_numbers():
    found, _, store = ran("""
        cache_add("test", "calls", 5, 30, $var(five)); $var(added) = $rc;
        cache_sub("test", "calls", 7, 0, $var(minus)); $var(subtracted) = $rc;
        cache_add("test", "other", 1, 0);
        cache_counter_fetch("test", "calls", $var(now)); $var(counted) = $rc;
        cache_fetch("test", "calls", $var(text));
    """)
    assert (found["five"], found["minus"], found["now"], found["text"]) == (5, -2, -2, "-2")
    assert found["added"] == found["subtracted"] == found["counted"] == 1
    assert store.values == {"calls": "-2", "other": "1"}


def test_texts_are_no_counters():
    found, _, _ = ran("""
        $var(n) = "before";
        cache_store("test", "text", "hello");
        cache_add("test", "text", 1, 0, $var(n)); $var(added) = $rc;
        cache_counter_fetch("test", "text", $var(n)); $var(counted) = $rc;
    """)
    assert (found["n"], found["added"], found["counted"]) == ("before", -1, -3)


def test_rows_of_a_query_fill_avps_by_column():
    found, avps, _ = ran("""
        cache_raw_query("test", "last", "$avp(name);$avp(number)"); $var(asked) = $rc;
        $var(first) = $(avp(name)[0]) + $(avp(name)[2]);
        $var(all) = $(avp(number)[*]);
        cache_raw_query("test", "drop"); $var(dropped) = $rc;
        cache_raw_query("test", "break", "$avp(x)"); $var(broken) = $rc;
    """)
    assert (found["first"], found["all"]) == ("alast", "1, 3")
    assert (found["asked"], found["dropped"], found["broken"]) == (1, 1, -1)
    assert "x" not in avps


def test_null_is_no_value_to_store():
    found, _, store = ran('cache_store("test", "a", $avp(none)); $var(stored) = $rc;')
    assert (found["stored"], store.values) == (-1, {})


@pytest.mark.parametrize("call", [
    'cache_fetch("test", $var(e), $var(x))', 'cache_store("test", $var(e), "b")', 'cache_remove("test", $var(e))',
    'cache_add("test", $var(e), 1, 0)', 'cache_sub("test", $var(e), 1, 0)',
    'cache_counter_fetch("test", $var(e), $var(x))'])
def test_an_empty_attribute_is_none(call, caplog):
    with caplog.at_level(logging.ERROR):
        found, _, store = ran(f'$var(e) = ""; {call}; $var(code) = $rc;')
    assert (found["code"], store.values) == (-1, {})
    assert "the attribute is empty" in caplog.text


@pytest.mark.parametrize("call", [
    'cache_fetch($var(s), "a", $var(x))', 'cache_store($var(s), "a", "b")', 'cache_remove($var(s), "a")',
    'cache_add($var(s), "a", 1, 0)', 'cache_sub($var(s), "a", 1, 0)', 'cache_counter_fetch($var(s), "a", $var(x))',
    'cache_raw_query($var(s), "q", "$avp(x)")'])
@pytest.mark.parametrize(("storage", "why"), [("none", "no cache called none"), ("test:bare", "test:bare has no")])
def test_a_cache_that_cannot_do_it_is_logged(call, storage, why, caplog):
    with caplog.at_level(logging.ERROR):
        found, _, _ = ran(f'$var(s) = "{storage}"; {call}; $var(code) = $rc;')
    assert found["code"] == -1
    assert why in caplog.text


def test_2_1_quotes_its_numbers():
    found, _, store = ran("""
        cache_store("test", "a", "1", 20);
        cache_add("test", "a", 2, 0, $var(now));
    """, "2.1")
    assert (found["now"], store.values) == (3, {"a": "3"})


@pytest.mark.parametrize(("storage", "error"), [
    ("local", "no loaded module has the cache local"),
    ("memcached:g", "the cache memcached:g is of module cachedb_memcached, which is not available yet"),
    ("nothing", "no module has a cache called nothing"),
    ("test", "no loaded module has the cache test")])
def test_a_script_without_the_module_of_its_cache_is_refused(storage, error):
    found = read(f'{CACHES}loadmodule "tm.so"\nroute {{ cache_fetch("{storage}", "a", $var(x)); }}')
    assert messages(found.diagnostics) == [f"cache_fetch, argument 'storage': {error}"]


def test_a_module_that_is_not_there_is_complained_of_once():
    found = read('loadmodule "cachedb_memcached.so"\nroute { cache_store("memcached", "a", "b"); }')
    assert messages(found.diagnostics) == ["module cachedb_memcached is not available yet"]


def test_only_avps_take_columns():
    found = read(f'{CACHES}loadmodule "cachedb_test.so"\nroute {{ cache_raw_query("test", "q", "$var(x)"); }}')
    assert messages(found.diagnostics) == ["cache_raw_query, argument 'result': $avp(name) is needed, not $var(x)"]
