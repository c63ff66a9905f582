import logging
import os
from types import SimpleNamespace

import pytest

from opensips_py.module.run import Route
from tests.script import script
from tests.script.script import messages, read, right, run_of


def variables(statements, more="", settings="", **overrides):
    """The $var that statements leave behind."""
    code, run = run_of(right(f"{settings}\nroute {{ {statements} }}\n{more}", **overrides))
    return {"code": code, **run.variables}


@pytest.mark.parametrize(("statements", "expected"), [
    ("$var(a) = 5; $var(a) += 3; $var(a) -= 1; $var(a) *= 4; $var(a) /= 2; $var(a) %= 8;", 6),
    ("$var(a) = 12; $var(a) |= 3; $var(a) &= 6; $var(a) ^= 1;", 7),
    ("$var(a) = 1; $var(a) <<= 4; $var(a) >>= 1;", 8),
    ('$var(a) = "x"; $var(a) += "y";', "xy"), ("$var(a) := 5;", 5), ("$var(a) = NULL;", None),
    ("$var(a) = 2147483647; $var(a) += 1;", -2147483648), ("$var(a) = 7; $var(a) /= 0;", 7),
    ('$var(a) = 7; $var(a) = $var(a) - "x";', 7),
    ("$var(a) = 7; $var(a) += $var(none);", 7), ('$var(a) = "x"; $var(a) = $var(a) + 1;', "x")])
def test_assignments(statements, expected):
    assert variables(statements)["a"] == expected


def test_avps_are_stacks():
    _, run = run_of(right('route { $avp(x) = 1; $avp(x) = 2; $(avp(x)[1]) = 9; $avp(y) = 1; $avp(y) := 2; '
                          "$avp(z) = 1; $avp(z) = 2; $avp(z) = NULL; $avp(n) = 1; $avp(n) := NULL; "
                          "$var(top) = $avp(x); $var(all) = $(avp(x)[*]); }"))
    assert run.avps == {"x": [2, 9], "y": [2], "z": [1]}
    assert run.variables["top"] == 2


@pytest.mark.parametrize(("value", "path"), [(1, "a"), (2, "b"), (3, "bc"), (4, "d"), (7, "d")])
def test_switch_falls_through_until_a_break(value, path):
    found = variables(f"""$var(s) = {value}; $var(p) = "";
        switch ($var(s)) {{
            case 1: $var(p) = $var(p) + "a"; break;
            case 3: $var(p) = "b"; $var(p) = $var(p) + "c"; break;
            case 2: $var(p) = $var(p) + "b"; break;
            default: $var(p) = $var(p) + "d";
        }}""")
    assert found["p"] == path


@pytest.mark.parametrize(("value", "path"), [(1, "abc"), (2, "bc"), (3, "c"), (4, "c"), (9, "")])
def test_switch_without_breaks(value, path):
    found = variables(f"""$var(p) = ""; $var(s) = {value};
        switch ($var(s)) {{
            case 1: $var(p) = $var(p) + "a";
            case 2: $var(p) = $var(p) + "b";
            case 3: case 4: $var(p) = $var(p) + "c";
        }}""")
    assert found["p"] == path


@pytest.mark.parametrize(("value", "path"), [('"ONE"', "one"), ('"two"', "two"), ("1", "number"), ("NULL", "other")])
def test_switch_on_texts(value, path):
    found = variables(f"""$var(s) = {value};
        switch ($var(s)) {{
            case "one": $var(p) = "one"; break;
            case "two": $var(p) = "two"; break;
            case 1: $var(p) = "number"; break;
            default: $var(p) = "other"; break;
        }}""")
    assert found["p"] == path


def test_break_in_the_middle_of_a_case():
    found = variables("""$var(n) = 0; $var(s) = 1;
        switch ($var(s)) { case 1: if ($var(n) == 0) break; $var(n) = 5; break; case 2: $var(n) = 7; }
        $var(after) = 1;""")
    assert (found["n"], found["after"]) == (0, 1)


def test_break_leaves_the_innermost():
    found = variables("""$var(i) = 0; $var(n) = 0;
        while ($var(i) < 5) {
            $var(i) = $var(i) + 1;
            $var(j) = 0;
            while (1) { $var(j) = $var(j) + 1; if ($var(j) >= 3) break; }
            switch ($var(i)) { case 2: break; default: $var(n) = $var(n) + $var(j); }
            if ($var(i) == 4) break;
        }""")
    assert (found["i"], found["j"], found["n"]) == (4, 3, 9)


def test_while_is_bounded(caplog):
    settings = "max_while_loops=7"
    assert variables("$var(i) = 0; while (1) { $var(i) = $var(i) + 1; }", settings=settings)["i"] == 7
    assert caplog.messages == ["test.cfg:2: the loop ended after 7 rounds, see max_while_loops"]
    caplog.clear()
    assert variables("$var(i) = 0; while ($var(i) < 6) $var(i) = $var(i) + 1;", settings=settings)["i"] == 6
    assert not caplog.messages


def test_bounds_of_the_dialects():
    loop = "$var(i) = 0; while ($var(i) < 5000) { $var(i) = $var(i) + 1; }"
    assert variables(loop, settings="dialect=2.1")["i"] == 100
    assert variables(loop)["i"] == 5000


def test_for_each():
    found = variables("""$avp(l) = 3; $avp(l) = 2; $avp(l) = 1; $var(all) = ""; $var(first) = "";
        for ($var(v) in $(avp(l)[*])) { $var(all) = $var(all) + $var(v); }
        for ($var(w) in $(avp(l)[*])) { if ($var(w) == 2) break; $var(first) = $var(w); }
        for ($var(x) in $(avp(none)[*])) $var(never) = 1;""")
    assert (found["all"], found["first"]) == ("123", 1) and "never" not in found


# What a route returns

@pytest.mark.parametrize(("body", "code"), [
    ("return(5);", 5), ("return(-3);", -3), ("return;", 1), ("return $var(five);", 5), ('return("6");', 6),
    ('return("x");', -1), ("isflagset(NONE);", -1), ("setflag(A);", 1), ("$var(x) = -7;", 1),
    ("if ($var(five)) isflagset(NONE);", -1), ("if ($var(none)) isflagset(NONE);", 1),
    ("if ($var(five)) { setflag(A); } else isflagset(NONE);", 1),
    ("if ($var(none)) setflag(A); else if ($var(five)) isflagset(NONE);", -1),
    ("switch ($var(five)) { case 5: isflagset(NONE); break; default: setflag(A); }", -1),
    ("switch ($var(five)) { case 4: setflag(A); default: isflagset(NONE); }", -1),
    ("switch ($var(five)) { case 5: isflagset(NONE); case 6: setflag(A); }", 1),
    ("while ($var(none)) isflagset(NONE);", 1), ("route(five);", 5), ("isflagset(NONE); $var(x) = 1;", 1)])
def test_code_of_a_route(body, code):
    found = variables("$var(five) = 5; $var(none) = 0; setflag(B); route(sub); $var(rc) = $rc;", message_routes(body),
                      settings="log_level=1")
    assert found["rc"] == code


def message_routes(body):
    return f"route[sub] {{ {body} }}\nroute[five] {{ return(5); }}"


@pytest.fixture(autouse=True)
def with_a_request(monkeypatch):
    """Flags belong to a message; these runs have one."""
    made = script.Run

    def run(services, found, kind, message):
        return made(services, found, kind, message or SimpleNamespace(flags=0, is_request=True))
    monkeypatch.setattr(script, "Run", run)


@pytest.mark.parametrize("way", ["exit", "drop", "return(0)", "route(out)"])
def test_ways_out_end_the_whole_script(way):
    code, run = run_of(right(f"""route {{ $var(a) = 1; if (route(sub)) $var(b) = 1; else $var(b) = 2; $var(c) = 1; }}
        route[sub] {{ if ($var(a)) {{ while (1) {{ switch ($var(a)) {{ case 1: {way}; }} }} }} }}
        route[out] {{ exit; }}"""))
    assert (code, run.variables, run.dropped) == (0, {"a": 1}, way == "drop")


@pytest.mark.parametrize(("code", "held"), [(1, 1), (7, 1), (-1, 2), (-5, 2)])
def test_routes_as_conditions(code, held):
    found = variables(f"if (route(sub)) $var(h) = 1; else $var(h) = 2; $var(n) = 0; "
                      f"if (!route(sub) || route(sub) == {code}) $var(n) = 1;", f"route[sub] {{ return({code}); }}")
    assert (found["h"], found["n"]) == (held, 1)


def test_code_after_statements():
    found = variables("""isflagset(NONE); $var(function) = $rc; $var(assignment) = $retcode; route(sub);
        $var(route) = $?;
        if (isflagset(NONE)) exit; $var(condition) = $rc;""", "route[sub] { return(7); }")
    assert (found["function"], found["assignment"], found["route"], found["condition"]) == (-1, 1, 7, 0)


def test_return_values():
    found = variables('route(sub); $var(a) = $return(0); $var(b) = $return(1); $var(c) = $return(2);',
                      'route[sub] { $var(x) = "v"; return(3, $var(x), "is $var(x)"); }')
    assert (found["a"], found["b"], found["c"]) == ("v", "is v", None)


def test_parameters():
    found = variables("""route(a, 1, "two $var(n)", $var(n)); $var(outside) = $param(1);""", """
        route[a] { $var(one) = $param(1); route(b); $var(two) = $param(2); $var(none) = $param(4); }
        route[b] { $var(inner) = $param(1); }""")
    assert (found["one"], found["two"], found["inner"], found["outside"], found["none"]) == (
        1, "two $var(n)", None, None, None)


def test_named_parameters():
    found = variables("route(a, 1, 2);", "route[a](first, second, third) { $var(sum) = $var(first) + $var(second); "
                      "route(b); }\nroute[b](first) { $var(b) = 1; }")
    assert (found["sum"], found["third"], found["first"], found["b"]) == (3, None, None, 1)


def test_a_failed_assignment_is_logged_and_counts_as_false(caplog):
    caplog.set_level(logging.ERROR)
    found = right("route { route(a); $var(a) = $rc; $msg.flag(X) = 1; $var(b) = $rc; }\nroute[a] { $msg.flag(X) = 1; }")
    _, run = run_of(found, message=SimpleNamespace(is_request=True))  # without flags
    assert run.variables == {"a": -1, "b": -1}
    assert "test.cfg:1: the assignment to $msg.flag(X) failed" in caplog.text


def test_assert_where_it_is_on(monkeypatch):
    text = 'route { assert($var(x) == 1 && route(seen), "x is one"); $var(after) = 1; }\n' \
        "route[seen] { $var(s) = 1; }\nerror_route { $var(error) = $err.info; }"
    assert run_of(right(text))[1].variables == {"after": 1}
    assert run_of(right("enable_asserts=yes\n" + text))[1].variables == {"error": "x is one"}
    asked = []
    services = SimpleNamespace(control=SimpleNamespace(ask=lambda *what, **how: asked.append((what, how))))
    monkeypatch.setattr(os, "abort", lambda: asked.append("abort"))
    run_of(right("enable_asserts=yes\nabort_on_assert=yes\n" + text), services=services)
    assert asked == [(("stop",), {"status": 1}), "abort"]


def test_only_what_may_break_breaks():
    found = read("route { if (1) { break; } switch ($rc) { case 1: break; } while (1) { if (1) break; } break; }")
    assert messages(found.diagnostics) == ["'break' stands outside of a switch or a loop"] * 2


def test_every_kind_of_route_runs():
    found = right("""route { exit; }
        startup_route { $var(x) = $route.type; }
        timer_route[t, 5] { $var(x) = $route.type; }
        event_route[E_X] { $var(x) = $param(a); }
        local_route { drop; }
        error_route { $var(x) = 1; }
        branch_route[b] { $var(x) = 2; }
        failure_route[f] { return(-4); }
        onreply_route { $var(x) = 3; }
        onreply_route[r] { $var(x) = 4; }""")
    kinds = {(Route.STARTUP, ""): "startup_route", (Route.TIMER, "t"): "timer_route", (Route.ERROR, ""): 1,
             (Route.BRANCH, "b"): 2, (Route.ONREPLY, ""): 3, (Route.ONREPLY, "r"): 4}
    for (kind, name), value in kinds.items():
        assert run_of(found, kind, name)[1].variables["x"] == value
    assert run_of(found, Route.FAILURE, "f")[0] == -4
    assert run_of(found, Route.LOCAL)[1].dropped
    assert found.timers == [("t", 5)]
