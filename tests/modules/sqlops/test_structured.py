"""Operations whose parts are JSON."""
from __future__ import annotations

import pytest

from tests.modules.bench import options

HOSTILE = 'x","age":"1'


def test_selecting(asking):
    found = asking.avps("""sql_select('["name","age"]', "people", '[{"word":{"!=":null}}]', "age",
                                          "$avp(n);$avp(a)");""")
    assert found == {"n": ["bob", "alice"], "a": [-3, 7]}


def test_all_columns_and_all_rows(asking):
    assert asking.avps('sql_select(, "people", , "name");') == {
        "1": ["alice", "bob", "carol"], "2": ["secret", "", "<null>"], "3": [7, -3, "<null>"]}


@pytest.mark.parametrize(("order", "names"), [
    ("name", ["alice", "bob", "carol"]), ("name desc", ["carol", "bob", "alice"]),
    ("name ASC", ["alice", "bob", "carol"]), ("age desc, name", ["alice", "bob", "carol"])])
def test_the_order_of_rows(asking, order, names):
    assert asking.avps(f"""sql_select('["name"]', "people", , "{order}", "$avp(n)");""") == {"n": names}


CONDITIONS = [
    ('[{"name":"bob"}]', ["bob"]), ('[{"age":7},{"word":"secret"}]', ["alice"]),
    ('[{"age":{">":-5}}]', ["alice", "bob"]),
    ('[{"age":{">":-5}},{"age":{"<":0}}]', ["bob"]), ('[{"age":{">=":-3,"<=":-3}}]', ["bob"]),
    ('[{"age":null}]', ["carol"]), ('[{"age":{"=":null}}]', ["carol"]),
    ('[{"age":{"IS NOT":null}}]', ["alice", "bob"]),
    ('[{"name":{"LIKE":"%o%"}}]', ["bob", "carol"]), ('{"name":"bob"}', ["bob"]), ('[{"age":{"!=":7}}]', ["bob"]),
    ('[{"name":"$var(who)"}]', ["bob"]), ('[{"age":$var(number)}]', ["alice"]), ("$var(whole)", ["carol"]),
    ('[{"age":$var(nothing)}]', ["carol"]), ('[{"name":$hdr(X-Name)}]', ["bob"]), ("[$var(pair)]", ["bob"]), ("[]",
     ["alice", "bob", "carol"])]
HELD = """$var(who) = "bob"; $var(number) = 7; $var(whole) = '[{"name":"carol"}]'; $var(pair) = '{"name":"bob"}';"""


@pytest.mark.parametrize(("conditions", "names"), CONDITIONS)
def test_conditions(asking, conditions, names):
    found = asking.avps(f"""{HELD} sql_select('["name"]', "people", '{conditions}', "name", "$avp(n)");""",
                        message=options("X-Name: bob\r\n"))
    assert found == {"n": names}


@pytest.mark.parametrize(("call", "code"), [
    ("""sql_select('["name"]', "people", '[{"name":"nobody"}]')""", -2),
    ("""sql_select('["name"]', "people", , "name; DROP TABLE people")""", -1),
    ("""sql_select('["name"]', "nowhere")""", -1), ("""sql_select('[1]', "people")""", -1),
    ("""sql_select('["name"]', "people", '[{"name":{"; DROP":1}}]')""", -1),
    ("""sql_select('["name"]', "people", '[{"name":{"<":null}}]')""", -1),
    ("""sql_select('["name"]', "people", '["name"]')""", -1),
    ("""sql_update('[]', "people")""", -1), ("""sql_update('[{"name":{"=":1}}]', "people")""", -1),
    ("""sql_insert("people", '[{"name":"alice"}]')""", -1), ("""sql_delete("people", "$var(no)")""", -1),
    ("""sql_select_one('["name","age"]', "people", '[{"name":"bob"}]', , "$var(x)")""", -1)])
def test_codes(asking, call, code):
    assert asking.variables(f"""$var(no) = "["; {call}; $var(rc) = $rc;""")["rc"] == code


def test_one_row(asking):
    found = asking.variables("""
        sql_select_one('["name","word"]', "people", '[{"name":{">":"b"}}]', "name", "$var(n);$var(w)"); $var(a) = $rc;
        sql_select_one(, "people", '[{"name":"carol"}]', , "$var(x);$var(y);$var(z)");""")
    assert found == {"n": "bob", "w": "", "a": 1, "x": "carol", "y": None, "z": None}


def test_changing(asking):
    check_changing(asking)


def check_changing(asking):
    """All that changes rows, on any database."""
    found = asking.variables("""
        sql_update('[{"word":"$hdr(X-Word)"},{"age":8}]', "people", '[{"name":"alice"}]'); $var(a) = $rc;
        sql_insert("people", '[{"name":"dave"},{"word":null},{"age":$var(n)}]'); $var(b) = $rc;
        sql_delete("people", '[{"name":{"LIKE":"c%"}}]'); $var(c) = $rc;
        sql_replace("people", '[{"name":"bob"},{"age":4}]'); $var(d) = $rc;
        sql_replace("people", '[{"name":"eve"},{"age":5}]'); $var(e) = $rc;""",
        message=options(f"X-Word: {HOSTILE}\r\n"))
    assert found == dict.fromkeys("abcde", 1)
    assert asking.people() == [("alice", HOSTILE, 8), ("bob", None, 4), ("dave", None, None), ("eve", None, 5)]
    asking.run("""sql_update('[{"age":1}]', "people"); sql_delete("people", '[{"name":"eve"}]');""")
    assert [age for *_, age in asking.people()] == [1, 1, 1]
    asking.run('sql_delete("people");')
    assert asking.people() == []


@pytest.mark.parametrize("call", [
    """sql_select(, "people", '[{"name":"rest"}]', , "$avp(1);$avp(2);$avp(3)", 2)""",
    """sql_select_one(, "people", '[{"name":"rest"}]', , "$var(1);$var(2);$var(3)", 2)""",
    """sql_update('[{"age":1}]', "people", , 2)""", """sql_insert("people", '[{"name":"new"}]', 2)""",
    """sql_delete("people", , 2)""", """sql_replace("people", '[{"name":"rest"}]', 2)""",
    """sql_avp_load("$fu", "a", 2)""", """sql_avp_store("$fu", "$avp(x)", 2)""", """sql_avp_delete("$fu", "a", 2)"""])
def test_each_works_on_the_database_of_its_number(asking, tmp_path, call):
    from tests.modules.sqlops.asking import peopled
    other = peopled(f"sqlite://{tmp_path}/other.db")
    other.insert("people", {"name": "rest"})
    other.insert("usr_preferences", {"username": "alice", "domain": "example.com", "attribute": "y", "value": "z"})
    more = f'modparam("sqlops", "db_url", "2 sqlite://{tmp_path}/other.db")'
    before = asking.people(), asking.stored("id")
    assert asking.variables(f"$avp(x) = 1; {call}; $var(rc) = $rc;", more)["rc"] == 1
    assert (asking.people(), asking.stored("id")) == before
