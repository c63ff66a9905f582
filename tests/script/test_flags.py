import pytest

from opensips_py.script.flags import Flags


def test_numbers_are_their_own_bits_and_names_come_from_the_top():
    flags = Flags()
    assert (flags.number("message", "5"), flags.number("message", 6), flags.number("message", "NAT")) == (5, 6, 31)
    assert flags.number("message", "NAT") == 31 and flags.number("message", "OTHER") == 30
    assert flags.number("branch", "ANY") == 31
    assert flags.number("message", "1942") == 29


def test_names_of_what_is_set():
    flags = Flags()
    value = 1 << flags.number("message", "NAT") | 1 << flags.number("message", "3") | 1 << 7
    assert flags.text("message", value) == "3 7 NAT"
    assert flags.text("message", 0) == flags.text("other", 0) == ""


def test_outside_bits_count_in_the_order_of_the_script():
    flags = Flags()
    own = [1 << flags.number("branch", name) for name in ("NAT", "7", "OTHER")]
    assert [flags.outward("branch", each) for each in own] == [1, 2, 4] and flags.outward("branch", 1) == 0
    assert flags.inward("branch", 0xFD) == own[0] | own[2]


def test_there_are_32():
    flags = Flags()
    assert {flags.number("message", f"f{index}") for index in range(32)} == set(range(32))
    with pytest.raises(ValueError, match="32"):
        flags.number("message", "one more")
    with pytest.raises(ValueError):
        flags.number("branch", " ")
