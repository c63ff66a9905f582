"""Locals: where they are seen, what they hold, and that nothing of them is left behind their block."""
import pytest

from opensips_py.module.run import Run
from tests.script.script import Patient, messages, parsed, read, right, run_of


def variables(body, more=""):
    """What the script leaves in $var."""
    return run_of(right(f"route {{\n{body}\n}}\n{more}"))[1].variables


def errors(body, more=""):
    """The errors of a script, with the text that each is about."""
    found = read(f"route {{\n{body}\n}}\n{more}", modules=[Patient])
    lines = found.diagnostics.texts["test.cfg"]
    return [(each.message, lines[each.place.line - 1][each.place.column - 1:][:each.place.length])
            for each in found.diagnostics.in_order() if each.severity == "error"]


def warned(body, more=""):
    return messages(right(f"route {{\n{body}\n}}\n{more}").diagnostics)


def test_values():
    assert variables('local $a = 5; local $b = $a + 1; local $c = "x" + $b; $var(a) = $a; $var(b) = $b; '
                     "$var(c) = $c;") == {"a": 5, "b": 6, "c": "x6"}
    assert variables('local $a = 5; $a = "x"; $var(a) = $a; $a := NULL; $var(b) = $a;') == {"a": "x", "b": None}
    assert variables('local $a = $var(none); if ($a == NULL) $var(b) = 1;') == {"b": 1}


def test_texts_have_their_variables_replaced():
    assert variables('$var(v) = 1; local $a = 2; local $t = "$var(v) and $a, $(a{s.len}), $$a"; $var(t) = $t; '
                     '$t = "again $a"; $var(u) = $t;') == {"v": 1, "t": "1 and 2, 1, $a", "u": "again 2"}


def test_the_innermost_declaration_counts():
    assert variables("""
        local $x = 1;
        if ($x == 1) { local $x = $x + 1; $var(in) = $x; { local $x = 9; $var(deep) = $x; } $var(back) = $x; }
        $var(out) = $x;""") == {"in": 2, "deep": 9, "back": 2, "out": 1}


def test_each_round_of_a_loop_has_its_own():
    assert variables("""
        local $n = 0;
        while ($n < 3) { local $seen; $seen = $n; $n += 1; $var(last) = $seen; }
        for (local $i in $(avp(list)[*])) { local $twice = $i * 2; $var(sum) = $twice; }""") == {"last": 2}


def test_changes():
    assert variables("""local int $n = 7; $n += 3; $n -= 1; $n *= 4; $n /= 2; $n %= 10; $n <<= 2; $n |= 1; $n &= 61;
        $n ^= 3; $n >>= 1; $var(n) = $n; local str $t = "a"; $t += "b"; $t += $n; $var(t) = $t;""") == {
        "n": 17, "t": "ab17"}


def test_what_cannot_be_computed_leaves_a_local_alone(caplog):
    assert variables('$var(t) = "x"; local $a = 5 + $var(t); local $b = 7; $b = $b + $var(t); $var(a) = $a; '
                     '$var(b) = $b;') == {"t": "x", "a": None, "b": 7}
    assert [each.partition(" keeps")[0] for each in caplog.messages] == ["test.cfg:2: $a", "test.cfg:2: $b"]


def test_changes_compute_in_both_dialects():
    assert run_of(right("dialect=2.1\nroute { local $n = 2; $n += 3; $var(n) = $n; }"))[1].variables == {"n": 5}


def test_a_variable_alone_in_a_text_fits_what_is_declared():
    assert variables('local int $n = 5; local str $s = "$n"; $var(s) = $s + "!"; local list $l = NULL; $l += 1; '
                     '$l += 2; local $t = "$l"; $var(t) = $t; local $same = "$n"; $var(n) = $same;') == {
        "s": "5!", "t": "1,2", "n": 5}


def test_types_of_what_only_the_run_knows(caplog):
    assert variables("""$var(digits) = "12"; $var(word) = "x"; $var(number) = 5;
        local int $a = $var(digits); local int $b = $var(word); local str $c = $var(number);
        local list $d = $var(number); local int $e = $var(none); $var(a) = $a + 1; $var(b) = $b; $var(c) = $c + "!";
        for ($var(d) in $d) $var(e) = $e;""")["a"] == 13
    assert caplog.messages == ["test.cfg:3: $b is an int, and 'x' is none: it becomes NULL"]
    found = variables('$var(n) = 5; local str $c = $var(n); local list $d = $var(n); $var(c) = $c + "!"; '
                      'for ($var(d) in $d) $var(e) = 1;')
    assert found == {"n": 5, "c": "5!", "d": 5, "e": 1}


def test_lists():
    assert variables("""
        $avp(a) = 1; $avp(a) = 2; $avp(a) = 3;
        local list $l = $(avp(a)[*]); $l += "x";
        $var(first) = $(l[0]); $var(last) = $(l[-1]); $var(none) = $(l[9]); $var(count) = $(l{csv.count});
        local $text = "<$l>"; $var(text) = $text;
        for (local $each in $l) { local $t = "$each"; $var(seen) = $t; }
        for (local $each in $(l[*])) $var(again) = $each;
        local list $none = NULL; for (local $each in $none) $var(never) = $each;""") == {
        "first": 3, "last": "x", "none": None, "count": 4, "text": "<3,2,1,x>", "seen": "x", "again": "x"}


def test_names_and_indexes_that_hold_locals():
    assert variables("""
        local $name = "n"; local $i = 1; local $size = 2;
        $avp($name) = "old"; $avp($name) = "new";
        $var(a) = $avp($name); $var(b) = $(avp($name)[$i]); $var(c) = $(avp(n){s.substr,$i,$size});
        $var($name) = 5; $name = "m"; $avp($name) = 6; $var(d) = $avp(m);""") == {
        "a": "new", "b": "old", "c": "ew", "n": 5, "d": 6}


def test_functions_are_given_locals():
    assert variables("""
        local $x = 5; pv_printf($var(a), "x is $x"); pv_printf("$var(b)", "$(x{s.len})");
        local str $out; pv_printf($out, "made"); $var(c) = $out;
        local int $n = 1; pv_printf($n, "12"); $var(d) = $n + 1;""") == {"a": "x is 5", "b": "1", "c": "made", "d": 13}


def test_a_function_may_leave_the_local_alone():
    found = variables("local int $s = 1; local int $us; get_timestamp($s, $us); if ($s > 1000) $var(s) = 1; "
                      "if ($us >= 0) $var(us) = 1;")
    assert found == {"s": 1, "us": 1}


def test_locals_of_a_route_and_of_the_route_it_calls_never_meet():
    assert variables("local $n = 3; route(down, 3); $var(n) = $n;", """
        route[down] { local int $n = $param(1); if ($n > 0) { route(down, $n - 1); $var(seen) = $var(seen) + $n; } }
        """.replace("$var(seen) + $n", "$n")) == {"seen": 3, "n": 3}


def test_nothing_stays_in_the_run():
    found = right('route { local $a = 1; local $b = "x$a"; $avp(x) = $b; exit; }')
    _, run = run_of(found)
    assert (run.variables, run.extra, run.avps) == ({}, None, {"x": ["x1"]})
    assert "run.variables" not in found.routes.dump()


def test_locals_survive_a_switch_of_cases():
    body = """local $x = %s; local $r;
        switch ($x) { case 1: local $y = "one"; $r = $y; break; case 2: $r = "two"; break; default: $r = "other"; }
        $var(r) = $r;"""
    assert [variables(body % n)["r"] for n in (1, 2, 3)] == ["one", "two", "other"]
    falling = "local $x = 1; switch ($x) { case 1: local $y = 1; $var(a) = $y; case 2: local $y = 2; $var(b) = $y; }"
    assert variables(falling) == {"a": 1, "b": 2}


@pytest.mark.parametrize(("body", "message", "at"), [
    ("local $a; $var(x) = $a;", "$a may be read here before it has a value", "$a"),
    ("local $a; if ($var(y)) $a = 1; $var(x) = $a;", "$a may be read here before it has a value", "$a"),
    ("local $a; if ($var(y)) $a = 1; else { $var(z) = 1; } $avp($a) = 1;", "$a may be read here before it has a value",
     "$avp($a)"),
    ("local $a; while ($var(y)) $a = 1; $var(x) = $a;", "$a may be read here before it has a value", "$a"),
    ("local $a; switch ($var(y)) { case 1: $a = 1; break; } $var(x) = $a;", "$a may be read here before it has a value",
     "$a"),
    ("local $a; $a += 1; $var(x) = $a;", "$a may be read here before it has a value", "$a"),
    ("local $a; local $t = \"$a\"; $var(x) = $t;", "$a may be read here before it has a value", '"$a"'),
    ("{ local $a = 1; $var(x) = $a; } $var(y) = $a;", "$a is unknown", "$a"),
    ("$var(y) = $a; local $a = 1; $var(x) = $a;", "$a is unknown", "$a"),
    ("local $a = $a; $var(x) = $a;", "$a is unknown", "$a"),
    ("local $a = 1; local $a = 2; $var(x) = $a;", "$a is declared twice in this block", "$a"),
    ("local $ru = 1; $var(x) = $ru;", "$ru is a pseudo-variable: a local cannot have its name", "$ru"),
    ("local int $a = \"x\"; $var(x) = $a;", "$a: an int is needed, and this is a text", '"x"'),
    ("local str $a = 5; $var(x) = $a;", "$a: a str is needed, and this is a number", "5"),
    ("local int $a = 1; $a = \"x\" + $var(q); $var(x) = $a;", "$a: an int is needed, and this is a text", "+"),
    ("local str $a = \"1\"; local int $b = $a; $var(x) = $b;", "$b: an int is needed, and this is a text", "$a"),
    ("local list $a = $(avp(x)[*]); local str $b = $a; $var(x) = $b;", "$b: a str is needed, and this is a list", "$a"),
    ("local int $a = 1; $a += \"x\"; $var(x) = $a;", "'+=' does not go with $a, which is a number, and a text", "+="),
    ("local str $a = \"x\"; setflag($a);", "setflag, argument 'flag': the name of a flag is a word or a number, not $a",
     "$a"),
    ("local list $a = $(avp(x)[*]); setdebug($a);", "setdebug, argument 'level': one value is needed, and this is a "
     "list", "$a"),
    ("local list $a = $(avp(x)[*]); $avp(y) = $a;", "$avp(y): one value is needed, and this is a list", "$a"),
    ("local number $a = 1;", "'number' is no type", "number"),
    ("local $var(x) = 1;", "the name of a local is $ and a word, found '$var(x)'", "$var(x)"),
    ("local $a += 1;", "a local is given its first value with =, found '+='", "+="),
])
def test_mistakes(body, message, at):
    assert errors(body) == [(message, at)]


def test_a_value_on_every_way_is_enough():
    assert not errors("""local $a; local $b; local $c; local $d;
        if ($var(x)) $a = 1; else if ($var(y)) exit; else { $a = 2; }
        switch ($var(x)) { case 1: $b = 1; break; default: $b = 2; }
        { $c = 3; }
        while ($var(z)) { $d = 1; $var(d) = $d; }
        $var(r) = $a + $b + $c;""")


def test_help_names_the_local_that_was_meant():
    found = read("route { local $counter = 1; $var(x) = $countr; { local $inner = 1; $var(y) = $inner; } "
                 "$var(z) = $inner; }").diagnostics.errors
    assert [each.fix for each in found] == ["did you mean $counter?",
                                            "declare $inner before the block that it is used behind"]
    assert found[1].related[0][0] == "that local belongs to its block"


def test_warnings():
    assert warned("local $a = 1;") == ["nothing reads $a"]
    assert warned('local $a = 1; $var(x) = "$a";') == [
        "$a is not replaced here: this text is taken as it stands"]
    assert warned('local int $a = 1; if ($a == "x") exit; local str $b = "1"; if ($b == 1) exit;') == [
        "a number never equals this text", "a text never equals a number"]


def test_a_function_called_local_is_called():
    script, diagnostics = parsed("route { local(1); }")
    assert script.of(type(script.items[0]))[0].body[0].call.name == "local" and not diagnostics.errors


def test_async_and_launch_may_read_locals_and_not_write_them():
    assert errors("local $a = 1; launch(wait_for($a, \"x\"));") == [
        ("$a is gone when the function of launch assigns it", "launch")]
    found = read("route { local $a = 1; async(wait_for($a, \"x\"), r); }\nroute[r] { exit; }",
                 modules=[Patient]).diagnostics.errors
    assert [each.message for each in found] == ["$a is gone when the function of async assigns it"]


def test_launch_takes_locals_as_they_are():
    found = right('route { local $a = 1; launch(wait_for($var(x), "$a"), done, "for $a"); $a = 2; $var(a) = $a; }\n'
                  'route[done] { $avp(seen) = $param(1) + $var(x); }', modules=[Patient])
    spawned = []

    class Services:
        @staticmethod
        def spawn(function, *arguments):
            spawned.append((function, arguments))
    run = Run(Services(), found, 1, None)
    found.routes.main(run)
    ((function, (child, *arguments)),) = spawned
    function(child, *arguments)
    assert (run.variables, child.avps) == ({"a": 2}, {"seen": ["for 11"]})


def test_old_scripts_become_the_same_code():
    """Nothing of the extension is in a script that does not use it."""
    dumped = right("route { $var(x) = 1; { $var(y) = 2; } route(a, 1); } route[a] { return($var(x)); }").routes.dump()
    assert not any(word in dumped for word in ("keep", "exact", "plain(", "returned(", "my_"))
