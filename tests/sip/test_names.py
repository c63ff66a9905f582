"""Header names and their numbers."""
import pytest

from opensips_py.sip import COMPACT_FORMS, HEADER_NAMES, HeaderId, header_name


def test_numbers_and_names_agree():
    for number, name in enumerate(HEADER_NAMES, start=1):
        assert HeaderId(number).name == name.upper().replace("-", "_")
    assert len(HEADER_NAMES) == HeaderId.HEADER_IDS - 1


@pytest.mark.parametrize("name", HEADER_NAMES)
def test_names_are_found_in_any_case(name):
    assert header_name(name.lower()) == header_name(name.upper()) == name


@pytest.mark.parametrize(("letter", "number"), COMPACT_FORMS.items())
def test_compact_forms_are_the_same_header(letter, number):
    assert header_name(letter) == header_name(letter.upper()) == HEADER_NAMES[number - 1]


@pytest.mark.parametrize("name", ["X-Other", "Vi", "Viaa", "z", "", "Call_ID", "C%6Fntact", "x" * 80])
def test_other_names_stay(name):
    assert header_name(name) == name
