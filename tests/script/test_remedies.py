"""Edits that follow a fix: the known mistakes are right after them."""
import pytest

from opensips_py.script.remedies import Edit, applied
from tests.script.broken import BROKEN
from tests.script.test_errors import errors, marked, read

MENDED = (  # by their edits alone
    "misspelt module", "unknown parameter", "unknown function", "function of a module that is not loaded",
    "unknown transformation", "wrong transformation of a text", "unknown core parameter", "unknown kind of route",
    "request_route", "quoted number in 4.0", "quoted variable in 4.0", "text for a modparam that is a number",
    "number for a modparam that is a text", "name without quotes", "named local route", "text without end",
    "raw text without end", "comment without end", "block without end", "block without end before a route",
    "one brace too many", "semicolon missing", "semicolon missing before a brace", "semicolon missing in a line",
    "comma missing", "parenthesis missing", "parenthesis of a call missing", "parenthesis too many",
    "assignment in a condition", "comparison as a statement", "elif", "misspelt while", "variable without a dollar",
    "word as a statement", "colon of a case missing", "octal number", "loadmodule without quotes",
    "modparam without quotes", "#!ifdef without end", "defined twice")


@pytest.mark.parametrize("name", MENDED)
def test_what_the_edits_mend(name):
    text, _ = marked(BROKEN[name][0])
    found = read(text)
    edits = [edit for each in errors(found) for edit in found.edits_of(each)[0]]
    assert edits
    assert not errors(read(applied(text, edits))), applied(text, edits)


@pytest.mark.parametrize("name", BROKEN)
def test_no_fix_without_doubt_makes_it_worse(name):
    text, _ = marked(BROKEN[name][0])
    found = read(text)
    before = errors(found)
    if name == "include without quotes":
        return  # there is no such file either
    sure = [edits for each in before for edits, is_sure in [found.edits_of(each)] if is_sure]
    for edits in sure:
        assert len(errors(read(applied(text, edits)))) < len(before)


def edit(line, column, end_line, end_column, text):
    return Edit("x", line, column, end_line, end_column, text)


@pytest.mark.parametrize(("edits", "after"), [
    ([edit(1, 1, 1, 4, "uno")], "uno\ntwo"), ([edit(2, 1, 2, 1, "new\n")], "one\nnew\ntwo"),
    ([edit(1, 4, 2, 1, " ")], "one two"), ([edit(2, 4, 2, 4, "!"), edit(1, 1, 1, 1, ">")], ">one\ntwo!"),
    ([edit(1, 1, 1, 4, "a"), edit(1, 2, 1, 3, "b")], "a\ntwo"), ([edit(1, 1, 1, 1, "x")] * 2, "xone\ntwo"),
    ([], "one\ntwo")])
def test_edits_applied(edits, after):
    assert applied("one\ntwo", edits) == after
