"""sql_query and sql_query_one: rows into variables, and nothing but values from variables."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from tests.modules.bench import Bench, options

HOSTILE = "x'; DELETE FROM people; --"


def test_rows_become_avps_the_first_one_being_the_newest(asking):
    found = asking.avps('sql_query("SELECT name, age FROM people ORDER BY name", "$avp(n); $avp(a)");')
    assert found == {"n": ["alice", "bob", "carol"], "a": [7, -3, "<null>"]}


def test_without_names_avps_have_numbers(asking):
    assert asking.avps('sql_query("SELECT name, age FROM people WHERE age > 0");') == {"1": ["alice"], "2": [7]}
    assert asking.avps('sql_query_one("SELECT name FROM people");') == {}  # which takes variables alone


def test_columns_without_an_avp_are_left_out(asking):
    assert asking.avps('sql_query("SELECT name, age FROM people WHERE age = 7", "$avp(n)");') == {"n": ["alice"]}


def test_values_are_added_to_those_that_avps_have(asking):
    found = asking.avps('$avp(n) = "old"; sql_query("SELECT name FROM people ORDER BY name", "$avp(n)");')
    assert found == {"n": ["alice", "bob", "carol", "old"]}


@pytest.mark.parametrize(("statement", "code"), [
    ("SELECT 1", 1), ("SELECT name FROM people WHERE age = 99", -2), ("SELECT nothing FROM people", -1),
    ("DELETE FROM people", -2), ("UPDATE people SET age = 1 WHERE age = 99", -2), ("no SQL", -1)])
@pytest.mark.parametrize("function", ["sql_query", "sql_query_one"])
def test_codes(asking, function, statement, code):
    assert asking.variables(f'{function}("{statement}", "$avp(x)"); $var(rc) = $rc;') == {"rc": code}


def test_one_row_goes_into_any_variables_and_null_stays_null(asking):
    found = asking.variables("""
        $var(b) = "before";
        sql_query_one("SELECT name, word FROM people ORDER BY name DESC", "$var(a);$var(b)"); $var(rc) = $rc;""")
    assert found == {"a": "carol", "b": None, "rc": 1}
    assert asking.avps('sql_query_one("SELECT name, age FROM people ORDER BY name", "$avp(a),\n $avp(b)");') == \
        asking.avps('sql_query_one("SELECT name, age FROM people ORDER BY name", "$avp(a);$avp(b)");') == {
        "a": ["alice"], "b": [7]}


@pytest.mark.parametrize("wanted", ["$var(a)", "$var(a);$var(b);$var(c)"])
def test_each_column_needs_its_variable(asking, wanted):
    found = asking.variables(f'sql_query_one("SELECT name, age FROM people", "{wanted}"); $var(rc) = $rc;')
    assert found == {"rc": -1}


def test_a_second_database_by_its_number(asking, tmp_path):
    import sqlite3
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE people (name TEXT)")
        other.execute("INSERT INTO people VALUES ('dave')")
    more = f'modparam("sqlops", "db_url", "3 sqlite://{tmp_path}/other.db")'
    for number in ("3", "$var(three)"):
        assert asking.avps(f'$var(three) = 3; sql_query("SELECT name FROM people", "$avp(n)", {number});', more) == {
            "n": ["dave"]}
        found = asking.variables(f'$var(three) = 3; sql_query_one("SELECT name FROM people", "$var(n)", {number});',
                                 more)
        assert found["n"] == "dave"
    assert asking.variables('sql_query("SELECT name FROM people", , 4); $var(rc) = $rc;', more) == {"rc": -1}


def test_the_default_of_the_script_will_do(asking):
    bench = Bench("db_sqlite sqlops")
    bench.registry.globals = {"db_default_url": asking.url}
    assert bench.module("sqlops").numbered(0).url.database.endswith("rows.db")


@pytest.mark.parametrize("body", ['sql_query("SELECT 1");', 'sql_select(,"people");', 'sql_delete("people");',
                                  'sql_avp_load("$fu", "$avp(x)");'])
def test_functions_need_a_database(body):
    with pytest.raises((ConfigError, AssertionError), match="db_url"):
        Bench("db_sqlite sqlops", body)
    Bench("db_sqlite sqlops", "exit;")  # what asks nothing does without


@pytest.mark.parametrize(("parameter", "value", "why"), [
    ("db_url", "mysql://u@h/d", "db_mysql"), ("db_url", "nothing", "looks like"), ("db_scheme", "x", "table"),
    ("db_url", "1x sqlite://x", "number"), ("db_scheme", "x:table=t;colour=red", "colour"),
    ("db_scheme", "x:uuid_col=u", "table"), ("db_scheme", "x:table=t;value_type=float", "integer")])
def test_wrong_parameters(asking, parameter, value, why):
    with pytest.raises((ConfigError, AssertionError, ValueError), match=why):
        asking.bench("exit;", f'modparam("sqlops", "{parameter}", "{value}")')


@pytest.mark.parametrize("body", ['sql_query("SELECT 1", "$var(a)");', 'sql_query_one("SELECT 1", "$ru;$time(%H)");',
                                  'sql_select("[1", "people");', 'sql_avp_store("$fu", "q");'])
def test_wrong_arguments(asking, body):
    with pytest.raises(AssertionError):
        asking.bench(body)


# Values

HOSTILE_PLACES = [
    "name = '$var(x)'", "name = $var(x)", "name='$hdr(X-Name)'", "name = $hdr(X-Name)", "name LIKE '$hdr(X-Name)'",
    "name LIKE $var(x)", "name = '$(var(x){s.escape.common})'", "name = $(var(x){s.escape.common})", "name < '$var(x)'",
    "name = 'a$(var(x){s.substr,1,0})'", "name <> '$var(x)' AND name = 'no one' -- $hdr(X-Name)\n",
    "age = $hdr(X-Name)", "name = '''$var(x)'"]


@pytest.mark.parametrize("where", HOSTILE_PLACES)
def test_whatever_a_variable_holds_is_a_value(asking, where):
    message = options(f"X-Name: {HOSTILE}\r\n")
    asking.run(f'$var(x) = $hdr(X-Name); sql_query("SELECT name FROM people WHERE {where}");', message=message)
    assert len(asking.people()) == 3


TEXTS = ["O'Brien", 'a"b', "back\\slash", "%_;--/*", "?", "ünï", "'quoted'", "two  words"]

THERE_AND_BACK = """
    sql_query("INSERT INTO people (name, word) VALUES ('dave', '$hdr(X-Word)')"); $var(rc) = $rc;
    sql_query_one("SELECT word FROM people WHERE name = 'dave'", "$var(a)");
    sql_query_one("SELECT name FROM people WHERE word = '$(hdr(X-Word){s.escape.common})'", "$var(b)");
    sql_query_one("SELECT name FROM people WHERE word = $hdr(X-Word)", "$var(c)");"""


def came_back(text):
    """What that leaves; outside of quotes, a text in quotes is what is in them."""
    return {"rc": -2, "a": text, "b": "dave", **({} if text == "'quoted'" else {"c": "dave"})}


@pytest.mark.parametrize("text", TEXTS)
def test_texts_come_back_as_they_were(asking, text):
    bench = asking.bench(THERE_AND_BACK)
    found = bench.run_on(bench.message(options(f"X-Word: {text}\r\n"))).variables
    assert found == came_back(text)


PUT_TOGETHER = [
    ("age = $var(seven)", "alice"), ("age = '$var(seven)'", "alice"), ("age = $avp(text)", "alice"),
    ("word = $var(quoted)", "alice"), ("$var(condition)", "bob"), ("name = '$var(part)ob'", "bob"),
    ("name IN ($var(list)) AND age = 7", "alice"), ("age IS $var(nothing)", "carol"), ("age = -$var(three)", "bob"),
    ("word = 'what?' OR name = '$var(part)ob'", "bob"), ("name = 'it''s ?' OR age = $var(seven)", "alice")]


HELD = """$var(seven) = 7; $avp(text) = "7"; $var(quoted) = "'secret'"; $var(condition) = "age < 0"; $var(part) = "b";
          $var(list) = "'alice', 'carol'"; $var(three) = 3;"""


@pytest.mark.parametrize(("where", "name"), PUT_TOGETHER)
def test_what_the_script_puts_together(asking, where, name):
    assert asking.variables(f'{HELD} sql_query_one("SELECT name FROM people WHERE {where}", "$var(name)");'
                            )["name"] == name


def test_tables_and_whole_statements_by_variables(asking):
    found = asking.variables("""
        $var(table) = "people"; $var(all) = "SELECT COUNT(*) FROM people";
        sql_query_one("SELECT COUNT(*) FROM $var(table)", "$var(a)");
        sql_query_one("$var(all)", "$var(b)"); sql_query_one($var(all), "$var(c)");
        sql_query_one("SELECT COUNT(*) " + "FROM people", "$var(d)");""")
    assert [found[each] for each in "abcd"] == [3, 3, 3, 3]


def test_quotes_that_are_no_apostrophes(asking):
    quote = "`" if asking.database.dialect == "mysql" else '\\"'
    found = asking.variables(f"""
        $var(column) = "name"; $var(bad) = "name{quote} FROM people; DELETE FROM people; --";
        sql_query_one("SELECT {quote}name{quote} FROM people WHERE age = $var(seven) OR age = 7", "$var(a)");""")
    assert found["a"] == "alice" and len(asking.people()) == 3


def test_double_quotes_hold_texts_where_they_do(asking):
    found = asking.variables("""$var(x) = "alice"; sql_query_one("SELECT age FROM people WHERE name = \\"$var(x)\\"",
                                                                 "$var(a)");
                                $var(y) = "name"; sql_query_one("SELECT age FROM people WHERE name = \\"$var(y)\\"",
                                                                 "$var(b)"); $var(rc) = $rc;""")
    assert (found["a"], found["rc"]) == (7, -2)  # and not the column `name`, which equals itself


@pytest.mark.parametrize(("setting", "expected"), [("", 5_000_000_000), ("1", "5000000000")])
def test_large_numbers(asking, setting, expected):
    more = f'modparam("sqlops", "bigint_to_str", {setting})' if setting else ""
    assert asking.avps('sql_query("SELECT 5000000000, 5", "$avp(a);$avp(b)");', more) == {"a": [expected], "b": [5]}


def test_kinds_of_values(asking):
    found = asking.avps('sql_query("SELECT 1.5, CAST(\'2\' AS CHAR(1)), NULL", "$avp(a);$avp(b);$avp(c)");')
    assert found == {"a": ["1.50000000"], "b": ["2"], "c": ["<null>"]}


def test_async(asking):
    bench = asking.bench('async(sql_query("SELECT name FROM people WHERE age = 7", "$avp(n)"), go);')
    assert "sql_query" in bench.registry.functions


def test_locals_are_values_too(asking):
    found = asking.variables("""
        local str $who = "alice"; local int $old = 7; local str $bad = "x' OR '1'='1";
        sql_query_one("SELECT name FROM people WHERE name = '$who' AND age = $old", "$var(a)"); $var(b) = "none";
        sql_query_one("SELECT name FROM people WHERE name = '$bad'", "$var(b)");
        sql_select_one('["age"]', "people", '[{"name":"$who"}]', , "$var(c)");""")
    assert found == {"a": "alice", "b": "none", "c": 7}
