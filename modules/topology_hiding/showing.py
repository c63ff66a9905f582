"""What each side is shown of the other one."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.dialog import CALLEE, CALLER
from opensips_py.dialog.record import CALL_ID_HIDDEN, DID_IN_USER, SAME_TO_CALLEE, SAME_TO_CALLER, USERS_SHOWN, Dialog
from opensips_py.modules.topology_hiding.shown import Passing, Shown, first_of
from opensips_py.modules.topology_hiding.words import Beyond, Names, Routes

if TYPE_CHECKING:
    from opensips_py.module.hidden import Hidden
    from opensips_py.module.services import Services
    from opensips_py.modules.topology_hiding.callids import CallIds
    from opensips_py.modules.topology_hiding.crossing import Crossing

SAME = (SAME_TO_CALLER, SAME_TO_CALLEE)
KEPT = ("_th_contact_caller_", "_th_contact_callee_")  # values of a dialog: what each side has been shown first


class Showing:
    """Contacts and Call-IDs as they leave; what our own requests say, too (`disguise` of module dialog)."""

    services: Services
    dialog: Any
    rr: Any
    hidden: Hidden
    call_ids: CallIds
    passing: Passing
    th_contact_encode_param: str
    th_contact_caller_username_var: str
    th_contact_callee_username_var: str

    def name_values(self) -> Names:
        """Values of a dialog that hold the users in Contacts for caller and callee."""
        return self.th_contact_caller_username_var, self.th_contact_callee_username_var

    def call_id(self, dialog: Dialog) -> str:
        """The Call-ID that the callee knows."""
        return self.call_ids.encode(dialog.call_id, dialog.from_tag)

    def call_id_shown(self, dialog: Dialog, to: int) -> str | None:
        """The Call-ID that one side knows; None: that which stands there."""
        if not dialog.flags & CALL_ID_HIDDEN:
            return None
        if to == CALLEE:
            return self.call_id(dialog)
        legs = self.dialog.dialogs.legs(dialog)
        return legs[CALLER].call_id if legs is not None else dialog.call_id

    def shown(self, crossing: Crossing, contact: str, routes: Routes, socket: Any, to: int) -> Shown:
        """What side *to* is shown in place of *contact*."""
        theirs = first_of(contact)
        if crossing.dialog is not None:
            return self.shown_of(crossing.dialog, contact, to)
        users_shown, names = crossing.users_shown, crossing.names
        user = names[to] or (None if users_shown else "")
        tail = ""
        if theirs is not None:
            side = Beyond(1 - to, users_shown, names, socket.uri_text, theirs.uri, routes, crossing.routes[to])
            tail = f";{self.th_contact_encode_param}={side.word(self.hidden)}"
        return Shown(theirs, self.passing, user, tail)

    def shown_of(self, dialog: Dialog, contact: str, to: int) -> Shown:
        """What side *to* of a dialog is shown in place of *contact*."""
        name = str((dialog.values or {}).get(self.name_values()[to]) or "")
        user = name or (None if dialog.flags & USERS_SHOWN else "")
        theirs, param = first_of(contact), self.dialog.rr_param
        if dialog.flags & DID_IN_USER:
            return Shown(theirs, self.passing, user, "", f"{param}.{dialog.did}")
        return Shown(theirs, self.passing, user, f";{param}={dialog.did}")

    def lasting(self, dialog: Dialog | None, contact: str, to: int) -> str:
        """*contact*, or the one that side *to* was shown first, where that is to stay."""
        if dialog is None or not dialog.flags & SAME[to]:
            return contact
        kept = (dialog.values or {}).get(KEPT[to])
        if kept is None:
            self.dialog.keep_value(dialog, KEPT[to], contact)
        return str(kept or contact)

    def contact(self, dialog: Dialog, side: int, socket: Any) -> str:
        """The Contact that *side* is shown in requests of our own."""
        legs = self.dialog.dialogs.legs(dialog)
        target = f"<{legs[1 - side].target}>" if legs is not None else ""
        listener = socket or self.services.transports.listeners[0]
        return self.lasting(dialog, self.shown_of(dialog, target, side).value(listener), side)
