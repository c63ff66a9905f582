"""The clock of the machine may be set: calls last as long as they last all the same.

Times of dialogs are times of day, for they outlive processes. Where the clock is set, those to come are set with it,
and how far is kept with each dialog: so nobody pays for an hour that never was, and no time is over too early or late.
"""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.dialog.record import MOVED, Dialog
from opensips_py.modules.dialog.pinging import PINGS
from opensips_py.state.directory import current_boot, offset

if TYPE_CHECKING:
    import logging

    from opensips_py.module.services import Services
    from opensips_py.modules.dialog.table import Dialogs

LOOK = 1.0  # seconds between two looks at the clock
JUMP = 1.0  # seconds by which it is set, and not corrected little by little
DRIFT = 0.2  # seconds of correction that are noted for whoever takes over


class Timekeeping:
    """Watches the clock."""

    dialogs: Dialogs
    services: Services
    log: logging.Logger

    def begin_watching(self) -> float:
        """Watch the clock from now on; the seconds by which it was set since somebody looked last."""
        store, now = self.dialogs.store, offset()
        boot, before = store.clock()
        store.offset = now
        store.note_clock(current_boot(), now)
        store.watch = self.services.timers.start(LOOK, self.look)
        moved = now - before if boot == current_boot() else 0.0
        return moved if abs(moved) > JUMP else 0.0

    def look(self, _: object = None) -> None:
        """See whether the clock has been set, now and then."""
        self.notice()
        store = self.dialogs.store
        if abs(store.offset - store.clock()[1]) > DRIFT:
            store.note_clock(current_boot(), store.offset)
        store.watch = self.services.timers.start(LOOK, self.dialogs.module.look)

    def notice(self) -> None:
        """See whether the clock has been set: before a time of day is taken for the beginning or the end of a call."""
        module, store, now = self.dialogs.module, self.dialogs.store, offset()
        moved, store.offset = now - store.offset, now
        if abs(moved) > JUMP:
            module.log.warning("the clock was set by %+.1f s: times of dialogs are set with it", moved)
            for dialog in [each for each in self.dialogs if not each.is_over]:
                move(dialog, moved)
                self.dialogs.changed(dialog)


def move(dialog: Dialog, seconds: float) -> None:
    """The clock was set: what is to come of a dialog is at another time of day."""
    if not dialog.is_answered:
        dialog.created += seconds
        return
    dialog.expires += seconds
    if dialog.kept is None:
        dialog.kept = {}
    dialog.kept[MOVED] = dialog.moved + seconds
    if PINGS in dialog.kept:
        dialog.kept[PINGS] = [each and each + seconds for each in dialog.kept[PINGS]]
