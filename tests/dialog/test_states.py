"""Each row of the table, and what has no row."""
from __future__ import annotations

import itertools

import pytest

from opensips_py.dialog import TABLE, Event, State, following


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)), ids=lambda each: each.name)
def test_what_follows(state, event):
    assert following(state, event) == TABLE.get((state, event), state)


def test_an_early_dialog_goes_on_after_a_bye():
    assert following(State.EARLY, Event.BYE) == State.EARLY and following(State.CONFIRMED, Event.BYE) == State.DELETED


def test_nothing_follows_the_end():
    assert {following(State.DELETED, event) for event in Event} == {State.DELETED}
