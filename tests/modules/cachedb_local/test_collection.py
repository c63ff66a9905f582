"""Values in an environment that several processes have open."""
import os
import time

import pytest

from opensips_py.modules.cachedb_local.collection import CHUNK, DATABASE, Collection, begin, clean
from opensips_py.state.environment import Environment


@pytest.fixture
def environment(tmp_path):
    made = Environment(tmp_path / "state.mdb", smallest=1 << 20)
    yield made
    made.close()


@pytest.fixture
def clock(monkeypatch):
    now = [1_700_000_000.0]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


@pytest.fixture
def cache(environment):
    return Collection(environment, "default")


def test_values_come_back_and_go(cache):
    cache.store("a", "one", 0)
    cache.store("a", "two", 0)
    cache.store("bytes", "\udcff\x00x", 0)
    assert (cache.fetch("a"), cache.fetch("bytes"), cache.fetch("none")) == ("two", "\udcff\x00x", None)
    cache.remove("a")
    cache.remove("a")
    assert cache.fetch("a") is None


def test_a_value_ends_with_its_time(cache, clock):
    cache.store("a", "one", 10)
    clock[0] += 9.9
    assert cache.fetch("a") == "one"
    clock[0] += 0.2
    assert (cache.fetch("a"), cache.counter("a"), list(cache.keys("*"))) == (None, None, [])
    assert cache.add("a", 3, 0) == 3  # nothing is added to what is over


def test_counters_keep_their_time_unless_a_new_one_is_given(cache, clock):
    assert cache.add("n", 5, 10) == 5
    clock[0] += 5
    assert cache.add("n", -7, 0) == -2
    clock[0] += 6
    assert cache.counter("n") is None
    cache.add("n", 1, 0)
    clock[0] += 1e9
    assert cache.add("n", 1, 10) == 2
    clock[0] += 11
    assert cache.counter("n") is None


@pytest.mark.parametrize("text", ["hello", "", "1_0", "1.5"])
def test_texts_are_no_numbers(cache, text):
    cache.store("a", text, 0)
    with pytest.raises(ValueError, match="no number"):
        cache.add("a", 1, 0)
    with pytest.raises(ValueError, match="no number"):
        cache.counter("a")
    assert cache.fetch("a") == text


def test_fields_of_a_map_change_without_the_others(cache, clock):
    cache.map_change("m", {"a": "1", "b": "2"}, expires=10)
    cache.map_change("m", {"c": "3"}, ["a", "c", "none"])
    assert cache.map_fetch("m") == {"b": "2", "c": "3"}
    clock[0] += 11
    assert cache.map_fetch("m") == {}
    cache.map_change("m", {"d": "4"})
    cache.map_change("m", {}, ["d"])
    assert list(cache.keys("*")) == []


def test_a_map_is_no_value(cache):
    cache.map_change("m", {"a": "1"})
    cache.store("v", "1", 0)
    for call in (lambda: cache.fetch("m"), lambda: cache.add("m", 1, 0), lambda: cache.map_fetch("v"),
                 lambda: cache.map_change("v", {"a": "1"})):
        with pytest.raises(ValueError, match="map"):
            call()
    assert cache.shown("m") == '{"a": "1"}'


def test_collections_do_not_know_each_others_keys(environment, cache):
    other = Collection(environment, "def")
    cache.store("a", "one", 0)
    other.store("a", "two", 0)
    assert (cache.fetch("a"), other.fetch("a")) == ("one", "two")
    other.remove_chunk("*")
    assert (cache.fetch("a"), list(other.keys("*"))) == ("one", [])


@pytest.mark.parametrize("key", ["k" * 5000, "", "\t ", "é" * 300])
def test_keys_of_any_length_are_told_whole(cache, key):
    cache.store(key, "value", 0)
    assert cache.fetch(key) == "value"
    assert list(cache.keys("*")) == [key]
    cache.remove_chunk("*")
    assert cache.fetch(key) is None


def test_globs_choose_keys(cache):
    for each in ("user_1", "user_2", "call_1", "user"):
        cache.store(each, "x", 0)
    assert list(cache.keys("user_?")) == ["user_1", "user_2"]
    cache.remove_chunk("*_1")
    assert list(cache.keys("*")) == ["user", "user_2"]


def test_more_keys_than_one_transaction_looks_at(environment, cache, clock):
    for number in range(CHUNK + 50):
        cache.store(f"k{number}", "x", 10 if number % 2 else 0)
    assert len(list(cache.keys("*"))) == CHUNK + 50
    clock[0] += 11
    database = environment.database(DATABASE)
    clean(environment)
    assert environment.entries(database) == CHUNK // 2 + 25
    cache.remove_chunk("*")
    assert environment.entries(database) == 0


def test_what_is_stored_again_while_others_clean_stays(environment, cache, clock, monkeypatch):
    cache.store("a", "old", 10)
    clock[0] += 11
    submit = environment.submit

    def late(operation):
        monkeypatch.setattr(environment, "submit", submit)
        cache.store("a", "new", 10)
        return submit(operation)
    monkeypatch.setattr(environment, "submit", late)
    clean(environment)
    assert cache.fetch("a") == "new"


def test_the_first_process_of_a_new_server_alone_empties(environment, cache):
    begin(environment, "1.0", empties=True)
    cache.store("a", "one", 0)
    begin(environment, "1.0", empties=True)  # another worker, or one that is started again
    assert cache.fetch("a") == "one"
    begin(environment, "2.0", empties=False)
    assert cache.fetch("a") == "one"
    begin(environment, "3.0", empties=True)
    assert cache.fetch("a") is None


def test_processes_count_together(tmp_path):
    children = []
    for _ in range(2):
        child = os.fork()
        if not child:
            try:
                counted = Collection(Environment(tmp_path / "state.mdb", smallest=1 << 20), "default")
                for _ in range(500):
                    counted.add("n", 1, 0)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    environment = Environment(tmp_path / "state.mdb", smallest=1 << 20)
    assert Collection(environment, "default").counter("n") == 1000
    environment.close()
