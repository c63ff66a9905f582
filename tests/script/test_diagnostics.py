import pytest

from opensips_py.script.diagnostics import NOWHERE, Diagnostics, Place, did_you_mean, nearest


@pytest.fixture
def found():
    diagnostics = Diagnostics()
    diagnostics.add_text("a.cfg", "first line\n\tsecond\nthird")
    return diagnostics


def test_an_error_with_everything(found):
    found.error("it is wrong", Place("a.cfg", 2, 2, 6), "this", "write third", [("see there", Place("a.cfg", 1, 7, 4))])
    assert found.render() == """error[E0900]: it is wrong
 --> a.cfg:2:2
  |
2 | \tsecond
  | \t^^^^^^ this
  = note: see there
 --> a.cfg:1:7
  |
1 | first line
  |       ^^^^
  = help: write third

1 error found; nothing was started"""


def test_order_and_severity(found):
    found.note("c", Place("a.cfg", 3, 1))
    found.error("b", Place("a.cfg", 2, 5))
    found.warning("a", Place("a.cfg", 2, 1))
    found.error("nowhere", NOWHERE)
    assert [each.message for each in found.in_order()] == ["a", "b", "c", "nowhere"]
    assert [each.message for each in found.errors] == ["b", "nowhere"]
    assert "note[N0900]: c" in found.render(notes=True) and "note[N0900]: c" not in found.render()
    assert found.render().endswith("2 errors found; nothing was started")


def test_the_same_is_said_once(found):
    for _ in range(2):
        found.error("b", Place("a.cfg", 2, 5))
    assert len(found.found) == 1


def test_one_misreading_a_line(found):
    for column, line in ((1, 1), (5, 1), (2, 2)):
        found.misread("wrong", Place("a.cfg", line, column))
    assert [str(each) for each in found.found] == ["a.cfg:1:1: error: wrong", "a.cfg:2:2: error: wrong"]


def test_data(found):
    found.error("b", Place("a.cfg", 2, 5, 3), fix="f", related=[("r", Place("b.cfg", 1, 1))])
    here = {"start": {"line": 2, "column": 5}, "end": {"line": 2, "column": 8}}
    there = {"start": {"line": 1, "column": 1}, "end": {"line": 1, "column": 2}}
    assert found.as_data() == [{
        "code": "E0900", "severity": "error", "message": "b", "file": "a.cfg", "line": 2, "column": 5, "length": 3,
        "range": here, "label": "", "fix": "f", "edits": [], "applicability": "likely",
        "related": [{"message": "r", "file": "b.cfg", "line": 1, "column": 1, "length": 1, "range": there}]}]


@pytest.mark.parametrize(("name", "known", "found"), [
    ("t_rely", ["t_relay", "t_reply", "x"], "t_relay"), ("ROUTE", ["route"], "route"), ("xyz", ["abc"], ""),
    ("a", [], "")])
def test_the_nearest_name(name, known, found):
    assert nearest(name, known) in (found, "t_reply" if found else "")
    assert bool(did_you_mean(name, known)) is bool(found)


def test_places():
    assert str(Place("a", 1, 2)) == "a:1:2" and str(Place("a", 0, 0)) == "a"
    assert Place("a", 1, 2).inside(3, 4) == Place("a", 1, 5, 4)
