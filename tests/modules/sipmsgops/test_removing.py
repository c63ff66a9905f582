"""Headers taken out by name and by pattern, and found by pattern."""
from __future__ import annotations

import pytest

from tests.modules.bench import Bench
from tests.modules.sipmsgops.test_headers import sent

HEADERS = "X-Bill-1: 1\r\nx-bill-2: 2\r\nSubject: tea\r\nX-Other: 3\r\nX-Bill-1: 4\r\n"


def left(call, dialect="4.0", headers=HEADERS):
    """The headers of ours that leave, and what the call returned."""
    lines, found = sent(f"{call}; $var(rc) = $rc;", dialect, headers=headers)
    return [each for each in lines if each[0] in "xXs" or each.startswith("Su")], found["rc"]


@pytest.mark.parametrize("dialect", ["2.1", "4.0"])
@pytest.mark.parametrize(("name", "expected", "code"), [
    ("X-BILL-1", ["x-bill-2: 2", "Subject: tea", "X-Other: 3"], 1),
    ("s", ["X-Bill-1: 1", "x-bill-2: 2", "X-Other: 3", "X-Bill-1: 4"], 1),
    ("X-Bill", ["X-Bill-1: 1", "x-bill-2: 2", "Subject: tea", "X-Other: 3", "X-Bill-1: 4"], -1)])
def test_headers_are_removed_by_name(name, expected, code, dialect):
    assert left(f'remove_hf("{name}")', dialect) == (expected, code)


@pytest.mark.parametrize(("call", "dialect"), [
    ('remove_hf("^x-bill-[0-9]", "r")', "2.1"), ('remove_hf("X-Bill*", "g")', "2.1"),
    ('$var(p) = "X-B*"; remove_hf("$var(p)", "g")', "2.1"),
    ('remove_hf_re("^x-bill-[0-9]$")', "4.0"), ('remove_hf_glob("X-Bill*")', "4.0"),
    ('remove_hf_glob("x-bill-[!3-9]")', "4.0"), ('remove_hf_glob("X-????-[12]")', "4.0"),
    ('$var(p) = "X-B*"; remove_hf_glob($var(p))', "4.0")])
def test_headers_are_removed_by_a_pattern(call, dialect):
    assert left(call, dialect) == (["Subject: tea", "X-Other: 3"], 1)


@pytest.mark.parametrize(("call", "dialect"), [
    ('remove_hf("^bill", "r")', "2.1"), ('remove_hf("bill*", "g")', "2.1"),
    ('remove_hf_re("^bill")', "4.0"), ('remove_hf_glob("bill*")', "4.0"), ('remove_hf_glob("X.Bill*")', "4.0"),
    ('remove_hf_glob("X-Bill-[!1-2]")', "4.0"), (r'remove_hf_glob("X-Bill-\\*")', "4.0")])
def test_nothing_is_removed_where_no_name_fits(call, dialect):
    found, code = left(call, dialect)
    assert (len(found), code) == (5, -1)


def test_wrong_flag_is_refused_when_the_script_compiles():
    with pytest.raises(AssertionError, match="is not one of r, g"):
        Bench("sipmsgops", 'remove_hf("X", "z");', dialect="2.1")


def test_names_and_values_of_headers_by_pattern():
    _, found = sent("""
        $var(rc) = get_glob_headers_values("x-bill*", $avp(names), $avp(values));
        $var(names) = $(avp(names)[*]); $var(values) = $(avp(values)[*]); $var(first) = $(avp(values)[0]);
        $var(none) = get_glob_headers_values("Y*", $avp(y), $avp(z)); $var(y) = $avp(y);""", headers=HEADERS)
    assert found["rc"] == 1 and found["none"] == -1 and found.get("y") is None
    assert (found["names"], found["values"], found["first"]) == ("X-Bill-1, x-bill-2, X-Bill-1", "4, 2, 1", "4")
