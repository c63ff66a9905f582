"""AVPs of users and domains, by both modules that have them."""
from __future__ import annotations

import pytest

from tests.modules.bench import Bench

ROW = ("uuid", "username", "domain", "attribute", "value", "type")


@pytest.fixture(params=["4.0", "2.1"])
def avps(request, tmp_path):
    """Scripts that load, store and delete AVPs; `db_` becomes the beginning of the functions' names."""
    from tests.modules.sqlops.asking import Asking

    class Either(Asking):
        """Scripts of either dialect, written the same."""

        def bench(self, body: str, settings: str = "") -> Bench:
            old = self.dialect == "2.1"
            body = body.replace("db_", "avp_db_" if old else "sql_avp_")
            settings = settings.replace("MODULE", self.module).replace("TABLE", "avp_table" if old else "usr_table")
            both = f'modparam("{self.module}", "use_domain", 1)\n' if "use_domain" not in settings else ""
            return super().bench(body, both + settings)
    return Either(f"sqlite://{tmp_path}/rows.db", request.param)


def fill(asking, *rows):
    asking.database.insert_many("usr_preferences", ROW, rows)


def test_there_and_back(avps):
    assert avps.variables("""
        $avp(x) = "one"; $avp(x) = 2; $avp(y) = "other"; db_store("$fu", "$avp(x)"); $var(a) = $rc;""") == {"a": 1}
    assert avps.stored(*ROW) == [("", "alice", "example.com", "x", "one", 2), ("", "alice", "example.com", "x", "2", 3)]
    assert avps.run('db_load("$fu", "$avp(x)"); ').avps == {"x": [2, "one"]}
    assert avps.run('db_load("$tu", "$avp(x)");').avps == {}
    assert avps.variables('db_delete("$fu", "$avp(x)"); $var(a) = $rc; db_load("$fu", "$avp(x)"); $var(b) = $rc;') == {
        "a": 1, "b": -1}
    assert avps.stored("id") == []


def test_nothing_to_store(avps):
    assert avps.variables('db_store("$fu", "$avp(none)"); $var(a) = $rc; db_store("$avp(none)", "a"); $var(b) = $rc;') \
        == {"a": -1, "b": -1}


@pytest.mark.parametrize(("source", "found"), [
    ("$fu", ["both"]), ("$fu/uri", ["both"]), ("$fu/username", ["user", "both"]),
    ("$fu/domain", ["domain", "other", "both"]), ("$fU/username", ["user", "both"]),
    ("$fd/domain", ["domain", "other", "both"]), ("$avp(id)", ["id"]), ("id-7", ["id"]), ("id-7/uuid", ["id"]),
    ("sip:carol@example.com/uri", ["other"]), ("$avp(id)/uuid", ["id"]), ("$ru/domain", []), ("$du", [])])
def test_whose_they_are(avps, source, found):
    fill(avps, ("", "alice", "", "x", "user", 0), ("", "", "example.com", "x", "domain", 0),
         ("", "carol", "example.com", "x", "other", 0), ("id-7", "", "", "x", "id", 0),
         ("", "alice", "example.com", "x", "both", 0))
    run = avps.run(f'$avp(id) = "id-7"; db_load("{source}", "$avp(x)"); $var(rc) = $rc;')
    assert (run.avps.get("x", []), run.variables["rc"]) == (found[::-1], 1 if found else -1)


def test_without_domains(avps):
    fill(avps, ("", "alice", "elsewhere.net", "x", "1", 1))
    more = 'modparam("MODULE", "use_domain", 0)'
    assert avps.run('db_load("$fu", "$avp(x)");', more).avps == {"x": [1]}
    avps.run('$avp(y) = "new"; db_store("$fu", "$avp(y)"); db_delete("$fu", "$avp(x)");', more)
    assert avps.stored("username", "domain", "attribute") == [("alice", "", "y")]
    assert avps.run('db_load("$fu", "$avp(x)");').avps == {}


def test_domains_count_as_each_dialect_has_it(tmp_path):
    for module, dialect, used in (("sqlops", "4.0", True), ("avpops", "2.1", False)):
        assert Bench(f"db_sqlite {module}", "exit;", dialect=dialect).module(module).use_domain == used


@pytest.mark.parametrize(("choice", "found"), [("a", {"x", "y", "7"}), ("A", {"x", "y", "7"}), ("s", {"x", "y"}),
                                               ("i", {"7"}), ("a3", {"x", "y", "7"}), ("$avp(7)", {"7"}),
                                               ("$avp($var(name))", {"x"})])
def test_which_ones(avps, choice, found):
    fill(avps, ("", "alice", "example.com", "x", "1", 0), ("", "alice", "example.com", "y", "1", 2),
         ("", "alice", "example.com", "7", "2", 2))
    assert set(avps.run(f'$var(name) = "x"; db_load("$fu", "{choice}");').avps) == found
    avps.run(f'$var(name) = "x"; db_delete("$fu", "{choice}");')
    assert {name for name, in avps.stored("attribute")} == {"x", "y", "7"} - found


@pytest.mark.parametrize(("choice", "stored"), [("a", [("x", 2), ("7", 3)]), ("i", [("7", 3)]), ("s", [("x", 2)])])
def test_storing_several(avps, choice, stored):
    avps.run(f'$avp(x) = "t"; $avp(7) = 12; db_store("$fu", "{choice}");')
    assert avps.stored("attribute", "type") == stored


def test_types_and_what_is_none(avps):
    fill(avps, ("", "alice", "example.com", "x", "12", 1), ("", "alice", "example.com", "y", "12", 0),
         ("", "alice", "example.com", "z", "twelve", 1))
    assert avps.run('db_load("$fu", "a");').avps == {"x": [12], "y": ["12"]}


def test_another_table_and_other_columns(avps):
    avps.database.query("CREATE TABLE p (i TEXT, u TEXT, d TEXT, a TEXT, v TEXT, t INTEGER)")
    avps.database.query("CREATE TABLE q AS SELECT * FROM p")
    names = {"uuid": "i", "username": "u", "domain": "d", "attribute": "a", "value": "v", "type": "t"}
    more = "\n".join(f'modparam("MODULE", "{name}_column", "{value}")' for name, value in names.items())
    avps.run('$avp(x) = 1; db_store("$fu", "$avp(x)"); $avp(x) = 2; db_store("some-id", "$avp(x)/q");',
             more + '\nmodparam("MODULE", "TABLE", "p")')
    select = ("i", "u", "d", "a", "v", "t")
    assert avps.database.select("p", select) == [("", "alice", "example.com", "x", "1", 3)]
    assert avps.database.select("q", select) == [("some-id", "", "", "x", "1", 3), ("some-id", "", "", "x", "2", 3)]
    assert avps.run('db_load("some-id", "$avp(x)/q"); db_delete("some-id", "a/q");',
                    more + '\nmodparam("MODULE", "TABLE", "p")').avps == {"x": [2, 1]}
    assert avps.database.select("q", select) == []


def test_prefix(avps):
    fill(avps, ("", "alice", "example.com", "x", "v", 0))
    skipped = '""' if avps.dialect == "2.1" else ""
    assert avps.run(f'db_load("$fu", "$avp(x)", {skipped}, "caller_");').avps == {"caller_x": ["v"]}


def test_a_scheme(avps):
    more = 'modparam("MODULE", "db_scheme", "age:table=people;username_col=name;value_col=age;value_type=integer")\n' \
           'modparam("MODULE", "db_scheme", "word:table=people; uuid_col=name; value_col=word; domain_col=name")'
    run = avps.run("""
        db_load("$fu/username", "$avp(years)/$age"); $var(a) = $rc;
        db_load("alice", "$avp(word)/$word"); $var(b) = $rc; db_load("$ru/domain", "$avp(no)/$word"); $var(c) = $rc;""",
        more)
    assert (run.avps, run.variables) == ({"years": [7], "word": ["secret"]}, {"a": 1, "b": 1, "c": -1})


@pytest.mark.parametrize("body", ['db_load("$fu", "$avp(x)/$other");', 'db_load("$fu", "a/$age");',
                                  'db_store("$fu", "$avp(x)/$age");', 'db_delete("$fu", "$avp(x)/$age");',
                                  'db_load("", "$avp(x)");', 'db_load("$fu", "$var(x)");'])
def test_what_no_scheme_is_for(avps, body):
    with pytest.raises(AssertionError):
        avps.bench(body, 'modparam("MODULE", "db_scheme", "age:table=people;value_col=age")')


def test_values_that_would_be_sql(avps):
    hostile = "x'; DELETE FROM people; --"
    avps.run(f"""$avp(x) = "{hostile}"; db_store("{hostile}", "$avp(x)"); db_load("{hostile}", "$avp(x)");
                 db_delete("{hostile}2", "$avp(x)");""")
    assert avps.stored("uuid", "value") == [(hostile, hostile)] and len(avps.people()) == 3


def test_a_database_that_fails(avps):
    avps.database.query("DROP TABLE usr_preferences")
    assert avps.variables("""
        $avp(x) = 1; db_load("$fu", "a"); $var(a) = $rc; db_store("$fu", "$avp(x)"); $var(b) = $rc;
        db_delete("$fu", "a"); $var(c) = $rc;""") == {"a": -1, "b": -1, "c": -1}


def test_queries_of_21(asking_21):
    found = asking_21.run("""
        avp_db_query("select name, age from people order by name", "$avp(n);$avp(a)"); $var(a) = $rc;
        avp_db_query("select word from people where name = '$fU'"); $var(b) = $rc;
        $avp(id) = "0"; avp_db_query("select name from people where age = 99", "", "$avp(id)"); $var(c) = $rc;
        avp_db_query("nonsense", "", "0"); $var(d) = $rc; avp_db_query("select 1", "", "5"); $var(e) = $rc;""")
    assert found.variables == {"a": 1, "b": 1, "c": -2, "d": -1, "e": -1}
    assert {name: found.avps[name] for name in ("n", "a", "1")} == {
        "n": ["alice", "bob", "carol"], "a": [7, -3, "<null>"], "1": ["secret"]}
