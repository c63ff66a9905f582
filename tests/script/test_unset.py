import pytest

from tests.script.script import messages, read, right

NEVER = "nothing ever sets $var(x): it is always NULL"


@pytest.mark.parametrize(("text", "warned"), [
    ("route { if ($var(x)) exit; }", True), ('route { xlog("$var(x)"); }', True), ("route { xlog($var(x)); }", True),
    ("route { $var(y) = $(var(x){s.len}); }", True), ("route { $var(x) += 1; }", False),
    ("route { $var(x) = 1; xlog($var(x)); }", False),
    ("route { xlog($var(x)); }\nroute[a] { $var(x) = 1; }", False),
    ("route { for ($var(x) in $(avp(y)[*])) xlog($var(x)); }", False),
    ('route { pv_printf($var(x), "a"); xlog($var(x)); }', False),
    ('route { pv_printf("$var(x)", "a"); xlog($var(x)); }', False),
    ("route { exit; }\nroute[a](x) { xlog($var(x)); }", False),
    ("route { $var($var(y)) = 1; xlog($var(x)); }", False)])
def test_what_nothing_sets(text, warned):
    assert messages(right(text).diagnostics) == ([NEVER] if warned else [])


def test_parameters_of_modules_may_set():
    """Here, of a module that answers a modparam with an error; what matters is that its text names the variable."""
    found = read('loadmodule "tm.so"\nmodparam("tm", "no_such", "$var(x)")\nroute { xlog($var(x)); }')
    assert messages(found.diagnostics) == ["module tm has no parameter no_such"]
