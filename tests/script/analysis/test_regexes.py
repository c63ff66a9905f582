"""Expressions that can take very long."""
import pytest

from opensips_py.script.analysis.regexes import reason
from tests.script.analysis.found import warnings


@pytest.mark.parametrize("text", [
    "^(a+)+$", "(a*)*b", "^([a-z]+)*$", "(.*)*x", "^(a|a)*$", "^(a|ab?)*$", "([0-9]|[0-5])+x", "((a+)+)+$",
    "^(a+|b)*c+(d*)*$",
    "^(x+x+)+y", "(a{1,60}){1,60}", "^.*.*.*$", "^(\\w+)+@", "([[:alnum:]]+)*:$"])
def test_what_can_explode(text):
    assert reason(text)


@pytest.mark.parametrize("text", [
    "^sip:", "^(sips?|tel):", "^[0-9]+$", "^(\\+|00)[1-9][0-9]{4,14}$",
    "(INVITE|ACK)", "^(a+b)+$", "^([a-z]+\\.)*example$",
    "sip:.*[@:]example\\.com", "(a+)+", "(a|b)*c", "^.*@.*$",
    "[[:alpha:]]+[[:digit:]]+$", "^(ab|cd)+$", "a{2,5}", "^(.*);", "\\(a+\\)+$",
    "^(foo|bar)*$", "[^]]+]"])
def test_what_cannot(text):
    assert not reason(text)


def test_where_expressions_stand():
    found = warnings('route { if ($rU =~ "^(a+)+$") drop; '
                     'if (t_check_status("^(4+)*$")) drop; if ($rU =~ "^a+$") drop; drop; }',
                     "W0109")
    assert len(found) == 2 and "a repetition stands within a repetition" in found[0]["message"]
