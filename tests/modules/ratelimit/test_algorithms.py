"""What the algorithms decide, and the controller."""
import itertools

import pytest

from opensips_py.modules.ratelimit.algorithms import Gains, controlled, dropped_evenly, red, spread


@pytest.mark.parametrize(("kept", "out_of"), [(0, 10), (1, 10), (3, 10), (7, 30), (10, 10)])
def test_so_many_are_taken_evenly(kept, out_of):
    taken = [number for number in range(1, 3 * out_of + 1) if spread(number, kept, out_of)]
    assert len(taken) == 3 * kept
    gaps = {later - earlier for earlier, later in itertools.pairwise(taken)}
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_red_drops_only_after_an_interval_with_too_many():
    assert all(red(number, 10, 10) for number in range(1, 100))
    assert [number for number in range(1, 31) if red(number, 30, 10)] == list(range(3, 31, 3))
    assert not any(red(number, 30, 0) for number in range(1, 31))


@pytest.mark.parametrize("rate", [0, 1, 25, 50, 99, 100])
def test_a_rate_of_messages_is_dropped(rate):
    assert sum(not dropped_evenly(number, rate) for number in range(1, 101)) == rate


def test_the_controller_drops_more_while_the_load_is_too_high_and_less_when_it_is_not():
    gains, total, rates = Gains(), 0.0, []
    for error in (-0.2, -0.2, -0.2, 0.08, 0.28, 0.5, 0.5, -0.2):
        total, rate = controlled(gains, error, total, 0.0)
        rates.append(rate)
    assert rates == [5, 10, 15, 13, 6, 0, 0, 5]


def test_each_gain_has_its_effect():
    assert controlled(Gains(0, -50, 0), -0.2, 0.0, 0.0)[1] == 10
    assert controlled(Gains(0, 0, -50), -0.3, 0.0, -0.1)[1] == 10
    assert controlled(Gains(-1000, 0, 0), -0.9, 0.0, 0.0)[1] == 100
