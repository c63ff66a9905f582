"""The same on PostgreSQL and MariaDB: what is a value, what comes back, what the parts of operations mean."""
from __future__ import annotations

from tests.modules.bench import options
from tests.modules.sqlops import test_statements as statements
from tests.modules.sqlops import test_structured as structured


def routes(bodies):
    """A route for each of *bodies*."""
    return "\n".join(f"route[r{number}] {{ {body} }}" for number, body in enumerate(bodies))


def test_statements(asking_server):
    hostile = [f'$var(x) = $hdr(X-Name); sql_query("SELECT name FROM people WHERE {where}");'
               for where in statements.HOSTILE_PLACES]
    put = [f'{statements.HELD} sql_query_one("SELECT name FROM people WHERE {where}", "$var(name)");'
           for where, _ in statements.PUT_TOGETHER]
    back = f"{statements.THERE_AND_BACK} sql_query(\"DELETE FROM people WHERE name = 'dave'\");"
    quote = "`" if asking_server.database.dialect == "mysql" else '\\"'
    others = [back, f"""
        $var(table) = "people"; $var(part) = "eople"; $var(bad) = "people{quote}; DELETE FROM people; --";
        sql_query_one("SELECT COUNT(*) FROM {quote}p$var(part){quote}, $var(table) AS b", "$var(a)");
        sql_query("SELECT 1 FROM {quote}$var(bad){quote}"); $var(b) = $rc;
        sql_query_one("SELECT 1.5, CAST('2' AS CHAR(1)), NULL, CONCAT('a', '$var(part)')",
                      "$var(c);$var(d);$var(e);$var(f)");"""]
    if quote == "`":
        others.append("""$var(x) = "alice";
                         sql_query_one("SELECT age FROM people WHERE name = \\"$var(x)\\"", "$var(a)");""")
    bench = asking_server.bench("exit;", routes=routes([*hostile, *put, *others]))

    def run(number, headers=""):
        return dict(bench.run_on(bench.message(options(headers)), name=f"r{number}").variables)
    for number in range(len(hostile)):
        run(number, f"X-Name: {statements.HOSTILE}\r\n")
        assert len(asking_server.people()) == 3, hostile[number]
    names = [run(len(hostile) + number)["name"] for number in range(len(put))]
    assert names == [name for _, name in statements.PUT_TOGETHER]
    number = len(hostile) + len(put)
    for text in statements.TEXTS:
        assert run(number, f"X-Word: {text}\r\n") == statements.came_back(text)
    found = run(number + 1)
    assert [found[each] for each in "abcdef"] == [9, -1, "1.5", "2", None, "aeople"]
    if quote == "`":
        assert run(number + 2)["a"] == 7


def test_operations(asking_server):
    selects = [f"""{structured.HELD} sql_select('["name"]', "people", '{conditions}', "name", "$avp(n)");"""
               for conditions, _ in structured.CONDITIONS]
    bench = asking_server.bench("exit;", routes=routes(selects))
    found = [bench.run_on(bench.message(options("X-Name: bob\r\n")), name=f"r{number}").avps["n"]
             for number in range(len(selects))]
    assert found == [names for _, names in structured.CONDITIONS]
    structured.check_changing(asking_server)


def test_avps(asking_server):
    found = asking_server.run("""
        $avp(x) = "it's"; $avp(x) = 2; sql_avp_store("$fu", "$avp(x)"); $avp(x) := "gone";
        sql_avp_load("$fu", "a"); sql_avp_delete("$fu", "$avp(x)"); $var(a) = $rc; sql_avp_load("$fu", "a");
        $var(b) = $rc;""")
    assert (found.avps, found.variables) == ({"x": [2, "it's", "gone"]}, {"a": 1, "b": -1})
    assert asking_server.stored("id") == []
