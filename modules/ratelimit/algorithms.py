"""How the algorithms decide: whether the message that a pipe has just counted may pass. Nothing here keeps anything."""
from __future__ import annotations

from dataclasses import dataclass

TAILDROP, RED, FEEDBACK, NETWORK, SBT = range(1, 6)
NAMES = {"TAILDROP": TAILDROP, "RED": RED, "FEEDBACK": FEEDBACK, "NETWORK": NETWORK, "SBT": SBT}
WORDS = {number: name for name, number in NAMES.items()}


def spread(number: int, kept: int, out_of: int) -> bool:
    """Whether the message *number*, counted from 1, is one of *kept* that are taken evenly *out_of* so many."""
    return number * kept // out_of != (number - 1) * kept // out_of


def red(number: int, before: int, allowed: int) -> bool:
    """Random early detection: where the last interval had more than is *allowed*, that many are taken evenly out of as
    many as there were."""
    return before <= allowed or spread(number, allowed, before)


def dropped_evenly(number: int, rate: int) -> bool:
    """Whether the message *number* passes where *rate* percent do not."""
    return spread(number, 100 - rate, 100)


@dataclass(frozen=True, slots=True)
class Gains:
    """The gains of the controller that FEEDBACK uses: integral, proportional, derivative. Errors are fractions of all
    processors, negative where the load is too high; what comes out is percent of messages to drop."""

    integral: float = -25.0
    proportional: float = 0.0
    derivative: float = 0.0


def controlled(gains: Gains, error: float, total: float, before: float) -> tuple[float, int]:
    """One step of the controller: the new sum of errors, of which none is carried that allows more than all, and the
    percentage of messages to drop."""
    total = min(total + error, 0.0)
    rate = gains.proportional * error + gains.integral * total + gains.derivative * (error - before)
    return total, max(0, min(100, round(rate)))
