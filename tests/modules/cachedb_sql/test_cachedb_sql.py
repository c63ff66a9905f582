"""Values in a table, on every SQL database that there is."""
import pytest

from opensips_py.db import Database
from opensips_py.errors import ConfigError
from opensips_py.module import CacheError
from opensips_py.modules.cachedb_sql.table import Columns, TableCache
from opensips_py.testing import request
from tests.db.databases import create, opened, url_of
from tests.modules.users import HEAD

KINDS = ["sqlite", "mysql", "postgres"]


@pytest.fixture(scope="module", params=KINDS)
def url(request, tmp_path_factory):
    return url_of(request.param, request, tmp_path_factory.mktemp("sqlite"))


@pytest.fixture
def database(url):
    made = create(url, "cachedb")
    yield made
    made.close()


@pytest.fixture
def clock(monkeypatch):
    now = [1_700_000_000.0]
    monkeypatch.setattr("opensips_py.modules.cachedb_sql.table.time.time", lambda: now[0])
    return now


@pytest.fixture
def cache(database, clock):
    return TableCache(database, Columns())


def test_values_come_back_and_go(cache):
    for value in ("one", "two", "", "'; DROP TABLE cachedb; --", "12"):
        cache.store("a", value, 0)
        assert cache.fetch("a") == value
    cache.remove("a")
    cache.remove("a")
    assert cache.fetch("a") is None


def test_values_end_with_their_time(cache, clock, database):
    cache.store("a", "one", 10)
    cache.store("b", "two", 0)
    assert cache.add("n", 4, 10) == 4
    clock[0] += 9
    assert (cache.fetch("a"), cache.counter("n")) == ("one", 4)
    assert sorted(cache.keys("*")) == ["a", "b", "n"] and list(cache.keys("?b")) == []
    clock[0] += 2
    assert (cache.fetch("a"), cache.counter("n"), list(cache.keys("*"))) == (None, None, ["b"])
    assert cache.add("n", 1, 0) == 1
    cache.clean(clock[0])
    assert {key for key, in database.select("cachedb", ("keyname",))} == {"b", "n"}


def test_counters_keep_their_time_unless_a_new_one_is_given(cache, clock):
    cache.add("n", 1, 10)
    clock[0] += 5
    assert [cache.add("n", 1, 0), cache.add("n", -5, 20)] == [2, -3]
    clock[0] += 15
    assert cache.counter("n") == -3
    cache.store("n", "7", 0)
    clock[0] += 100
    assert (cache.add("n", 1, 0), cache.fetch("n")) == (8, "8")


@pytest.mark.parametrize("text", ["hello", "01", "99999999999999"])
def test_texts_are_no_numbers(cache, text):
    cache.store("a", text, 0)
    with pytest.raises(ValueError, match="no number"):
        cache.add("a", 1, 0)
    with pytest.raises(ValueError, match="no number"):
        cache.counter("a")
    assert cache.fetch("a") == text


def test_counters_of_opensips_itself(cache, database):
    database.insert("cachedb", {"keyname": "n", "value": "", "counter": 4, "expires": 0})
    assert (cache.add("n", 3, 0), cache.fetch("n")) == (7, "7")


def test_two_who_add_at_once_are_both_counted(url, database, clock):
    other = opened(url)
    one, two = TableCache(database, Columns()), TableCache(other, Columns())
    expected = 0
    for _ in range(5):
        for each in (one, two):
            expected += 3
            assert each.add("n", 3, 60) == expected
    other.close()


def test_a_row_that_appears_between_is_added_to(cache, database, monkeypatch):
    run, calls = Database.insert, []
    original = database.run

    def racing(operation, **named):
        if not calls:
            calls.append(1)
            from opensips_py.db import Conflict
            row = {"keyname": "n", "value": "5", "counter": 5, "expires": 0}
            original(lambda session: session.insert("cachedb", row))
            raise Conflict("it is there")
        return original(operation, **named)
    monkeypatch.setattr(database, "run", racing)
    assert cache.add("n", 2, 0) == 7 and run


def test_a_table_that_is_gone_fails(cache, database):
    database.query("DROP TABLE cachedb")
    for call in (lambda: cache.fetch("a"), lambda: cache.store("a", "b", 0), lambda: cache.add("a", 1, 0),
                 lambda: cache.remove("a")):
        with pytest.raises(CacheError) as raised:
            call()
        assert raised.value.outcome


def test_a_lost_database_leaves_open_what_was_done(cache, database, monkeypatch):
    from opensips_py.db import Unavailable

    def lost(operation, **named):
        raise Unavailable("gone", outcome=False)
    monkeypatch.setattr(database, "run", lost)
    with pytest.raises(CacheError) as raised:
        cache.add("a", 1, 0)
    assert not raised.value.outcome


def script(url, route, settings=""):
    return (f'{HEAD}loadmodule "db_sqlite.so"\nloadmodule "cachedb_sql.so"\n'
            f'modparam("cachedb_sql", "cachedb_url", "sql:1st-{url}")\n{settings}route {{\n{route}\n}}\n')


def ran(opensips, text):
    server = opensips(text=text)
    server.receive(request("OPTIONS", "sip:b@example.com"), "192.0.2.1")
    return server


@pytest.fixture
def file(tmp_path):
    url = f"sqlite://{tmp_path}/o.sqlite"
    return url, create(url, "cachedb")


BODY = """
    cache_store("sql:1st-sqlite", "a", "one", 60); cache_fetch("sql:1st-sqlite", "a", $var(a));
    cache_add("sql:1st-sqlite", "n", 5, 0, $var(n)); cache_counter_fetch("sql:1st-sqlite", "n", $var(m));
    cache_remove("sql:1st-sqlite", "a"); cache_fetch("sql:1st-sqlite", "a", $var(b)); $var(code) = $rc;
"""


def test_scripts_reach_the_table(opensips, file):
    server = ran(opensips, script(file[0], BODY))
    assert server.variables == {"a": "one", "n": 5, "m": 5, "code": -2}
    assert file[1].select("cachedb", ("keyname", "value", "counter")) == [("n", "5", 5)]


def test_another_table_with_other_columns(opensips, tmp_path):
    url = f"sqlite://{tmp_path}/o.sqlite"
    made = create(url)
    made.query("CREATE TABLE mine (k VARCHAR(255) UNIQUE, v TEXT, c INT, e INT)")
    made.insert("version", {"table_name": "mine", "table_version": 2})
    names = {"db_table": "mine", "key_column": "k", "value_column": "v", "counter_column": "c", "expires_column": "e"}
    settings = "".join(f'modparam("cachedb_sql", "{name}", "{value}")\n' for name, value in names.items())
    assert ran(opensips, script(url, BODY, settings)).variables["n"] == 5
    assert made.select("mine", ("k", "v", "c", "e")) == [("n", "5", 5, 0)]


def test_what_is_over_is_cleaned_away(opensips, file):
    server = ran(opensips, script(file[0], 'cache_store("sql:1st-sqlite", "a", "x", 5);',
                                  'modparam("cachedb_sql", "cache_clean_period", 20)\n'))
    server.advance(10)
    assert len(file[1].select("cachedb", ("keyname",))) == 1
    server.advance(15)
    assert file[1].select("cachedb", ("keyname",)) == []


@pytest.mark.parametrize(("url", "error"), [
    ("sql:sqlite:///x", "no URL of a database"), ("sql:1-mysql://u:p@h/d", 'add loadmodule "db_mysql.so"'),
    ("local://", "no URL of a database")])
def test_wrong_urls_are_refused(opensips, file, url, error):
    with pytest.raises(ConfigError, match=error):
        opensips(text=script(file[0], "exit;", f'modparam("cachedb_sql", "cachedb_url", "{url}")\n'))


def test_a_table_of_an_unknown_version_is_refused(opensips, file):
    file[1].update("version", {"table_version": 77}, {"table_name": "cachedb"})
    with pytest.raises(ConfigError, match="77"):
        opensips(text=script(file[0], "exit;")).engine.generation.registry.modules["cachedb_sql"].verify()
