"""The event of dialog; a parameter that one dialect alone knows is left out in the other."""
from __future__ import annotations

from opensips_py.dialog import database_id
from opensips_py.dialog.record import Dialog
from opensips_py.module import Dialect, Event


class E_DLG_STATE_CHANGED(Event):
    """A dialog has gone on to another state; ostate and nstate are 2.1's names of old_state and new_state."""

    id: str | None
    db_id: str | None
    callid: str | None
    from_tag: str | None
    to_tag: str | None
    old_state: int | None
    new_state: int | None
    ostate: int | None
    nstate: int | None


NAME = E_DLG_STATE_CHANGED.event_name


def state_changed(dialog: Dialog, before: int, dialect: Dialect) -> Event:
    """The event for a dialog that was in another state *before*."""
    if dialect == "2.1":
        return E_DLG_STATE_CHANGED(None, None, None, None, None, None, None, before, dialog.state)
    return E_DLG_STATE_CHANGED(dialog.did, str(database_id(dialog.entry, dialog.number)), dialog.call_id,
                               dialog.from_tag, dialog.to_tag, before, dialog.state, None, None)
