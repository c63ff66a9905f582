"""Every row of the tables, walked by the records."""
from __future__ import annotations

import pytest

from opensips_py.errors import IllegalTransition
from opensips_py.transaction import tables
from opensips_py.transaction.tables import Event, Start, State, Stop

NAMES = ["INVITE client", "client", "INVITE server", "server"]
EACH = pytest.mark.parametrize("table", tables.TABLES, ids=NAMES)
# RFC 3261, 17 and RFC 6026: which timers each machine may run
TIMERS = [set("ABCDM"), set("EFK"), set("GHILT"), set("J")]


@EACH
def test_every_state_can_be_left_or_is_the_last(table):
    for state in {old for old, _ in table} | {new for new, _ in table.values()}:
        onward = {new for (old, _), (new, _) in table.items() if old is state}
        assert state is State.TERMINATED or onward - {state}, state


@pytest.mark.parametrize("table, first", list(zip(tables.TABLES, tables.FIRST_STATES, strict=True)), ids=NAMES)
def test_every_state_can_be_reached(table, first):
    reached = {first}
    for _ in State:
        reached |= {new for (old, _), (new, _) in table.items() if old in reached}
    assert reached == {old for old, _ in table}


@pytest.mark.parametrize("table, timers", list(zip(tables.TABLES, TIMERS, strict=True)), ids=NAMES)
def test_a_machine_runs_only_its_timers(table, timers):
    used = {action.timer for _, actions in table.values() for action in actions if isinstance(action, Start | Stop)}
    fired = {event.name[-1] for _, event in table if event.name.startswith("TIMER_")}
    assert used <= timers and fired <= timers and fired == {
        letter for letter in timers if any(event is Event["TIMER_" + letter] for _, event in table)}


@EACH
def test_whatever_is_started_can_fire(table):
    for new, actions in table.values():
        for action in actions:
            if isinstance(action, Start):
                assert (new, Event["TIMER_" + action.timer]) in table, (new, action)


@EACH
def test_messages_are_known_in_every_state(table):
    kinds = {event for _, event in table if not event.name.startswith("TIMER_")}
    states = {old for old, _ in table}
    missing = {(state.name, event.name) for state in states for event in kinds if (state, event) not in table}
    assert not missing


def test_records_walk_the_tables():
    from tests.transaction.world import World, request
    world = World()
    transaction = world.layer.open(request(world=world))
    assert transaction.state == State.PROCEEDING
    with pytest.raises(IllegalTransition, match="PROCEEDING has no row for TIMER_J"):
        transaction.step(Event.TIMER_J)
    with pytest.raises(IllegalTransition):
        transaction.step(99)
    assert transaction.step(Event.SUCCESS) == tables.Do.SEND
    assert transaction.state == State.ACCEPTED and transaction.expiring == Event.TIMER_L
