"""Pings: requests within dialogs that show whether both sides are still there.

When a dialog was pinged last is stored with it, and the number that the ping takes, before it leaves: a process that
takes over goes on with the same rhythm, and repeats neither a ping nor a number.
"""
from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

from opensips_py.dialog import CALLEE, CALLER, Leg
from opensips_py.dialog.record import PING_CALLEE, PING_CALLER, REINVITE_CALLEE, REINVITE_CALLER, Dialog
from opensips_py.module import Between, param
from opensips_py.modules.dialog.table import Dialogs

if TYPE_CHECKING:
    from collections.abc import Callable

    from opensips_py.module.services import Services
    from opensips_py.sip import Response

Seconds = Annotated[int, Between(1, 86400)]
GONE = (408, 481)  # RFC 3261, 12.2.1.2: such a response ends the dialog
OPTIONS, INVITE = "OPTIONS", "INVITE"
REASONS = {OPTIONS: "Ping Timeout", INVITE: "ReINVITE Ping Timeout"}
GOLDEN = 0.6180339887498949  # multiples of it lie far apart between whole numbers
CATCH_UP = 2.0  # seconds within which pings are sent that were due while nobody was there
PINGS = "pings"  # kept with a dialog: when it was pinged by each of METHODS
METHODS = (OPTIONS, INVITE)
BY_OPTIONS, BY_INVITE = (PING_CALLER, PING_CALLEE), (REINVITE_CALLER, REINVITE_CALLEE)


def sides(dialog: Dialog, method: str) -> list[int]:
    """The sides that are pinged by *method*; re-INVITE wins where a side is given both."""
    if method == INVITE:
        return [side for side in (CALLER, CALLEE) if dialog.flags & BY_INVITE[side]]
    return [side for side in (CALLER, CALLEE) if dialog.flags & BY_OPTIONS[side] and not dialog.flags & BY_INVITE[side]]


def pinged(dialog: Dialog) -> list[float]:
    """When a dialog was pinged last by each of METHODS; 0: not yet."""
    return dialog.kept.get(PINGS, [0, 0]) if dialog.kept is not None else [0, 0]


def note_pinged(dialog: Dialog, method: str) -> None:
    """Note that a dialog is pinged now."""
    if dialog.kept is None:
        dialog.kept = {}
    times = dialog.kept.setdefault(PINGS, [0, 0])
    times[METHODS.index(method)] = time.time()


class Pinging:
    """Pings both sides of dialogs that were created so."""

    dialogs: Dialogs
    services: Services
    send: Callable[..., bool]
    terminate: Callable[..., None]
    ping_interval: Seconds = param(30, "2.1: seconds between two OPTIONS to a side of a dialog that is pinged.")
    options_ping_interval: Seconds = param(30, "4.0: seconds between two OPTIONS to a side of a dialog that is pinged "
                                           "so.")
    reinvite_ping_interval: Seconds = param(300, "4.0: seconds between two re-INVITEs to a side of a dialog that is "
                                            "pinged so.")

    def begin_pings(self, dialog: Dialog) -> None:
        """Ping the sides of an answered dialog from now on."""
        now = time.time()
        start = self.services.timers.start
        dialog.pingers = [start(self.until_ping(dialog, method, now), self.ping, (dialog, method, set()))
                          for method in METHODS if sides(dialog, method)]

    def until_ping(self, dialog: Dialog, method: str, now: float) -> float:
        """Seconds until the next ping. Of those that are overdue, for nobody was there, not all are sent at once."""
        interval = self.interval(method)
        left = max(dialog.started + dialog.moved, pinged(dialog)[METHODS.index(method)]) + interval - now
        if left > 0:
            return min(left, interval)
        return dialog.number * GOLDEN % 1 * (CATCH_UP if -left < interval else interval)

    def interval(self, method: str) -> int:
        """Seconds between two pings."""
        if method == INVITE:
            return self.reinvite_ping_interval
        return self.ping_interval if self.dialogs.module.dialect == "2.1" else self.options_ping_interval

    def ping(self, what: tuple[Dialog, str, set[int]]) -> None:
        """It is time for pings of one kind, to the sides that are not in the set: those owe an answer to the last."""
        dialog, method, owing = what
        module = self.dialogs.module  # which may be of a later generation
        if dialog.is_over:
            return
        legs = self.dialogs.legs(dialog)
        if legs is None:
            return
        dialog.pingers = [each for each in dialog.pingers or () if each.pending]
        dialog.pingers.append(self.services.timers.start(module.interval(method), module.ping, what))
        numbers = {side: dialog.next_cseq(side) for side in sides(dialog, method) if side not in owing}
        if not numbers:
            return
        for side in numbers:
            dialog.add_shift(side, 1)
        note_pinged(dialog, method)
        self.dialogs.changed(dialog, at_once=True)
        for side, cseq in numbers.items():
            if not dialog.is_over:
                owing.add(side)
                if not module.ping_side(dialog, legs, side, method, cseq, owing):
                    owing.discard(side)

    def ping_side(self, dialog: Dialog, legs: tuple[Leg, Leg], side: int, method: str, cseq: int,
                  owing: set[int]) -> bool:
        """Ping one side: a re-INVITE offers it once more what the other side has last offered."""
        body, kind = (legs[side].told, legs[side].told_type) if method == INVITE else (b"", "")
        return self.send(dialog, legs, side, method, partial(self.ping_answered, dialog, method, side, owing),
                         body=body, content_type=kind, cseq=cseq)

    def ping_answered(self, dialog: Dialog, method: str, side: int, owing: set[int], response: Response | None,
                      status: int) -> None:
        """A side has answered a ping, or has not."""
        if status >= 200:
            owing.discard(side)
        if status in GONE and not dialog.is_over:
            self.dialogs.module.terminate(dialog, REASONS[method])


