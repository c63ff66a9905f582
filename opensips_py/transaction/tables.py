"""The four transactions of RFC 3261, 17 with RFC 6026 as tables: (state, event) -> (next state, actions).

They are the only state machine: the compiled records read them into arrays at import, tests walk every row.
"""
from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag


class State(IntEnum):
    """Where a transaction stands."""

    CALLING = 0  # INVITE client: sent, nothing heard
    TRYING = 1  # non-INVITE: nothing sent back, nothing heard
    PROCEEDING = 2
    COMPLETED = 3
    CONFIRMED = 4
    ACCEPTED = 5  # RFC 6026
    TERMINATED = 6
    ABANDONED = 7  # INVITE client: as CALLING, but to be cancelled as soon as a provisional response allows it
    CANCELLING = 8  # INVITE client: CANCEL has left
    ANSWERED = 9  # INVITE server: a 2xx of our own that waits for its ACK (RFC 3261, 13.3.1.4)


class Event(IntEnum):
    """What happens to a transaction."""

    PROVISIONAL = 0  # 1xx: received by a client, given by the transaction user to a server
    SUCCESS = 1  # 2xx
    FAILURE = 2  # 3xx to 6xx
    REQUEST = 3  # the request again
    ACK = 4
    CANCEL = 5  # the transaction user wants the request undone
    ANSWER = 6  # the transaction user answers an INVITE itself with a 2xx
    PARK = 7  # the transaction user will think for a while
    RELEASE = 8  # the transaction user has not answered: the transaction ends soon
    ERROR = 9  # the transport could not send
    TIMER_A = 10
    TIMER_B = 11
    TIMER_C = 12
    TIMER_D = 13
    TIMER_E = 14
    TIMER_F = 15
    TIMER_G = 16
    TIMER_H = 17
    TIMER_I = 18
    TIMER_J = 19
    TIMER_K = 20
    TIMER_L = 21
    TIMER_M = 22
    TIMER_T = 23  # the 200 ms after which RFC 3261, 17.2.1 wants a 100


class Do(IntFlag):
    """What the layer has to do after a step."""

    SEND = 1  # server: send this response and keep it for retransmissions
    SEND_ONCE = 2  # server: send this response, keep the earlier one
    RESEND = 4  # send once more what was sent last
    DELIVER = 8  # tell the transaction user
    ACKNOWLEDGE = 16  # client: send an ACK for this failure
    SEND_CANCEL = 32  # client: send the CANCEL
    TIMED_OUT = 64  # tell the transaction user that nothing came
    FAILED = 128  # tell the transaction user that nothing could be sent
    SEND_TRYING = 256  # server: send a 100


@dataclass(frozen=True)
class Start:
    """Start a timer, by its letter."""

    timer: str


@dataclass(frozen=True)
class Stop:
    """Stop a timer, by its letter."""

    timer: str


Row = tuple[State, list[Do | Start | Stop]]
Table = dict[tuple[State, Event], Row]

CALLING, TRYING, PROCEEDING, COMPLETED = State.CALLING, State.TRYING, State.PROCEEDING, State.COMPLETED
CONFIRMED, ACCEPTED, TERMINATED = State.CONFIRMED, State.ACCEPTED, State.TERMINATED
ABANDONED, CANCELLING, ANSWERED = State.ABANDONED, State.CANCELLING, State.ANSWERED
PROVISIONAL, SUCCESS, FAILURE, REQUEST, ACK = Event.PROVISIONAL, Event.SUCCESS, Event.FAILURE, Event.REQUEST, Event.ACK
CANCEL, ANSWER, PARK, RELEASE, ERROR = Event.CANCEL, Event.ANSWER, Event.PARK, Event.RELEASE, Event.ERROR

# RFC 3261, 17.1.1, RFC 6026, 7.2; timer C is that of a proxy, 16.8, and stands in for B once a provisional has come
INVITE_CLIENT: Table = {
    (CALLING, PROVISIONAL): (PROCEEDING, [Do.DELIVER, Stop("A"), Start("C")]),
    (CALLING, SUCCESS): (ACCEPTED, [Do.DELIVER, Stop("A"), Start("M")]),
    (CALLING, FAILURE): (COMPLETED, [Do.ACKNOWLEDGE, Do.DELIVER, Stop("A"), Start("D")]),
    (CALLING, CANCEL): (ABANDONED, []),  # 9.1: no CANCEL before a provisional response
    (CALLING, ERROR): (TERMINATED, [Do.FAILED]),
    (CALLING, Event.TIMER_A): (CALLING, [Do.RESEND, Start("A")]),
    (CALLING, Event.TIMER_B): (TERMINATED, [Do.TIMED_OUT]),
    (ABANDONED, PROVISIONAL): (CANCELLING, [Do.SEND_CANCEL, Stop("A"), Start("B")]),
    (ABANDONED, SUCCESS): (ACCEPTED, [Do.DELIVER, Stop("A"), Start("M")]),
    (ABANDONED, FAILURE): (COMPLETED, [Do.ACKNOWLEDGE, Do.DELIVER, Stop("A"), Start("D")]),
    (ABANDONED, CANCEL): (ABANDONED, []),
    (ABANDONED, ERROR): (TERMINATED, [Do.FAILED]),
    (ABANDONED, Event.TIMER_A): (ABANDONED, [Do.RESEND, Start("A")]),
    (ABANDONED, Event.TIMER_B): (TERMINATED, [Do.TIMED_OUT]),
    (PROCEEDING, PROVISIONAL): (PROCEEDING, [Do.DELIVER, Start("C")]),
    (PROCEEDING, SUCCESS): (ACCEPTED, [Do.DELIVER, Start("M")]),
    (PROCEEDING, FAILURE): (COMPLETED, [Do.ACKNOWLEDGE, Do.DELIVER, Start("D")]),
    (PROCEEDING, CANCEL): (CANCELLING, [Do.SEND_CANCEL, Start("B")]),
    (PROCEEDING, ERROR): (PROCEEDING, []),  # the request has arrived, whatever became of a retransmission
    (PROCEEDING, Event.TIMER_C): (CANCELLING, [Do.TIMED_OUT, Do.SEND_CANCEL, Start("B")]),
    (CANCELLING, PROVISIONAL): (CANCELLING, []),
    (CANCELLING, SUCCESS): (ACCEPTED, [Do.DELIVER, Start("M")]),
    (CANCELLING, FAILURE): (COMPLETED, [Do.ACKNOWLEDGE, Do.DELIVER, Start("D")]),
    (CANCELLING, CANCEL): (CANCELLING, []),
    (CANCELLING, ERROR): (CANCELLING, []),
    (CANCELLING, Event.TIMER_B): (TERMINATED, [Do.TIMED_OUT]),  # 9.1: 64*T1 after a CANCEL all hope is lost
    (COMPLETED, PROVISIONAL): (COMPLETED, []),
    (COMPLETED, SUCCESS): (COMPLETED, []),
    (COMPLETED, FAILURE): (COMPLETED, [Do.ACKNOWLEDGE]),
    (COMPLETED, CANCEL): (COMPLETED, []),
    (COMPLETED, ERROR): (COMPLETED, []),
    (COMPLETED, Event.TIMER_D): (TERMINATED, []),
    (ACCEPTED, PROVISIONAL): (ACCEPTED, []),
    (ACCEPTED, SUCCESS): (ACCEPTED, [Do.DELIVER]),
    (ACCEPTED, FAILURE): (ACCEPTED, []),
    (ACCEPTED, CANCEL): (ACCEPTED, []),
    (ACCEPTED, ERROR): (ACCEPTED, []),
    (ACCEPTED, Event.TIMER_M): (TERMINATED, []),
    # A branch that timed out stays known as long as its siblings: what comes after all is still answered or forwarded.
    (TERMINATED, PROVISIONAL): (TERMINATED, []),
    (TERMINATED, SUCCESS): (TERMINATED, [Do.DELIVER]),
    (TERMINATED, FAILURE): (TERMINATED, [Do.ACKNOWLEDGE]),
    (TERMINATED, CANCEL): (TERMINATED, []),
    (TERMINATED, ERROR): (TERMINATED, []),
}

# RFC 3261, 17.1.2
NON_INVITE_CLIENT: Table = {
    (TRYING, PROVISIONAL): (PROCEEDING, [Do.DELIVER]),
    (TRYING, SUCCESS): (COMPLETED, [Do.DELIVER, Stop("E"), Start("K")]),
    (TRYING, FAILURE): (COMPLETED, [Do.DELIVER, Stop("E"), Start("K")]),
    (TRYING, ERROR): (TERMINATED, [Do.FAILED]),
    (TRYING, CANCEL): (TRYING, []),  # 9.1: only an INVITE is cancelled
    (TRYING, Event.TIMER_E): (TRYING, [Do.RESEND, Start("E")]),
    (TRYING, Event.TIMER_F): (TERMINATED, [Do.TIMED_OUT]),
    (PROCEEDING, PROVISIONAL): (PROCEEDING, [Do.DELIVER]),
    (PROCEEDING, SUCCESS): (COMPLETED, [Do.DELIVER, Stop("E"), Start("K")]),
    (PROCEEDING, FAILURE): (COMPLETED, [Do.DELIVER, Stop("E"), Start("K")]),
    (PROCEEDING, ERROR): (PROCEEDING, []),
    (PROCEEDING, CANCEL): (PROCEEDING, []),
    (PROCEEDING, Event.TIMER_E): (PROCEEDING, [Do.RESEND, Start("E")]),
    (PROCEEDING, Event.TIMER_F): (TERMINATED, [Do.TIMED_OUT]),
    (COMPLETED, PROVISIONAL): (COMPLETED, []),
    (COMPLETED, SUCCESS): (COMPLETED, []),
    (COMPLETED, FAILURE): (COMPLETED, []),
    (COMPLETED, ERROR): (COMPLETED, []),
    (COMPLETED, CANCEL): (COMPLETED, []),
    (COMPLETED, Event.TIMER_K): (TERMINATED, []),
    (TERMINATED, PROVISIONAL): (TERMINATED, []),
    (TERMINATED, SUCCESS): (TERMINATED, []),
    (TERMINATED, FAILURE): (TERMINATED, []),
    (TERMINATED, ERROR): (TERMINATED, []),
    (TERMINATED, CANCEL): (TERMINATED, []),
}

# RFC 3261, 17.2.1, RFC 6026, 7.1; a 2xx is forwarded even after a failure (16.7, step 5)
INVITE_SERVER: Table = {
    (PROCEEDING, REQUEST): (PROCEEDING, [Do.RESEND]),
    (PROCEEDING, PARK): (PROCEEDING, [Start("T")]),
    (PROCEEDING, Event.TIMER_T): (PROCEEDING, [Do.SEND_TRYING]),
    (PROCEEDING, PROVISIONAL): (PROCEEDING, [Do.SEND, Stop("T")]),
    (PROCEEDING, SUCCESS): (ACCEPTED, [Do.SEND, Start("L")]),
    (PROCEEDING, ANSWER): (ANSWERED, [Do.SEND, Start("G"), Start("H")]),
    (PROCEEDING, FAILURE): (COMPLETED, [Do.SEND, Start("G"), Start("H")]),
    (PROCEEDING, RELEASE): (PROCEEDING, [Start("I")]),  # management may still answer it
    (PROCEEDING, Event.TIMER_I): (TERMINATED, []),
    (PROCEEDING, ACK): (PROCEEDING, []),
    (COMPLETED, REQUEST): (COMPLETED, [Do.RESEND]),
    (COMPLETED, PARK): (COMPLETED, []),
    (COMPLETED, PROVISIONAL): (COMPLETED, []),
    (COMPLETED, SUCCESS): (COMPLETED, [Do.SEND_ONCE]),
    (COMPLETED, ANSWER): (COMPLETED, []),
    (COMPLETED, FAILURE): (COMPLETED, []),
    (COMPLETED, RELEASE): (COMPLETED, []),
    (COMPLETED, ACK): (CONFIRMED, [Stop("G"), Start("I")]),
    (COMPLETED, Event.TIMER_G): (COMPLETED, [Do.RESEND, Start("G")]),
    (COMPLETED, Event.TIMER_H): (TERMINATED, [Do.TIMED_OUT, Stop("G")]),
    (CONFIRMED, REQUEST): (CONFIRMED, []),
    (CONFIRMED, PARK): (CONFIRMED, []),
    (CONFIRMED, PROVISIONAL): (CONFIRMED, []),
    (CONFIRMED, SUCCESS): (CONFIRMED, [Do.SEND_ONCE]),
    (CONFIRMED, ANSWER): (CONFIRMED, []),
    (CONFIRMED, FAILURE): (CONFIRMED, []),
    (CONFIRMED, RELEASE): (CONFIRMED, []),
    (CONFIRMED, ACK): (CONFIRMED, []),
    (CONFIRMED, Event.TIMER_I): (TERMINATED, []),
    (ANSWERED, REQUEST): (ANSWERED, [Do.RESEND]),
    (ANSWERED, PARK): (ANSWERED, []),
    (ANSWERED, PROVISIONAL): (ANSWERED, []),
    (ANSWERED, SUCCESS): (ANSWERED, [Do.SEND_ONCE]),
    (ANSWERED, ANSWER): (ANSWERED, []),
    (ANSWERED, FAILURE): (ANSWERED, []),
    (ANSWERED, RELEASE): (ANSWERED, []),
    (ANSWERED, ACK): (ACCEPTED, [Do.DELIVER, Stop("G"), Start("L")]),
    (ANSWERED, Event.TIMER_G): (ANSWERED, [Do.RESEND, Start("G")]),
    (ANSWERED, Event.TIMER_H): (TERMINATED, [Do.TIMED_OUT, Stop("G")]),
    (ACCEPTED, REQUEST): (ACCEPTED, []),
    (ACCEPTED, PARK): (ACCEPTED, []),
    (ACCEPTED, PROVISIONAL): (ACCEPTED, []),
    (ACCEPTED, SUCCESS): (ACCEPTED, [Do.SEND]),
    (ACCEPTED, ANSWER): (ACCEPTED, []),
    (ACCEPTED, FAILURE): (ACCEPTED, []),
    (ACCEPTED, RELEASE): (ACCEPTED, []),
    (ACCEPTED, ACK): (ACCEPTED, [Do.DELIVER]),
    (ACCEPTED, Event.TIMER_L): (TERMINATED, []),
    (TERMINATED, REQUEST): (TERMINATED, []),
    (TERMINATED, PARK): (TERMINATED, []),
    (TERMINATED, PROVISIONAL): (TERMINATED, []),
    (TERMINATED, SUCCESS): (TERMINATED, [Do.SEND_ONCE]),
    (TERMINATED, ANSWER): (TERMINATED, []),
    (TERMINATED, FAILURE): (TERMINATED, []),
    (TERMINATED, RELEASE): (TERMINATED, []),
    (TERMINATED, ACK): (TERMINATED, []),
}

# RFC 3261, 17.2.2
NON_INVITE_SERVER: Table = {
    (TRYING, REQUEST): (TRYING, []),
    (TRYING, PARK): (TRYING, []),
    (TRYING, PROVISIONAL): (PROCEEDING, [Do.SEND]),
    (TRYING, SUCCESS): (COMPLETED, [Do.SEND, Start("J")]),
    (TRYING, FAILURE): (COMPLETED, [Do.SEND, Start("J")]),
    (TRYING, RELEASE): (TRYING, [Start("J")]),  # management may still answer it
    (TRYING, Event.TIMER_J): (TERMINATED, []),
    (PROCEEDING, REQUEST): (PROCEEDING, [Do.RESEND]),
    (PROCEEDING, PARK): (PROCEEDING, []),
    (PROCEEDING, PROVISIONAL): (PROCEEDING, [Do.SEND]),
    (PROCEEDING, SUCCESS): (COMPLETED, [Do.SEND, Start("J")]),
    (PROCEEDING, FAILURE): (COMPLETED, [Do.SEND, Start("J")]),
    (PROCEEDING, RELEASE): (PROCEEDING, [Start("J")]),
    (PROCEEDING, Event.TIMER_J): (TERMINATED, []),
    (COMPLETED, REQUEST): (COMPLETED, [Do.RESEND]),
    (COMPLETED, PARK): (COMPLETED, []),
    (COMPLETED, PROVISIONAL): (COMPLETED, []),
    (COMPLETED, SUCCESS): (COMPLETED, []),
    (COMPLETED, FAILURE): (COMPLETED, []),
    (COMPLETED, RELEASE): (COMPLETED, []),
    (COMPLETED, Event.TIMER_J): (TERMINATED, []),
    (TERMINATED, REQUEST): (TERMINATED, []),
    (TERMINATED, PARK): (TERMINATED, []),
    (TERMINATED, PROVISIONAL): (TERMINATED, []),
    (TERMINATED, SUCCESS): (TERMINATED, []),
    (TERMINATED, FAILURE): (TERMINATED, []),
    (TERMINATED, RELEASE): (TERMINATED, []),
}

INVITE_CLIENT_ID, NON_INVITE_CLIENT_ID, INVITE_SERVER_ID, NON_INVITE_SERVER_ID = range(4)
TABLES: tuple[Table, ...] = (INVITE_CLIENT, NON_INVITE_CLIENT, INVITE_SERVER, NON_INVITE_SERVER)
FIRST_STATES: tuple[State, ...] = (CALLING, TRYING, PROCEEDING, TRYING)

# How long each timer runs, as the setting that says so. RFC 3261 makes B, F and H 64*T1 and the waits D, I, J, K, L, M
# up to 64*T1; tm's parameters give them instead. A, E and G retransmit: they start at T1, double, and stop at T2.
RETRANSMISSIONS = frozenset("AEG")
LENGTHS: dict[str, str] = {
    "A": "t1", "B": "fr", "C": "fr_inv", "D": "wait", "E": "t1", "F": "fr", "G": "t1", "H": "fr", "I": "wait",
    "J": "wait", "K": "wait", "L": "wait", "M": "wait", "T": "trying",
}
