"""Conditions that hold always or never."""
import pytest

from tests.script.analysis.found import configured, warnings


def conditions(condition):
    return warnings(f"route {{ if ({condition}) drop; }}", "W0105")


@pytest.mark.parametrize(("condition", "what"), [
    ("$rU == 5", "always false: $rU is a text"), ("$si != 10", "always false"), ("$fu > 3", "always false"),
    ('$rm != "INVITE" || $rm != "ACK"', "always true: $rm cannot be both"),
    ('$rs == 200 && $rs == 404', "always false: $rs cannot be both"),
    ('$rU != "a" || $si == "x" || $rU != "b"', "always true")])
def test_what_decides_nothing(condition, what):
    (found,) = conditions(condition)
    assert what in found["message"]


@pytest.mark.parametrize("condition", [
    '$rU == "5"', "$rs == 200", "$var(x) == 5", "$avp(x) > 3", "$(rU{s.len}) == 5", "$ml > 100",
    '$rm == "A" || $rm == "B"',
    '$rm != "A" && $rm != "B"', '$rU != "a" || $rd != "b"', '$rU != "a" || $rU != "A"', "$rp == 5060"])
def test_what_decides(condition):
    assert conditions(condition) == []


def test_a_number_gets_its_quotes():
    found = configured("route { if ($rU == 100) drop; }").diagnostics
    (warning,) = [each for each in found.as_data() if each["code"] == "W0105"]
    assert warning["applicability"] == "sure" and warning["edits"][0]["text"] == '"100"'
    edit = warning["edits"][0]
    assert found.texts["x.cfg"][0][edit["column"] - 1:edit["end_column"] - 1] == "100"


def test_a_condition_tested_before():
    (found,) = warnings(
        'route {\nif ($rU == "a") drop;\nelse if ($rd == "b") drop;\nelse if ($rU == "a") drop;\n}', "W0105")
    assert (found["line"], found["related"][0]["line"]) == (4, 2)
    assert warnings("route { if (loose_route()) drop; else if (loose_route()) drop; }", "W0105") == []
