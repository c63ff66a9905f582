"""Matches in bytes."""
from __future__ import annotations

import pytest

from opensips_py.module import Pattern
from opensips_py.modules.textops.matching import matches


@pytest.mark.parametrize(("expression", "newline", "found"), [
    ("^.", True, [(2, 3), (5, 6)]), ("^.", False, [(2, 3)]), ("b*", True, [(2, 2), (3, 4), (4, 4), (5, 5), (6, 6)]),
    ("z", True, [])])
def test_the_text_begins_at_the_start(expression, newline, found):
    pattern = Pattern(expression, newline=newline)
    assert [each[0] for each in matches(pattern, b"xxab\nc", 2)] == found


def test_groups_that_took_no_part():
    assert list(matches(Pattern("(a)|(b)"), b"-b", 1)) == [((1, 2), (-1, -1), (1, 2))]
