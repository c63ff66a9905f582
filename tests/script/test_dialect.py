import pytest

from opensips_py.script.dialect import infer, is_guessed, marks
from tests.script.script import parsed


def inferred(text):
    script, diagnostics = parsed(text)
    return infer(script, diagnostics), [each.message for each in diagnostics.found]


@pytest.mark.parametrize(("text", "dialect"), [
    ("route { exit; }", "4.0"), ("children=4", "2.1"), ("listen=udp:127.0.0.1", "2.1"), ("debug=3", "2.1"),
    ("socket=udp:127.0.0.1", "4.0"), ("udp_workers=4", "4.0"), ("log_level=3", "4.0"),
    ("route { if (method == INVITE) exit; }", "2.1"), ("route { if (uri == myself) exit; }", "2.1"),
    ("route { launch(f()); }", "4.0"), ("dialect=2.1\nsocket=udp:127.0.0.1", "2.1"), ("dialect=4.0\nchildren=4", "4.0"),
    ("log_facility=LOG_LOCAL0\ncheck_via=1", "4.0"), ('loadmodule "uri.so"', "4.0")])
def test_what_gives_a_script_away(text, dialect):
    assert inferred(text) == (dialect, [])


def test_both_at_once_are_an_error_that_shows_both():
    script, diagnostics = parsed("children=4\nroute { launch(f()); }")
    infer(script, diagnostics)
    (found,) = diagnostics.errors
    assert (found.message, str(found.place), str(found.related[0][1])) == (
        "launch() is of the 4.0 dialect, and children= of the 2.1 dialect", "test.cfg:2:9", "test.cfg:1:1")


def test_a_dialect_that_is_none():
    assert inferred("dialect=3.1") == ("4.0", ["there is no dialect 3.1"])


def test_includes_count_as_one_file():
    script, diagnostics = parsed('include_file "a.cfg"\nroute { exit; }', {"a.cfg": "children=4"})
    assert infer(script, diagnostics) == "2.1"
    assert [what for _, what, _ in marks(script)] == ["children="]


@pytest.mark.parametrize(("text", "guessed"), [
    ("route { exit; }", True), ("check_via=1", True), ("dialect=4.0", False), ("children=4", False),
    ("route { launch(f()); }", False)])
def test_a_dialect_is_guessed_where_nothing_says_it(text, guessed):
    assert is_guessed(parsed(text)[0]) is guessed
