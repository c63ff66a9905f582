import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensips_py.script import operators as op

NUMBERS = st.integers(op.LOWEST, op.HIGHEST)


@pytest.mark.parametrize(("left", "right", "result"), [
    (1, 1, True), (1, 2, False), ("a", "A", True), ("a", "b", False), (5, "5", True), ("5", 5, True),
    (None, None, True), (None, "", False), ("", "", True), (0, None, False)])
def test_equality_of_variables(left, right, result):
    for dialect in op.BY_DIALECT.values():
        assert dialect.values["=="](left, right) is result and dialect.values["!="](left, right) is not result


def test_comparison_with_a_constant_number_wants_a_number():
    assert op.equals_number(5, 5)
    assert not op.equals_number("5", 5)
    assert not op.differs_number("x", 5) and op.differs_number(None, 5) and op.differs_number(4, 5)
    assert op.less_number(4, 5) and not op.less_number("4", 5) and not op.less_number(None, 5)
    assert op.greater_or_equal_number(5, 5) and not op.greater_number(5, 5) and op.less_or_equal_number(5, 5)


def test_comparison_with_a_constant_text_ignores_case():
    assert op.equals_text("INVITE", "invite") and op.equals_text(200, "200") and not op.equals_text(None, "")
    assert op.differs_text("bye", "invite") and not op.differs_text("InVite", "invite")
    assert op.differs_text(None, "invite") and not op.differs_text(5, "5")


def test_null_is_neither_less_nor_more():
    for compare in (op.less, op.less_or_equal, op.greater, op.greater_or_equal):
        assert not compare(None, 1) and not compare("a", None)
    assert op.is_null(None) and not op.is_null("") and op.is_set(0)


def test_order_of_numbers_and_of_texts():
    assert op.less(2, 10) and op.greater("2", "10") and op.less("A", "b") and op.less_or_equal("a", "A")
    assert op.greater_or_equal(3, 3) and not op.greater(3, 3)


def test_matching_ignores_case_and_null_never_matches():
    pattern = op.constant_expression("^sip:(bob|alice)@")
    assert op.matches_pattern("SIP:Bob@x", pattern) and op.lacks_pattern("sip:carol@x", pattern)
    assert not op.matches_pattern(None, pattern) and op.lacks_pattern(None, pattern)
    old = op.BY_DIALECT["2.1"].values["!~"]
    assert old(None, "a") and old("b", "a") and op.lacks(None, "a") and op.lacks("a", None) and not old("a", None)
    assert op.matches("sip:bob@x", "^SIP") and not op.lacks("sip:bob@x", "^SIP") and op.matches(180, "^1")
    assert not op.matches("a", None) and not op.matches("(", "(") and not op.lacks("(", "(")


def test_constant_expressions_are_checked():
    with pytest.raises(ValueError):
        op.constant_expression("(a")


@pytest.mark.parametrize(("value", "network", "result"), [
    ("10.1.2.3", "10.0.0.0/8", True), ("11.1.2.3", "10.0.0.0/8", False), ("10.1.2.3", "10.0.0.0/255.0.0.0", True),
    ("[2001:db8::1]", "2001:db8::/32", True), ("2001:db8::1", "10.0.0.0/8", False), ("host", "10.0.0.0/8", False),
    (None, "10.0.0.0/8", False), ("127.0.0.1", "127.0.0.1", True)])
def test_addresses_in_networks(value, network, result):
    assert op.in_network(value, op.network(network)) is result


@pytest.mark.parametrize(("operator", "left", "right", "result"), [
    ("+", 1, 2, 3), ("+", "1", "11", "111"), ("+", "a", 1, None), ("+", 1, "a", None), ("+", None, "a", "a"),
    ("+", "a", None, "a"), ("+", None, None, ""), ("+", 1, None, 1), ("+", None, 1, None), ("-", 5, 7, -2),
    ("-", "5", 1, None), ("-", 5, None, 5), ("*", 3, 4, 12), ("*", 3, None, 0), ("/", 7, 2, 3), ("/", -7, 2, -3),
    ("/", 7, 0, 0), ("/", "7", 2, None), ("%", 7, 3, 1), ("%", -7, 3, -1), ("%", 7, 0, 0), ("%", None, 3, None),
    ("&", 6, 3, 2), ("|", 6, 3, 7), ("^", 6, 3, 5), ("<<", 1, 4, 16), (">>", -16, 2, -4), ("&", None, 3, None),
    ("&", "6", "2", "2"), ("|", "6", "2", "6"), ("^", "6", "2", "\x04"), ("&", "66", "2", None), ("|", 6, "2", None)])
def test_arithmetic(operator, left, right, result):
    assert op.ARITHMETIC[operator](left, right) == result


def test_compound_assignments_leave_what_null_cannot_change():
    assert op.changed(op.add, 1, 2) == 3 and op.changed(op.add, "a", "b") == "ab" and op.changed(op.add, "a", 1) is None
    assert op.changed(op.add, 1, None) == 1 and op.changed(op.add, None, 1) is None
    assert op.changed(op.divide, 7, 0) is None and op.changed(op.modulo, 7, 0) is None


def test_a_number_in_a_variable_joins_a_text():
    assert op.add_variable("a", 1) == "a1" and op.add_variable(1, 2) == 3 and op.add_variable(1, "a") is None
    assert op.as_text(5060) == "5060" and op.as_text(None) is None


def test_numbers_have_32_bits():
    assert op.add(op.HIGHEST, 1) == op.LOWEST
    assert op.subtract(op.LOWEST, 1) == op.HIGHEST
    assert op.shift_left(1, 31) == op.LOWEST
    assert op.UNARY["~"](0) == -1 and op.UNARY["-"](op.LOWEST) == op.LOWEST and op.UNARY["-"]("a") is None


@given(NUMBERS, NUMBERS)
def test_results_never_leave_32_bits(left, right):
    for operation in op.ARITHMETIC.values():
        result = operation(left, right)
        assert result is None or op.LOWEST <= result <= op.HIGHEST


@given(NUMBERS, NUMBERS.filter(bool))
def test_division_and_rest_belong_together(left, right):
    quotient, rest = op.divide(left, right), op.modulo(left, right)
    assert op.add(op.multiply(quotient, right), rest) == left


def test_truth():
    assert op.is_true(1) and op.is_true(-1) and op.is_true("0")
    assert not op.is_true(0) and not op.is_true("") and not op.is_true(None)
