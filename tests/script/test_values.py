import pytest

from opensips_py.module.run import Route
from tests.script.script import messages, read, right, run_of


def value(expression, setup="", dialect="4.0"):
    found = right(f"dialect={dialect}\nroute {{ {setup} $var(result) = {expression}; }}")
    return run_of(found)[1].variables["result"]


@pytest.mark.parametrize(("expression", "expected"), [
    ("5", 5), ("-5", -5), ("010", 8), ("0x1f", 31), ('"text"', "text"), ("'raw\\n'", "raw\\n"), ('"a\\tb"', "a\tb"),
    ("NULL", None), ("yes", 1), ("10.0.0.1", "10.0.0.1"), ('"$var(n)"', "$var(n)"), ('"abc"{s.len}', 3),
    ('"a,b"{s.select,1,,}{s.toupper}', "B"), ("$var(n) + 1", 6), ("$var(n) - 1 - 1", 3), ("2 + 3 * 4", 20),
    ("(2 + 3) * 4", 20), ("7 % 4", 3), ("-7 / 2", -3), ("6 & 3 | 8", 10), ("1 << 4 >> 2", 4), ("~0", -1),
    ("-$var(n)", -5),
    ('"n" + $var(n)', "n5"), ('$var(t) + "y"', "xy"), ("5 + $var(none)", 5),
    ("$(var(t){s.len})", 1), ("$(avp(l)[1])", 1), ("$(avp(l)[-1])", 1), ("$(avp(l)[$var(one)])", 1), ("$cfg_line", 2),
    ("$var($var(name))", 5)])
def test_values(expression, expected):
    setup = '$var(n) = 5; $var(t) = "x"; $avp(l) = 1; $avp(l) = 2; $var(one) = 1; $var(name) = "n";'
    assert value(expression, setup) == expected
    assert value(expression, setup, "2.1") == expected


def test_unset_variables_are_null_in_every_run():
    found = right("route { if ($var(x) == NULL) $var(first) = 1; $var(x) = 1; }")
    assert [run_of(found)[1].variables for _ in range(2)] == [{"first": 1, "x": 1}] * 2


def test_a_variable_of_another_kind_of_route_has_no_message():
    """Where a run may begin without a message, what needs one is NULL."""
    found = right("route { route(a); }\ntimer_route[t, 5] { route(a); }\n"
                  "route[a] { $var(u) = $ru; $var(t) = \"$ru\"; }")
    assert run_of(found, Route.TIMER, "t")[1].variables == {"u": None, "t": "$ru"}


@pytest.mark.parametrize(("statement", "place"), [
    ('xlog("a\\\\b\\t$nothing");', "1:21"), ('xlog("$(ru{s.nothing})");', "1:20"),
    ('$var(x) = "abc"{s.nothing};', "1:25"),
    ("$var(x) = $(var(y){s.len}{s.nothing});", "1:35"), ("$var(x) = $(avp($nothing));", "1:25"),
    ("$var(x) = $(avp(a)[$nothing]);", "1:28")])
def test_places_inside_of_texts_and_variables(statement, place):
    (found,) = read(f"route {{ {statement} }}").diagnostics.errors
    assert str(found.place) == f"test.cfg:{place}"


def test_a_definition_has_the_place_of_its_use():
    (found,) = read('#!define TEXT "a\\t$nothing"\nroute {\n  xlog(TEXT);\n}').diagnostics.errors
    assert (found.place.line, found.message) == (3, "$nothing is unknown") and 8 <= found.place.column <= 13


def test_bare_words_and_conditions_are_no_values():
    found = read('dialect=2.1\nroute { $var(a) = word; $var(b) = (1 == 1 && 2 == 2); $var(c) = myself; }')
    assert messages(found.diagnostics)[:1] == ["'word' is no value"]
    assert {each.message for each in found.diagnostics.errors} == {
        "'word' is no value", "a condition is no value", "'myself' is no value by itself"}
