"""Routes written in Python: imported, called like routes and like functions, checked, and their errors placed."""
import logging
import sys

import pytest

from opensips_py.module import python_routes
from opensips_py.module.run import Route, Run
from tests.script.script import Patient, messages, read, right, run_of

HEAD = "from opensips_py.module import Route, ScriptMessage, route\n"
PRICES = HEAD + '''
PRICES = {"49": 3, "1": 0}

@route
def price(message: ScriptMessage, number: str, limit: int = 10) -> int:
    """What a minute to *number* costs."""
    message.var["asked"] = (message.var["asked"] or 0) + 1
    return min(PRICES.get(number[:2].rstrip("0"), 7), limit)

@route(name="tier")
def tier_of(number: str) -> str | None:
    return "gold" if number.startswith("49") else None

@route
def is_vip(number: str) -> bool:
    return number == "49"

@route
def many(*values: str) -> list[str]:
    return sorted(values)

@route
def nothing() -> None:
    pass
'''


def variables(body, python=PRICES, more=""):
    found = right(f'import_python "routing.py"\nroute {{\n{body}\n}}\n{more}', {"routing.py": python})
    return run_of(found)[1].variables


def refused(python):
    """The error of a file, and the line that it is in."""
    found = read('import_python "routing.py"\nroute { exit; }', {"routing.py": python}).diagnostics.errors
    return [(each.message, str(each.place).rpartition(":")[0]) for each in found]


def test_called_like_a_route_and_like_a_function():
    assert variables('local int $a = route(price, "491"); local int $b = route[price]("491", 2); '
                     '$var(c) = price("99"); if (price("49") == 3) $var(d) = 1; $var(a) = $a; $var(b) = $b;') == {
        "asked": 4, "a": 3, "b": 2, "c": 7, "d": 1}
    assert variables('$var(r) = "price"; route($var(r), "499", "5"); $var(rc) = $rc;') == {
        "r": "price", "asked": 1, "rc": 3}


def test_what_it_returns():
    assert variables('''if (tier("491") == "gold") $var(a) = 1; if (tier("1")) $var(b) = 1;
        if (tier("491")) $var(c) = 1; local $t = tier("1"); if ($t == NULL) $var(d) = 1;
        tier("1"); $var(e) = $rc; tier("49"); $var(f) = $rc;
        if (is_vip("49")) $var(g) = $rc; if (!is_vip("1")) $var(h) = $rc; nothing(); $var(i) = $rc;
        local $zero = price("1"); $var(zero) = $zero; price("1"); $var(j) = $rc; if (!price("1")) $var(k) = 1;''') == {
        "a": 1, "c": 1, "d": 1, "e": -1, "f": 1, "g": 1, "h": -1, "i": 1, "asked": 3, "zero": 0, "j": 0, "k": 1}


@pytest.mark.parametrize("way", [
    "leave()", "route(leave)", "if (leave()) $var(x) = 1", "local $a = leave(); $avp(a) = $a", "$var(y) = leave()",
    "route(sub)", "async(leave(), sub)"])
def test_the_end_of_the_script(way):
    python = HEAD + "@route\ndef leave(message: ScriptMessage) -> int:\n    message.exit()\n    return 1\n"
    script = f'import_python "routing.py"\nroute {{ {way}; $var(never) = 1; }}\nroute[sub] {{ leave(); $var(no) = 1; }}'
    found = right(script, {"routing.py": python})

    class Services:
        class transactions:
            prepare_wait = staticmethod(lambda run: None)
    run = Run(Services(), found, Route.REQUEST, None)
    assert found.routes.main(run) == 0
    assert (run.variables, run.avps) == ({}, {})


def test_lists():
    assert variables('local list $l = many("b", "a"); for (local $x in $l) { local $t = "$x"; $var(last) = $t; } '
                     'local $all = "$l"; $var(all) = $all; $var(count) = $(l{csv.count});') == {
        "last": "b", "all": "a,b", "count": 2}


def test_arguments_are_converted_and_checked(caplog):
    assert variables('$var(n) = 49; local $a = price($var(n), "2"); $var(a) = $a;'.replace('"2"', "$var(two)")
                     .replace("$var(n) = 49;", '$var(n) = 49; $var(two) = "2";')) == {
        "n": 49, "two": "2", "asked": 1, "a": 2}
    found = read('import_python "routing.py"\nroute { price(); price("1", 2, 3); route(price); price("1", "x"); '
                 'local int $a = tier("1"); $var(a) = $a; }', {"routing.py": PRICES})
    assert messages(found.diagnostics) == [
        "price takes 1 to 2 arguments, not 0", "price takes 1 to 2 arguments, not 3",
        "price takes 1 to 2 arguments, not 0", 'price, argument \'limit\': a number is needed, not the text "x"',
        "$a: an int is needed, and this is a text"]


def test_an_error_counts_as_false_and_names_both_places(caplog):
    python = HEAD + "@route\ndef broken(key: str) -> int:\n    return {}[key]\n"
    body = 'local $a = broken("x"); if ($a == NULL) $var(null) = 1; broken("y"); $var(rc) = $rc;'
    assert variables(body, python) == {"null": 1, "rc": -1}
    assert caplog.messages == ["test.cfg:3: broken: routing.py:4: KeyError: 'x'",
                               "test.cfg:3: broken: routing.py:4: KeyError: 'y'"]


def test_a_value_that_the_annotation_does_not_name_is_an_error(caplog):
    assert variables("wrong(); $var(rc) = $rc;", HEAD + "@route\ndef wrong() -> int:\n    return 'x'\n") == {"rc": -1}
    assert caplog.messages == ["test.cfg:3: wrong: routing.py: TypeError: wrong returned 'x', which its annotation "
                               "does not name"]


@pytest.mark.parametrize(("python", "message", "place"), [
    ("x = (1,\n", "cannot import this: '(' was never closed", "routing.py:1"),
    ("x = 1\ny = x +\n", "cannot import this: invalid syntax", "routing.py:2"),
    ("import nowhere_to_be_found\n", "cannot import this: ModuleNotFoundError: No module named 'nowhere_to_be_found'",
     "routing.py:1"),
    ("def f():\n    return 1 // 0\nf()\n", "cannot import this: ZeroDivisionError: integer division or modulo by zero",
     "routing.py:2"),
    (HEAD + "@route\ndef a(x) -> int:\n    return 1\n", "cannot import this: parameter x of a has no annotation",
     "routing.py:2"),
    (HEAD + "@route\ndef a(x: int):\n    return 1\n", "cannot import this: what a returns has no annotation: "
     "write -> int, -> str or -> None", "routing.py:2"),
    (HEAD + "@route\ndef a(*, x: int) -> int:\n    return 1\n",
     "cannot import this: a is called by position, so x cannot be given", "routing.py:2"),
    (HEAD + "@route\ndef xlog() -> int:\n    return 1\n", "xlog is declared by core and by routing.py", "routing.py:2"),
])
def test_what_is_wrong_is_said_of_the_python_file(python, message, place):
    assert refused(python) == [(message, place)]


def test_files_that_are_not_there():
    assert messages(read('import_python "none.py"\nroute { exit; }').diagnostics) == ["cannot find the file none.py"]
    found = read('import_python "empty.py"\nroute { exit; }', {"empty.py": "x = 1\n"})
    assert messages(found.diagnostics) == ["empty.py has no routes"]
    assert messages(read("import_python 5\nroute { exit; }").diagnostics) == [
        "import_python needs the name of a file in quotes, found '5'"]


def test_beside_the_file_that_imports():
    found = right('include_file "sub/more.cfg"\nroute { nothing(); $var(x) = $rc; }',
                  {"sub/more.cfg": 'import_python "routing.py"\n', "sub/routing.py": PRICES})
    assert run_of(found)[1].variables == {"x": 1}


def test_each_generation_has_its_own_code():
    first, second = (right('import_python "routing.py"\nroute { $var(x) = number(); }',
                           {"routing.py": f"{HEAD}@route\ndef number() -> int:\n    return {n}\n"}) for n in (1, 2))
    assert [run_of(each)[1].variables["x"] for each in (first, second)] == [1, 2]
    name = f"{python_routes.PACKAGE}.routing"
    assert [each for each in sys.modules if each.startswith(python_routes.PACKAGE)].count(name) == 1


def test_a_refused_file_leaves_the_one_before_in_place():
    right('import_python "routing.py"\nroute { exit; }', {"routing.py": PRICES})
    before = sys.modules[f"{python_routes.PACKAGE}.routing"]
    refused("1 // 0\n")
    assert sys.modules[f"{python_routes.PACKAGE}.routing"] is before


def test_where_it_may_be_called():
    python = HEAD + "@route(routes=Route.REQUEST)\ndef only() -> None:\n    pass\n"
    found = read('import_python "routing.py"\nroute { only(); }\nonreply_route { only(); }', {"routing.py": python})
    assert messages(found.diagnostics) == ["only cannot be called in an onreply_route"]


def test_a_script_route_of_the_same_name_is_the_route():
    assert variables('$var(a) = route(tier, "1");', more='route[tier] { return "script"; }') == {"a": "script"}


def test_one_that_waits_parks_the_run_first():
    python = HEAD + "@route(waits=True)\ndef slow(message: ScriptMessage) -> int:\n    return 4\n"
    found = right('import_python "routing.py"\nroute { $var(x) = slow(); async(slow(), done); }\n'
                  "route[done] { $var(rc) = $rc; }", {"routing.py": python})
    parked = []

    class Services:
        class transactions:
            prepare_wait = parked.append
    run = Run(Services(), found, Route.REQUEST, None)
    found.routes.main(run)
    assert run.variables == {"x": 4, "rc": 4} and len(parked) == 2


def test_as_the_route_to_resume_in_or_to_report_to():
    python = HEAD + "@route\ndef done(message: ScriptMessage, what: str = \"none\") -> None:\n" \
        "    message.avp.push(\"done\", f\"{what} {message['$rc']}\")\n"
    found = right('import_python "routing.py"\nroute { launch(wait("x"), done, "told"); async(wait("x"), done); }',
                  {"routing.py": python}, [Patient])
    children = []

    class Services:
        class transactions:
            prepare_wait = staticmethod(lambda run: None)

        @staticmethod
        def spawn(function, child, *arguments):
            children.append(child)
            function(child, *arguments)
    run = Run(Services(), found, Route.REQUEST, None)
    found.routes.main(run)
    assert (children[0].avps, run.avps) == ({"done": ["told 1"]}, {"done": ["none 1"]})


def test_the_traceback_is_in_the_log_of_a_developer(caplog):
    caplog.set_level(logging.DEBUG)
    variables("broken();", HEAD + "@route\ndef broken() -> int:\n    raise RuntimeError('why')\n")
    assert "raise RuntimeError" in caplog.text or "RuntimeError: why" in caplog.text
    assert any(each.exc_info for each in caplog.records)
