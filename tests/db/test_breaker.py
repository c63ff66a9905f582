"""A circuit breaker on a clock of the test."""
from __future__ import annotations

from opensips_py.db import Breaker


def test_nobody_asks_for_a_while_then_one_does():
    breaker = Breaker(first=1, longest=4)
    assert breaker.allows(0) and breaker.allows(0)
    assert breaker.failed(0) and not breaker.is_closed
    assert not breaker.allows(0.9)
    assert breaker.allows(1.0) and not breaker.allows(1.0), "two at once tried it"
    assert not breaker.failed(1.0), "the second failure is no news"
    assert not breaker.allows(2.9) and breaker.allows(3.0)
    assert breaker.succeeded() and breaker.is_closed and not breaker.succeeded()


def test_the_while_doubles_and_has_an_end():
    breaker, now, waits = Breaker(first=1, longest=4), 0.0, []
    for _ in range(5):
        assert breaker.allows(now)
        breaker.failed(now)
        waits.append(breaker.until - now)
        now = breaker.until
    assert waits == [1, 2, 4, 4, 4]


def test_calls_that_were_under_way_count_once():
    breaker = Breaker(first=1)
    assert breaker.failed(0) and not breaker.failed(0.1) and not breaker.failed(0.2)
    assert breaker.until == 1


def test_an_attempt_without_an_outcome_is_made_again():
    breaker = Breaker(first=1)
    breaker.failed(0)
    assert breaker.allows(1)
    breaker.given_up()
    assert breaker.allows(1)
