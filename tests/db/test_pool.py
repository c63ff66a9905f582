"""Connections lent to one user at a time."""
from __future__ import annotations

import gevent
import pytest

from opensips_py.blocking import deadline
from opensips_py.db import Pool, QueryError


class Made:
    def __init__(self, number):
        self.number, self.alive, self.closed = number, True, False


@pytest.fixture
def made():
    return []


def pool(made, size=2):
    def connect():
        made.append(Made(len(made)))
        return made[-1]
    return Pool(size, connect, lambda each: setattr(each, "closed", True), lambda each: each.alive)


def test_what_comes_back_is_lent_again(made):
    lending = pool(made)
    for _ in range(3):
        with lending.lend() as one:
            assert one.number == 0
    with lending.lend() as one, lending.lend() as two:
        assert (one.number, two.number, lending.lent) == (0, 1, 2)
    assert lending.lent == 0


def test_one_that_has_ended_meanwhile_is_not_lent(made):
    lending = pool(made)
    with lending.lend():
        pass
    made[0].alive = False
    with lending.lend() as one:
        assert one.number == 1 and made[0].closed


@pytest.mark.parametrize(("error", "kept"), [(QueryError("no such table"), True), (RuntimeError("?"), False)])
def test_an_error_ends_it_unless_it_is_the_statements(made, error, kept):
    lending = pool(made)
    with pytest.raises(type(error)), lending.lend():
        raise error
    assert made[0].closed is not kept
    with lending.lend():
        assert len(made) == (1 if kept else 2)


def test_whoever_finds_none_free_waits(made):
    lending = pool(made, size=1)
    with lending.lend():
        with pytest.raises(TimeoutError), deadline(0.01), lending.lend():
            pass
        waiting = gevent.spawn(lambda: lending.lend().__enter__().number)
        gevent.sleep(0)
        assert not waiting.ready()
    assert waiting.get(timeout=1) == 0


def test_closing_ends_idle_ones_and_those_that_come_back(made):
    lending = pool(made)
    with lending.lend():
        with lending.lend():
            pass
        lending.close()
        assert [each.closed for each in made] == [False, True]
    assert made[0].closed


def test_idle_connections_are_closed_and_opened_again():
    made = []
    lending = pool(made, 2)
    with lending.lend():
        pass
    assert lending.idle == 1
    lending.clear()
    assert lending.idle == 0 and made[0].closed
    with lending.lend() as one:
        assert one.number == 1
