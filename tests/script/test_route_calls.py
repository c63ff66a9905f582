"""Routes with parameters and values: route[name](a, b), return value, $param."""
import pytest

from opensips_py.module.run import Route, Run
from tests.script.script import Patient, messages, read, right, run_of


def variables(body, more):
    return run_of(right(f"route {{\n{body}\n}}\n{more}"))[1].variables


def errors(body, more):
    return [(each.message, each.fix) for each in read(f"route {{\n{body}\n}}\n{more}").diagnostics.errors]


TIER = 'route[tier](str $user, int $limit = 3) { if ($user == "bob") return "gold"; return $limit; }'


def test_values():
    assert variables('local $a = route(tier, "bob"); local $b = route[tier]("eve"); local $c = route[tier]("eve", 7); '
                     '$var(a) = $a; $var(b) = $b; $var(c) = $c;', TIER) == {"a": "gold", "b": 3, "c": 7}
    assert variables('if (route(tier, "bob") == "gold") $var(x) = 1; if (route[tier]("eve", 9) == 9) $var(y) = 1;',
                     TIER) == {"x": 1, "y": 1}
    assert variables('switch (route[tier]("bob")) { case "gold": $var(x) = 1; break; default: $var(x) = 2; } '
                     '$var(n) = route[tier]("eve") + 1; $var(t) = "is " + route[tier]("bob");', TIER) == {
        "x": 1, "n": 4, "t": "is gold"}


def test_calls_within_calls():
    assert variables('local int $a = route[twice](route[twice](3)); $var(a) = $a; pv_printf($var(b), "$a"); '
                     'local int $c = route[down](4); $var(c) = $c;',
                     "route[twice](int $n) { return $n * 2; }\n"
                     "route[down](int $n) { if ($n == 0) return 10; return route[down]($n - 1); }") == {
        "a": 12, "b": "12", "c": 10}


def test_a_returned_zero_and_null_are_values_where_the_exact_value_counts():
    more = 'route[zero] { return 0; }\nroute[null] { return $var(none); }\nroute[digits] { return "0049"; }'
    assert variables("local $a = route(zero); $var(a) = $a; local $b = route[null](); $var(b) = $b; "
                     "local $c = route(digits); $var(c) = $c;", more) == {"a": 0, "b": None, "c": "0049"}


def test_what_old_scripts_know_stays():
    more = """route[text] { return("gold"); }
        route[null] { return($var(none)); }
        route[five] { $var(t) = "5"; return($var(t)); }
        route[zero] { return(0); }
        route[seven] { return 7; }"""
    assert variables("route(text); $var(a) = $rc; route(five); $var(b) = $rc; if (route(text)) $var(c) = 1; "
                     "$var(d) = route(five); $var(e) = route(null); if (route(seven) == 7) $var(f) = $rc;", more) == {
        "t": "5", "a": -1, "b": 5, "d": 5, "e": -1, "f": 7}
    for way in ("route(zero)", "$var(x) = route(zero)", "if (route(zero) == 0) $var(y) = 1"):
        code, run = run_of(right(f"route {{ {way}; $var(after) = 1; }}\n{more}"))
        assert (code, run.variables) == (0, {})


def test_exit_ends_the_script_through_any_number_of_calls():
    code, run = run_of(right("route { local $a = route[one](); $var(never) = $a; }\n"
                             "route[one] { local $b = route[two](); return $b; }\nroute[two] { exit; }"))
    assert (code, run.variables) == (0, {})


def test_texts_in_brackets_have_their_variables_replaced():
    more = "route[show](str $text) { $var(t) = $text; }\nroute[old] { $var(o) = $param(1); }"
    assert variables('$var(v) = 5; route[show]("v is $var(v)"); route(old, "v is $var(v)");', more) == {
        "v": 5, "t": "v is 5", "o": "v is $var(v)"}


def test_parameters():
    more = """route[all](int $a, str $b = "x", int $c = NULL) {
        $var(by_name) = $param(b); $var(by_number) = $param(1); $var(rest) = $param(4);
        $a += 1; $var(a) = $a; $var(b) = $b; $var(c) = $c; route(inner, "i"); $var(again) = $param(b);
        }
        route[inner] { $var(inner) = $param(1); $var(none) = $param(b); }"""
    assert variables("route(all, 4);", more) == {
        "by_name": "x", "by_number": 4, "rest": None, "a": 5, "b": "x", "c": None, "inner": "i", "none": None,
        "again": "x"}


def test_parameters_that_are_variables_stay_what_they_were():
    assert variables("route(old, 1, \"x\");", "route[old](a, b) { $var(c) = $var(b); }") == {"a": 1, "b": "x", "c": "x"}
    assert variables("route(mixed, 1, 2);", "route[mixed](a, int $b) { $var(c) = $b; }") == {"a": 1, "c": 2}


def test_types_of_arguments_that_only_the_run_knows(caplog):
    more = "route[n](int $n, str $t) { $var(n) = $n; $var(t) = $t; }"
    assert variables('$var(d) = "12"; $var(i) = 5; route[n]($var(d), $var(i));', more) == {
        "d": "12", "i": 5, "n": 12, "t": "5"}
    assert variables('$var(d) = "x"; route[n]($var(d), $var(d));', more)["n"] is None
    assert caplog.messages == ["test.cfg:4: parameter n of route[n] is an int, and 'x' is none: it becomes NULL"]


def test_a_route_that_a_variable_names_is_given_what_there_is(caplog):
    found = variables('$var(r) = "n"; route($var(r), 1, 2, 3);', "route[n](int $a) { $var(x) = $a + $param(3); }")
    assert found == {"r": "n", "x": 4} and not caplog.messages
    assert variables('$var(r) = "n"; route($var(r));', "route[n](int $a) { $var(x) = $a; }") == {"r": "n", "x": None}
    assert caplog.messages == ["test.cfg:4: route[n] was called without its parameter a"]


@pytest.mark.parametrize(("call", "message", "fix"), [
    ("route[tier]();", "route[tier] takes 1 to 2 arguments, not 0", "route[tier](str $user, [int $limit])"),
    ('route(tier, "a", 1, 2);', "route[tier] takes 1 to 2 arguments, not 3", "route[tier](str $user, [int $limit])"),
    ("route[tier](5);", "route[tier], argument 'user': a str is needed, and this is a number", 'write "5"'),
    ('route[tier]("a", "b");', "route[tier], argument 'limit': an int is needed, and this is a text", ""),
    ('route[tier]("a", "7");', "route[tier], argument 'limit': an int is needed, and this is a text",
     "write 7 without the quotes"),
    ('local str $n = "1"; route[tier]("a", $n);',
     "route[tier], argument 'limit': an int is needed, and this is a text", "write $(n{s.int})"),
    ("local int $a = route[name]();  $var(a) = $a;", "$a: an int is needed, and this is a text", ""),
    ("route[nobody]();", "there is no route[nobody]", ""),
])
def test_mistakes(call, message, fix):
    more = f'{TIER}\nroute[name] {{ return "x"; }}'
    ((found, said),) = errors(call, more)
    assert (found, said) == (message, said if message.startswith("there is") else fix)


@pytest.mark.parametrize(("head", "message"), [
    ("route[a](int $x = 1, int $y)", "$y needs a default, as the parameter before it has one"),
    ("route[a](int $x = $ru)", "the default of $x is a number, a quoted text or NULL"),
    ("route[a](int $x = \"1\")", "$x: an int is needed, and this is a text"),
    ("failure_route[a](int $x)", "a failure_route is called by nobody who could give it a parameter"),
    ("route[a](int $x, str $x)", "$x is declared twice in this block"),
])
def test_wrong_heads(head, message):
    assert [each for each, _ in errors("exit;", f"{head} {{ exit; }}")] == [message]


def test_warnings():
    assert messages(right("route { local $a = route[some](); $var(a) = $a; if (route(text)) exit; }\n"
                          "route[some] { if ($var(a)) return 1; }\nroute[text] { return \"x\"; }").diagnostics)[:2] == [
        "route[some] is called for its value here, and may end without return",
        "this route returns a text, which counts as false"]


def test_a_call_in_brackets_is_no_new_route():
    found = right('route { $var(x) = 1; route[a](1); if ($var(x)) route[a]("(b"); }\nroute[a](any $y) { $var(y) = $y; }'
                  "\nroute[b] { exit; }")
    assert sorted(found.routes.by_kind[Route.REQUEST]) == ["", "a", "b"]
    broken = read("route { $var(x) = 1;\nroute[a] { exit; }")
    assert messages(broken.diagnostics)[0] == "the block of route is not closed"


def test_a_value_survives_launch_and_async(caplog):
    """Their routes are called with one parameter, and with none."""
    found = right('route { launch(wait("x"), report, "p"); async(wait("y"), resume); }\n'
                  "route[report](str $what) { $avp(r) = $what + $param(what) + $rc; }\n"
                  "route[resume] { $avp(s) = $rc; }", modules=[Patient])
    children = []

    class Services:
        class transactions:
            prepare_wait = staticmethod(lambda run: None)

        @staticmethod
        def spawn(function, child, *arguments):
            function(child, *arguments)
            children.append(child)
    run = Run(Services(), found, Route.REQUEST, None)
    assert found.routes.main(run) == 0
    assert (run.avps, children[0].avps) == ({"s": [1]}, {"r": ["pp1"]})
