import pytest

from opensips_py.script import tree
from tests.script.script import messages, parsed


def body(text):
    script, diagnostics = parsed(f"route {{ {text} }}")
    assert not diagnostics.errors, diagnostics.render()
    return script.items[0].body


@pytest.mark.parametrize(("text", "kinds"), [
    ("$var(x) = 1; exit; drop(); return; return(1); return -1; exit();",
     [tree.Assign, tree.Exit, tree.Drop, tree.Return, tree.Return, tree.Return, tree.Exit]),
    ("if ($a) exit; else if ($b) drop; else { exit; drop; }", [tree.If]),
    ("while ($a) { break; }", [tree.While]),
    ("for ($var(x) in $(avp(y)[*])) exit;", [tree.ForEach]),
    ("switch ($a) { case 1: case -2: exit; break; default: drop; }", [tree.Switch]),
    ('assert($a == 1, "text"); async(f(1), r, 5); launch(f()); launch(f(), r, "x");',
     [tree.Assert, tree.Async, tree.Launch, tree.Launch]),
    ("{ exit; { drop; } }", [tree.Exit, tree.Drop]), (";;", []),
    ("route(x); route(1); route(\"y\", 1);", [tree.Do, tree.Do, tree.Do])])
def test_kinds(text, kinds):
    assert [type(each) for each in body(text)] == kinds


def test_else_belongs_to_the_last_if():
    (outer,) = body("if ($a) if ($b) exit; else drop;")
    assert not outer.otherwise and isinstance(outer.body[0].otherwise[0], tree.Drop)


def test_a_chain_of_else_if():
    (first,) = body("if ($a) exit; else if ($b) drop; else exit;")
    (second,) = first.otherwise
    assert isinstance(second, tree.If) and isinstance(second.otherwise[0], tree.Exit)


@pytest.mark.parametrize(("text", "count"), [
    ("return(1, 2, 3);", 3), ("return (1 + 2) * 3;", 1), ("return(1);", 1), ("return;", 0), ("return $var(x);", 1)])
def test_values_of_return(text, count):
    assert len(body(text)[0].values) == count


def test_return_ends_with_its_line():
    script, diagnostics = parsed("route { return\nexit; }")
    assert [type(each) for each in script.items[0].body] == [tree.Return, tree.Exit]
    assert messages(diagnostics) == ["missing ';' after this statement"]


def test_cases():
    (switch,) = body('switch ($a) { case 1: exit; case "x": default: drop; }')
    assert [(getattr(each.value, "value", None), len(each.body)) for each in switch.cases] == [
        (1, 1), ("x", 0), (None, 1)]


def test_an_empty_body_is_worth_a_warning():
    _, diagnostics = parsed("route { if ($a); exit; }")
    assert messages(diagnostics) == ["the body of if is empty"]


def test_what_follows_a_mistake_is_read():
    script, diagnostics = parsed("route { nonsense; if ($a = 1) { exit; } else { drop; } exit; }")
    assert len(diagnostics.errors) == 1  # both in one line
    assert [type(each) for each in script.items[0].body] == [tree.If, tree.Exit]
    assert isinstance(script.items[0].body[0].otherwise[0], tree.Drop)
