"""Long routes are compiled once; what is taken belongs to the very same tree."""
import ast

import pytest

from opensips_py.script import ready
from opensips_py.script.ready import Codes, fingerprint
from opensips_py.server import generation

LONG = "log_level=3\nloadmodule \"sl.so\"\nroute {\n" + "".join(
    f'\tif ($rU == "user{number}") xlog("$ci {number}\\n");\n' for number in range(120)) + "\texit;\n}\n"


def compiled(text, codes):
    made = generation.read("/x.cfg", {}, lambda path: text, codes)
    assert not made.diagnostics.errors
    return made


@pytest.fixture
def compiling(monkeypatch):
    """The number of trees that are compiled, in a list."""
    seen = []

    def noted(module, *more):
        seen.append(module)
        return compile(module, *more)
    monkeypatch.setattr(ready, "compile", noted, raising=False)
    return seen


def test_a_long_route_is_taken_as_it_was_compiled_elsewhere(compiling):
    first = Codes()
    one = compiled(LONG, first)
    assert len(compiling) == len(first.made) == 1
    second = Codes(first.made)
    other = compiled(LONG, second)
    assert len(compiling) == 1 and second.made == {}
    mine, theirs = one.routes.main.__code__, other.routes.main.__code__
    assert mine == theirs and mine.co_filename == "/x.cfg" and mine.co_firstlineno == theirs.co_firstlineno == 3
    assert other.routes.main.__globals__ is other.routes.namespace


def test_a_route_that_is_another_one_in_any_way_is_compiled(compiling):
    first = Codes()
    compiled(LONG, first)
    for text in (LONG.replace('"user7"', '"user8"'), LONG.replace("==", "!=", 1), f"#\n{LONG}"):
        compiling.clear()
        compiled(text, Codes(first.made))
        assert len(compiling) == 1, text


def test_short_routes_cost_less_than_looking_them_up(compiling):
    codes = Codes()
    compiled('log_level=3\nroute { xlog("x"); }', codes)
    assert codes.made == {} and len(compiling) == 1


def test_all_that_is_in_a_tree_counts():
    def key(text, file="a"):
        return fingerprint(ast.parse(text), file)
    assert key("x = 1") == key("x = 1")
    others = ("x = 1", "x = 2", "x = True", "y = 1", "x  = 1", "x = [1]", "x = (1,)", "x = '1'", "x = [1, 2]",
              "x = [1], 2", "x = [[1], 2]", "\nx = 1", "del x")
    assert len({key(text) for text in others}) == len(others)
    assert key("x = 1") != key("x = 1", "b")
    assert key(r"x = '\udcff'") != key(r"x = '\udcfe'")


def test_trees_are_given_back():
    modules = [ast.parse("def f():\n  x = 1\n  y = 2"), ast.parse("x = 1")]
    body = modules[0].body[0].body
    ready.dismantle(modules)
    assert modules == body == []
