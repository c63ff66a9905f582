"""The event of dialog; a parameter that one dialect alone knows is left out in the other."""
from __future__ import annotations

from opensips_py.dialog import database_id
from opensips_py.dialog.record import Dialog
from opensips_py.module import Dialect, Event


class E_DLG_STATE_CHANGED(Event):
    """A dialog has gone on to another state; by hash_entry and hash_id 2.1 knows it, as its management shows them."""

    hash_entry: int | None
    hash_id: int | None
    id: str | None
    db_id: str | None
    callid: str | None
    from_tag: str | None
    to_tag: str | None
    old_state: int | None
    new_state: int | None


NAME = E_DLG_STATE_CHANGED.event_name


def state_changed(dialog: Dialog, before: int, dialect: Dialect) -> Event:
    """The event for a dialog that was in another state *before*."""
    if dialect == "2.1":
        return E_DLG_STATE_CHANGED(dialog.entry, dialog.number, None, None, None, None, None, before, dialog.state)
    return E_DLG_STATE_CHANGED(None, None, dialog.did, str(database_id(dialog.entry, dialog.number)), dialog.call_id,
                               dialog.from_tag, dialog.to_tag, before, dialog.state)
