import ast

import pytest

from opensips_py.script import generate
from opensips_py.script.diagnostics import Place
from opensips_py.script.generate import Body, Namespace, located


def test_constants_need_no_name():
    names = Namespace()
    assert [ast.unparse(names.bind(each, "x")) for each in (5, "a", None, True)] == ["5", "'a'", "None", "True"]
    assert not names


def test_each_object_has_one_name():
    names, first, second = Namespace(), object(), object()
    assert [ast.unparse(names.bind(each, "reader of")) for each in (first, second, first)] == [
        "reader_of", "reader_of_2", "reader_of"]
    assert names["reader_of_2"] is second


@pytest.mark.parametrize(("hint", "name"), [("run", "run_2"), ("5x", "_5x"), ("", "value"), ("a-b", "a_b")])
def test_names_are_legal(hint, name):
    assert Namespace().unused(hint) == name


@pytest.mark.parametrize(("text", "opposite"), [
    ("a > 0", "a <= 0"), ("a is None", "a is not None"), ("a is not None", "a is None"), ("not a", "a"),
    ("a == 1", "not a == 1"),
    ("a", "not a")])
def test_opposites(text, opposite):
    assert ast.unparse(generate.negated(generate.parsed(text))) == opposite


def test_pieces():
    call = generate.call(generate.attribute("a.b"), generate.constant(1))
    assert ast.unparse(call) == "a.b(1)"
    assert ast.unparse(ast.fix_missing_locations(ast.Module([generate.assign("run.x", call)], []))) == "run.x = a.b(1)"


def test_blocks_within_blocks():
    body, place = Body(), Place("a.cfg", 3, 5)
    body.emit(ast.Pass(), place)
    with body.nested() as inner:
        body.emit(ast.Break(), place)
    assert (len(body.statements), len(inner), body.statements[0].lineno) == (1, 1, 3)
    assert (body.temporary(), body.temporary()) == ("t1", "t2")


def test_what_has_no_place_gets_that_around_it():
    inner = ast.Name("x", ast.Load())
    outer = generate.at(ast.Expr(inner), Place("a.cfg", 7, 2, 3))
    located(ast.Module([outer], []))
    assert (inner.lineno, inner.col_offset, inner.end_col_offset) == (7, 1, 4)


def test_depth_does_not_matter_to_places():
    node = ast.Name("x", ast.Load())
    for _ in range(5000):
        node = ast.UnaryOp(ast.Not(), node)
    located(ast.Module([ast.Expr(node)], []))
    assert node.lineno == 1
