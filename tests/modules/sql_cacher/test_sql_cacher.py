"""Tables in a cache, as scripts and management use them."""
from types import SimpleNamespace

import pytest

from opensips_py.errors import ConfigError, MIError
from opensips_py.testing import request
from tests.db.databases import create
from tests.modules.users import HEAD

ROWS = [(1, "alice", "a@x", 7), (2, "bob", None, 8), (3, "carol", "c@x", 9)]
STORES = "cachedb_local"


@pytest.fixture
def table(tmp_path):
    url = f"sqlite://{tmp_path}/o.sqlite"
    made = create(url)
    made.query("CREATE TABLE people (number INT, name VARCHAR(64), mail VARCHAR(64), big BIGINT)")
    made.insert_many("people", ("number", "name", "mail", "big"), ROWS)
    yield url, made
    made.close()


def entry(url, *more, id="p", between="\n", table="people", key="name", store="local://"):
    return between.join([f"id={id}", f"db_url={url}", f"cachedb_url={store}", f"table={table}", f"key={key}", *more])


def script(spec, route, settings=""):
    return (f'{HEAD}loadmodule "db_sqlite.so"\nloadmodule "cachedb_local.so"\nloadmodule "sql_cacher.so"\n{settings}\n'
            f'modparam("sql_cacher", "cache_table", "{spec}")\nroute {{\n{route}\n}}\n')


def ask(server, *, user="b"):
    server.receive(request("OPTIONS", f"sip:{user}@example.com"), "192.0.2.1")
    return server.variables


def set_(name, value):
    return f'modparam("sql_cacher", "{name}", {value})\n'


VALUES = """
    $var(n) = $sql_cached_value(p:number:alice); $var(m) = $sql_cached_value(p:mail:$rU);
    if ($sql_cached_value(p:mail:bob) == NULL) $var(null) = 1;
    if ($sql_cached_value(p:mail:nobody) == NULL) $var(none) = 1;
"""


def test_a_whole_table_is_there_without_the_database(opensips, table):
    url, database = table
    server = opensips(text=script(entry(url), VALUES + """
        if (sr_check_status("sql_cacher", "p")) $var(ready) = 1;
    """))
    database.query("DROP TABLE people")
    assert ask(server, user="carol") == {"n": 1, "m": "c@x", "null": 1, "none": 1, "ready": 1}
    assert server.engine.reports.status("sql_cacher", "p") == 1
    told = [text for _, text in server.engine.reports.identifier("sql_cacher", "p").reports]
    assert told == ["starting DB data loading", "DB data loading successfully completed", "3 records loaded"]


def test_it_is_read_again_before_its_time_is_over(opensips, table):
    url, database = table
    server = opensips(text=script(entry(url), VALUES, set_("full_caching_expire", 100) + set_("reload_interval", 20)))
    database.update("people", {"number": 11}, {"name": "alice"})
    database.delete("people", {"name": "carol"})
    server.advance(79)
    assert ask(server, user="carol") == {"n": 1, "m": "c@x", "null": 1, "none": 1}
    server.advance(2)
    assert ask(server, user="carol") == {"n": 11, "m": None, "null": 1, "none": 1}


def test_rows_that_are_asked_for(opensips, table):
    url, database = table
    server = opensips(text=script(entry(url, "on_demand=1", "expire=60"), VALUES))
    assert server.mi("cachedb_local:fetch_chunk", "*") == {"keys": []}
    assert ask(server, user="carol")["n"] == 1
    database.update("people", {"number": 11}, {"name": "alice"})
    server.advance(59)
    assert ask(server)["n"] == 1
    server.advance(2)
    assert ask(server)["n"] == 11


def test_some_columns_and_numbers_as_keys(opensips, table):
    url, _ = table
    spec = entry(url, "key_type=int", "columns=name,mail", "on_demand=1", key="number", between=";")
    delimiters = set_("spec_delimiter", '";"') + set_("columns_delimiter", '","') + set_("pvar_delimiter", '"/"')
    server = opensips(text=script(spec, """
        $var(a) = $sql_cached_value(p/name/1); if ($sql_cached_value(p/name/x) == NULL) $var(b) = 1;
        if ($sql_cached_value(p/big/1) == NULL) $var(c) = 1; if ($sql_cached_value(p/name/77) == NULL) $var(d) = 1;
    """, delimiters))
    assert ask(server) == {"a": "alice", "b": 1, "c": 1, "d": 1}
    assert server.log.matching("column big is not cached")


@pytest.mark.parametrize(("as_text", "expected"), [(0, 1 << 40), (1, str(1 << 40))])
def test_large_numbers(opensips, table, as_text, expected):
    url, database = table
    database.update("people", {"big": 1 << 40}, {"name": "alice"})
    server = opensips(text=script(entry(url), "$var(b) = $sql_cached_value(p:big:alice);",
                                  set_("bigint_to_str", as_text) + set_("sql_fetch_nr_rows", 1)))
    assert ask(server) == {"b": expected}


@pytest.mark.parametrize(("call", "found"), [
    ('sql_cache_dump("p", "name, mail,big", "$avp(n),$avp(m), $avp(b)")',
     {"rc": 3, "n": "alice, bob, carol", "m": "a@x, , c@x", "b": "7, 8, 9", "first": "alice"}),
    ('sql_cache_dump("none", "name", "$avp(n)")', {"rc": -1}),
    ('sql_cache_dump("p", "name,mail", "$avp(n)")', {"rc": -1}),
    ('sql_cache_dump("p", "number,what", "$avp(n),$avp(m)")', {"rc": -1})])
def test_dumps(opensips, table, call, found):
    server = opensips(text=script(entry(table[0], key="number"), f"""
        {call}; $var(rc) = $rc;
        if ($var(rc) > 0) {{
            $var(n) = $(avp(n)[*]); $var(m) = $(avp(m)[*]); $var(b) = $(avp(b)[*]); $var(first) = $(avp(n)[0]);
        }}
    """))
    assert ask(server) == found


def test_a_dump_of_nothing(opensips, table):
    dump = 'sql_cache_dump("p", "mail", "$avp(m)"); $var(rc) = $rc;'
    server = opensips(text=script(entry(table[0], "on_demand=1"), dump))
    assert ask(server) == {"rc": -2}


def test_management_reads_a_whole_table_again_or_a_row(opensips, table):
    url, database = table
    server = opensips(text=script(entry(url), VALUES))
    database.update("people", {"number": 11, "mail": "new@x"}, {})
    database.delete("people", {"name": "carol"})
    server.mi("sql_cacher:reload", "p", "alice")
    assert ask(server, user="bob")["n"] == 11 and ask(server, user="carol")["m"] == "c@x"
    server.mi("sql_cacher_reload", "p")
    assert ask(server, user="bob")["m"] == "new@x" and ask(server, user="carol").get("m") is None
    with pytest.raises(MIError, match="there is no entry none"):
        server.mi("sql_cacher:reload", "none")
    database.query("DROP TABLE people")
    with pytest.raises(MIError, match="table people"):
        server.mi("sql_cacher:reload", "p")
    assert ask(server)["n"] == 11 and server.engine.reports.status("sql_cacher", "p") == 1


def test_management_forgets_rows_that_were_asked_for(opensips, table):
    url, database = table
    server = opensips(text=script(entry(url, "on_demand=1"), VALUES))
    ask(server)
    database.update("people", {"number": 11}, {})
    server.mi("sql_cacher:reload", "p", "alice")
    assert ask(server)["n"] == 11
    database.update("people", {"number": 12}, {})
    assert ask(server)["n"] == 11
    server.mi("sql_cacher:reload", "p")
    assert ask(server)["n"] == 12
    database.delete("people", {"name": "alice"})
    with pytest.raises(MIError, match="no row with the key alice"):
        server.mi("sql_cacher:reload", "p", "alice")
    assert ask(server).get("n") is None


def test_a_table_that_cannot_be_read_at_first_is_read_later(opensips, table, tmp_path):
    url, _ = table
    (tmp_path / "o.sqlite").rename(tmp_path / "away.sqlite")
    (tmp_path / "o.sqlite").mkdir()
    server = opensips(text=script(entry(url), VALUES))
    assert ask(server).get("n") is None
    assert server.engine.reports.status("sql_cacher", "p") == -2
    (tmp_path / "o.sqlite").rmdir()
    (tmp_path / "away.sqlite").rename(tmp_path / "o.sqlite")
    for each in server.engine.generation.registry.modules["db_sqlite"].databases.values():
        each.breaker.until = 0  # it goes by a clock of its own
    server.advance(6)
    assert len(server.log.matching("table people: .*it is read again")) == 1
    assert server.engine.reports.status("sql_cacher", "p") == 1
    assert ask(server)["n"] == 1


def test_a_copy_that_the_store_has_lost_is_read_row_by_row(opensips, table):
    server = opensips(text=script(entry(table[0]), VALUES))
    server.mi("cachedb_local:remove_chunk", "*")
    assert ask(server)["n"] == 1


@pytest.mark.parametrize(("name", "wrong"), [
    ("no entry", "$var(a) = $sql_cached_value(none:mail:alice);"), ("no entry", "$var(a) = $sql_cached_value(p);")])
def test_names_that_make_no_sense_are_null(opensips, table, name, wrong):
    server = opensips(text=script(entry(table[0]), wrong + " if ($var(a) == NULL) $var(b) = 1;"))
    assert ask(server)["b"] == 1
    assert server.log.matching(name)


@pytest.mark.parametrize(("given", "settings", "error"), [
    ({"table": ""}, "", "it lacks table"), ({"store": "redis://h/"}, "", 'add loadmodule "cachedb_redis.so"'),
    ({}, set_("spec_delimiter", '"ab"'), "one character"),
    ({}, set_("reload_interval", 86400), "reload_interval is less"),
    ({"id": "q"}, None, "two entries with the id q")])
def test_wrong_settings_are_refused(opensips, table, given, settings, error):
    spec = entry(table[0], **given)
    if settings is None:
        settings = f'modparam("sql_cacher", "cache_table", "{spec}")\n'
    with pytest.raises(ConfigError, match=error):
        opensips(text=script(spec, "exit;", settings))


def test_without_a_table_it_is_of_no_use(opensips):
    loads = "".join(f'loadmodule "{each}.so"\n' for each in ("db_sqlite", "cachedb_local", "sql_cacher"))
    text = f"{HEAD}{loads}route {{ exit; }}\n"
    with pytest.raises(ConfigError, match="cache_table has to name a table"):
        opensips(text=text)


def test_a_table_without_the_columns_is_refused(opensips, table):
    with pytest.raises(ConfigError, match="table people"):
        opensips(text=script(entry(table[0], "on_demand=1", "columns=nothing"), "exit;"))


@pytest.mark.parametrize(("rows", "turns"), [(1, 3), (2, 1), (100, 0)])
def test_other_work_runs_between_so_many_rows(opensips, table, monkeypatch, rows, turns):
    taken = []
    monkeypatch.setattr("opensips_py.modules.sql_cacher.copy.gevent", SimpleNamespace(sleep=taken.append))
    opensips(text=script(entry(table[0]), "exit;", set_("sql_fetch_nr_rows", rows)))
    assert taken == [0] * turns
