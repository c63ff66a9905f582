import traceback

import pytest

from opensips_py.module.run import Route
from tests.script.script import messages, read, right, run_of


def test_routes_by_kind_and_name():
    found = right("route { exit; }\nroute[a] { exit; }\nfailure_route[a] { exit; }").routes
    assert found.main is found.get(Route.REQUEST) is not None
    assert found.get(Route.REQUEST, "a") is not found.get(Route.FAILURE, "a")
    assert found.get(Route.BRANCH, "a") is None


def test_route_0_is_the_main_route():
    found = right('route[0] { if ($var(n) == "xxx") return(7); $var(n) = $var(n) + "x"; route(0); }')
    assert run_of(found)[0] == 7


def test_an_error_shows_the_lines_of_the_script():
    found = right("route {\n\n  $var(x) = $(ru{uri.user});\n}")
    with pytest.raises(AttributeError) as caught:
        run_of(found, message=object())
    frames = [(each.filename, each.lineno) for each in traceback.extract_tb(caught.tb)]
    assert ("test.cfg", 3) in frames


def test_the_dump_is_python():
    text = right('route { if ($rm == "INVITE") { setflag(A); exit; } route(a); }\n'
                 "route[a] { return(-1); }").routes.dump()
    compile(text, "dump", "exec")
    assert "def route(run):" in text and "def route_a(run):" in text and "== 'INVITE'" in text


def test_names_that_python_has_already():
    found = right('route { route(run); route(None); route(in); route(a-b); route(a.b); }\nroute[run] { $var(a) = 1; }\n'
                  'route[None] { $var(b) = 1; }\nroute[in] { $var(c) = 1; }\nroute[a-b] { $var(d) = 1; }\n'
                  'route[a.b] { $var(e) = 1; }')
    assert run_of(found)[1].variables == dict.fromkeys("abcde", 1)


def test_codes_are_kept_only_for_scripts_that_read_them():
    plain = right("route { setflag(A); $var(x) = 1; }").routes.dump()
    assert "run.rc" not in plain
    for reading in ("$rc", "$retcode", "$?", "$(rc)", "$(retcode{s.len})"):
        assert "run.rc" in right(f"route {{ setflag(A); $var(x) = {reading}; }}").routes.dump(), reading


def test_a_route_that_calls_itself():
    found = right("route { $var(n) = 0; route(down); }\n"
                  "route[down] { $var(n) = $var(n) + 1; if ($var(n) < 50) route(down); }")
    assert run_of(found)[1].variables["n"] == 50


def test_too_deep_for_python_is_an_error_of_the_route():
    inner = "while (1) { " * 25 + "break;" + " }" * 25
    found = read(f"route {{ exit; }}\nroute[deep] {{ {inner} }}")
    assert messages(found.diagnostics) == ["route[deep] is nested too deeply"]
