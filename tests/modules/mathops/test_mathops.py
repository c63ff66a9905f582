"""Decimal numbers in scripts."""
from __future__ import annotations

import pytest

from tests.modules.bench import variables


def result(call, settings="", dialect="4.0"):
    found = variables(f'if ({call}) $var(ok) = 1;', "mathops", settings=settings, dialect=dialect)
    return found.get("r") if found.get("ok") else None


@pytest.mark.parametrize(("expression", "expected"), [
    ("1 + 2 * 3", "7.000000"), ("(1 + 2) * 3", "9.000000"), ("7 / 2 - 1", "2.500000"), ("2 ^ 3 ^ 2", "64.000000"),
    ("-2 ^ 2", "4.000000"), ("7 % 4", "3.000000"), ("sqrt(16) + abs(-2)", "6.000000"), ("ln(e)", "1.000000"),
    ("log(1000)", "3.000000"), ("cos pi", "-1.000000"), ("floor(2.7) - ceil(2.2)", "-1.000000"),
    (".5 * 1e2", "50.000000"),
])
def test_expressions(expression, expected):
    assert result(f'math_eval("{expression}", $var(r))') == expected


@pytest.mark.parametrize("expression", ["", "1 +", "(1", "1)", "2 3", "sqr(4)", "1 / 0", "sqrt(-1)", "1 $$ 2",
                                        "exp(999)"])
def test_expressions_that_have_no_value(expression):
    assert result(f'math_eval("{expression}", $var(r))') is None


def test_variables_in_an_expression():
    found = variables('$var(a) = "1.5"; math_eval("$var(a) * ($var(a) - 1)", "$var(r)");', "mathops", dialect="2.1")
    assert found["r"] == "0.750000"


def test_digits_of_results():
    assert result('math_eval("2 / 3", $var(r))', 'modparam("mathops", "decimal_digits", 2)') == "0.67"
    assert result('math_rpn("2 3 /", $var(r))', 'modparam("mathops", "decimal_digits", 2)') == "0.67"


@pytest.mark.parametrize(("expression", "expected"), [
    ("1 3 swap swap dup drop / exp ln 1 swap /", "3.000000"), ("7 4 mod 2 pow", "9.000000"), ("2 neg abs", "2.000000"),
    ("e ln", "1.000000"), ("100 log10 sqrt", "1.414214"), ("27 cbrt", "3.000000"), ("2.5 round", "3.000000"),
    ("2.5 nearbyint", "2.000000"), ("-2.7 trunc", "-2.000000"), ("2.7 floor 2.2 ceil -", "-1.000000"),
    ("pi", "3.141593"),
    ("1 2 3 drop +", "3.000000"), ("6 3 * 2 -", "16.000000"),
])
def test_reverse_polish_notation(expression, expected):
    assert result(f'math_rpn("{expression}", $var(r))') == expected


@pytest.mark.parametrize("expression", ["", "1 2", "+", "1 +", "x", "1 0 /", "nan", "dup", "-", "1 swap"])
def test_reverse_polish_notation_that_has_no_value(expression):
    assert result(f'math_rpn("{expression}", $var(r))') is None


@pytest.mark.parametrize(("call", "expected"), [
    ('math_trunc("3.7", $var(r))', 3), ('math_trunc("-2.9", $var(r))', -2), ('math_floor("-2.9", $var(r))', -3),
    ('math_floor("3.7", $var(r))', 3), ('math_ceil("3.2", $var(r))', 4), ('math_ceil("-2.9", $var(r))', -2),
    ('math_round("1.2", $var(r))', 1), ('math_round("0.5", $var(r))', 1), ('math_round("-0.5", $var(r))', -1),
    ('math_round("3.141492", $var(r), 4)', "3.1415"), ('math_round_sf("17892.987", $var(r), 2)', "18000.000000"),
    ('math_round_sf("17892.987", $var(r), 7)', "17892.99"), ('math_round_sf("17892.987", $var(r), 6)', "17893.0"),
    ('math_round_sf("3.141492", $var(r), 4)', "3.141"), ('math_round_sf("0", $var(r), 3)', "0.00"),
    ('math_compare("1 + 8", "7/2", $var(r))', 1), ('math_compare("1", "7/2", $var(r))', -1),
    ('math_compare("4/2", "2", $var(r))', 0), ('math_trunc("three", $var(r))', None), ('math_ceil("", $var(r))', None),
    ('math_compare("1", "x", $var(r))', None), ('math_floor("1e999", $var(r))', None),
])
def test_roundings_and_comparison(call, expected):
    assert result(call) == expected
