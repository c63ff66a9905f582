"""Variables that are read before anything sets them."""
import pytest

from tests.script.analysis.found import warnings


def reads(text):
    return [(each["message"].partition(")")[0] + ")", each["line"]) for each in warnings(text, "W0106")]


@pytest.mark.parametrize(("text", "line"), [
    ('route {\nxlog("$var(a)");\n$var(a) = 1;\ndrop;\n}', 2),
    ("route {\nif ($var(a) == 1) drop;\nroute(x);\ndrop;\n}\nroute[x] { $var(a) = 1; }", 2),
    ('route {\nt_on_failure("f");\n$var(a) = 1;\nt_relay();\n}\nfailure_route[f] {\nxlog("$var(a)");\n}', 7),
    ("route {\n$var(b) = $(var(a){s.len});\nroute(x, 1);\ndrop;\n}\nroute[x] { $var(a) = $param(1); }", 2)])
def test_a_read_too_early(text, line):
    assert reads(text) == [("$var(a)", line)]


@pytest.mark.parametrize("text", [
    'route { $var(a) = 1; xlog("$var(a)"); drop; }',
    'route { if ($rU) $var(a) = 1; xlog("$var(a)"); drop; }',
    "route { while ($rU) { if ($var(a) == 1) drop; $var(a) = 1; } drop; }",
    'route { $var(a) = 1; route(x); drop; } route[x] { xlog("$var(a)"); }',
    "route { pv_printf($var(a), \"x\"); if ($var(a)) drop; drop; }",
    "route { for ($var(a) in $(avp(x)[*])) xlog(\"$var(a)\"); drop; }",
    'route { $var($rU) = 1; xlog("$var(a)"); $var(a) = 1; drop; }',
    'loadmodule "cfgutils.so" modparam("cfgutils", "varset", "a=i:1") route { if ($var(a)) drop; $var(a) = 2; drop; }'])
def test_a_read_in_time(text):
    assert reads(text) == []


def test_what_to_do_in_a_later_route():
    (found,) = warnings(
        'route { t_on_failure("f"); $var(a) = 1; t_relay(); } failure_route[f] { xlog("$var(a)"); }', "W0106")
    assert "$avp(a)" in found["fix"] and found["related"][0]["message"] == "it is set here"
