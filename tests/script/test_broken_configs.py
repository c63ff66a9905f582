"""Ten broken configurations of different kinds: each mistake is reported once, in its place, with a fix that works.

A fix is followed as its edits have it; where it needs a decision, expected.json holds what a user who follows it would
write: text, and what takes its place.
"""
import json
import pathlib

import pytest

from opensips_py.script import configuration
from opensips_py.script.preprocessor import read_text
from opensips_py.script.remedies import applied

FOLDER = pathlib.Path(__file__).with_name("broken_configs")
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
FIXES = [(name, index) for name, errors in EXPECTED.items() for index in range(len(errors))]


def diagnostics(name, text):
    path = str(FOLDER / name)
    return configuration.read(path, read=lambda wanted: text if wanted == path else read_text(wanted)).diagnostics


def errors(found):
    return [each for each in found.in_order() if each.severity == "error"]


def edited(found, text, chosen):
    """*text* with the fixes of some errors followed; *chosen* pairs each with what expected.json says of it."""
    edits = []
    for error, (_, _, _, *follow) in chosen:
        if follow:
            assert error.help and follow[0] in text
            text = text.replace(follow[0], follow[1], 1) if not edits else text
        else:
            edits += found.edits_of(error)[0]
            assert found.edits_of(error)[0], str(error)
    return applied(text, edits)


@pytest.mark.parametrize("name", EXPECTED)
def test_each_mistake_is_reported_once_in_its_place(name):
    found = errors(diagnostics(name, read_text(str(FOLDER / name))))
    assert [[each.code, each.place.line, each.place.column] for each in found] == [each[:3] for each in EXPECTED[name]]
    assert all(each.help for each in found)


@pytest.mark.parametrize(("name", "index"), FIXES)
def test_a_fix_mends_what_it_is_for(name, index):
    text = read_text(str(FOLDER / name))
    found = diagnostics(name, text)
    mended = errors(found)[index]
    left = errors(diagnostics(name, edited(found, text, [(mended, EXPECTED[name][index])])))
    before = [each.message for each in errors(found)]
    before.remove(mended.message)
    assert sorted(each.message for each in left) == sorted(before)


@pytest.mark.parametrize("name", EXPECTED)
def test_all_fixes_make_it_right(name):
    text = read_text(str(FOLDER / name))
    for index in reversed(range(len(EXPECTED[name]))):
        found = diagnostics(name, text)
        text = edited(found, text, [(errors(found)[index], EXPECTED[name][index])])
    assert not errors(diagnostics(name, text)), text
