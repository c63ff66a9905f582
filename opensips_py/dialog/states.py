"""The states of a dialog that a proxy follows (RFC 3261, 12), as a table."""
from __future__ import annotations

from enum import IntEnum


class State(IntEnum):
    """Where a dialog stands; the numbers are those that $DLG_status and databases have."""

    UNCONFIRMED = 1  # an INVITE was let through, nothing came back
    EARLY = 2  # a provisional response came
    ANSWERED = 3  # a 2xx came, and no ACK yet
    CONFIRMED = 4  # the ACK came, too
    DELETED = 5  # it is over, or never came to be


class Event(IntEnum):
    """What may happen to a dialog."""

    PROVISIONAL = 1  # a response above 100 to the INVITE
    SUCCESS = 2  # a 2xx to the INVITE
    FAILURE = 3  # any other final response to the INVITE, or none at all
    ACK = 4  # for the 2xx
    BYE = 5
    END = 6  # its time is over, management ended it, a peer is gone


Table = dict[tuple[State, Event], State]

TABLE: Table = {
    (State.UNCONFIRMED, Event.PROVISIONAL): State.EARLY,
    (State.UNCONFIRMED, Event.SUCCESS): State.ANSWERED,
    (State.UNCONFIRMED, Event.FAILURE): State.DELETED,
    (State.EARLY, Event.SUCCESS): State.ANSWERED,
    (State.EARLY, Event.FAILURE): State.DELETED,
    # A BYE ends an early dialog (RFC 3261, 15), and the INVITE goes on until its final response: so no row for it.
    (State.ANSWERED, Event.ACK): State.CONFIRMED,
    (State.ANSWERED, Event.BYE): State.DELETED,  # the ACK may have taken another way, or got lost
    (State.ANSWERED, Event.END): State.DELETED,
    (State.CONFIRMED, Event.BYE): State.DELETED,
    (State.CONFIRMED, Event.END): State.DELETED,
}


def following(state: int, event: int) -> int:
    """The state after *event*; the same one where nothing changes."""
    return STEPS[state * 8 + event]


STEPS = [number // 8 for number in range(48)]  # the table again, by state * 8 + event
for (_state, _event), _new in TABLE.items():
    STEPS[_state * 8 + _event] = int(_new)
