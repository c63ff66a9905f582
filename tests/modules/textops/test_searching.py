"""Searching, and text put behind what was found."""
from __future__ import annotations

import pytest

from tests.modules.textops.sending import BODY, body_after, header_after, sent

DIALECTS = pytest.mark.parametrize("dialect", ["2.1", "4.0"])


@DIALECTS
@pytest.mark.parametrize(("call", "expected"), [
    ('search("^subject: .*TWO")', 1), ('search("^OPTIONS sip:bob@")', 1), ('search("^again")', -1),
    ('search("last$")', 1), ('search("one.two.three")', -1), ('search("line.*again")', -1),
    ('search_body("^FIRST a+gain")', 1), ('search_body("Subject")', -1), ('search_body("^Fir[^x]*Last")', -1),
])
def test_searching_goes_line_by_line_and_ignores_case(call, expected, dialect):
    assert sent(f"{call};", dialect)[1]["rc"] == expected


@DIALECTS
def test_no_body_has_no_match(dialect):
    for call in ('search_body("x*")', 'search_append_body("x*", "y")'):
        text, found = sent(f"{call};", dialect, content="")
        assert found["rc"] == -1 and text.endswith("\r\n\r\n")


def test_expression_may_stand_in_a_variable():
    assert sent('$var(re) = "^sub" + "ject"; search($var(re));')[1]["rc"] == 1
    assert sent('$var(re) = "^object"; search($var(re));')[1]["rc"] == -1


@DIALECTS
def test_text_is_appended_to_the_first_match(dialect):
    assert header_after('search_append("one", "-$rm")', dialect=dialect) == (["One-OPTIONS two one"], 1)
    assert body_after('search_append("Last$", "!")', dialect) == (BODY + "!", 1)
    assert header_after('search_append("nothing", "!")', dialect=dialect) == (["One two one"], -1)


@DIALECTS
def test_text_is_appended_in_the_body_alone(dialect):
    assert body_after('search_append_body("^first", "ly")', dialect) == (BODY.replace("First", "Firstly"), 1)
    assert body_after('search_append_body("Subject", "!")', dialect) == (BODY, -1)
    assert header_after('search_append_body("One", "!")', dialect=dialect) == (["One two one"], -1)


@DIALECTS
def test_start_line_stays_as_it_is(dialect):
    text, found = sent('search_append("OPTIONS sip", "x");', dialect)
    assert found["rc"] == -1 and text.startswith("OPTIONS sip:bob@192.0.2.2 SIP/2.0\r\n")


def test_what_was_added_is_not_searched():
    _, found = sent('search_append("one", "hidden"); search("hidden");')
    assert found["rc"] == -1
