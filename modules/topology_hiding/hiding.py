"""topology_hiding: from now on the two sides of a call, or of whatever else begins, see us alone."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from opensips_py.dialog import CALLEE, CALLER
from opensips_py.dialog.record import (
    CALL_ID_HIDDEN,
    DID_IN_USER,
    HIDDEN,
    SAME_TO_CALLEE,
    SAME_TO_CALLER,
    USERS_SHOWN,
    Dialog,
)
from opensips_py.module import Bits, Route, Run, script
from opensips_py.modules.topology_hiding.crossing import KEY, Crossing
from opensips_py.modules.topology_hiding.showing import Showing
from opensips_py.modules.topology_hiding.words import Names, names_of

if TYPE_CHECKING:
    import logging

    from opensips_py.sip import Request

LETTERS_21 = (("U", USERS_SHOWN), ("C", CALL_ID_HIDDEN))
LETTERS = (*LETTERS_21, ("D", DID_IN_USER), ("a", SAME_TO_CALLER), ("A", SAME_TO_CALLEE))


class Hiding(Showing):
    """How it begins."""

    log: logging.Logger
    force_dialog: bool

    @script(Route.REQUEST, name="topology_hiding", dialect="2.1")
    def topology_hiding_21(self, run: Run, flags: Annotated[int, Bits(letters=LETTERS_21, numbers=False)] = 0) -> bool:
        """Hide the two sides of what this request begins from each other. Via and Record-Route are taken out of
        requests and put back into responses; what stands in Contact is our address, and how we find what stood there:
        the identifier of the dialog, where the script has created one, else the parameter th_contact_encode_param.
        Requests within the dialog have to be given to topology_hiding_match(). *flags*: U, the user in Contact is shown
        to the other side; C, the callee sees another Call-ID than the caller, which takes a dialog. False for a request
        within a dialog."""
        return self.hide(run, flags, ("", ""))

    @script(Route.REQUEST, dialect="4.0")
    def topology_hiding(self, run: Run, flags: Annotated[int, Bits(letters=LETTERS, numbers=False)] = 0,
                        usernames: str = "") -> bool:
        """Hide the two sides of what this request begins from each other. Via and Record-Route are taken out of
        requests and put back into responses; what stands in Contact is our address, and how we find what stood there:
        the identifier of the dialog, where the script has created one, else the parameter th_contact_encode_param.
        Requests within the dialog have to be given to topology_hiding_match().

        *flags*: U, the user in Contact is shown to the other side; and with a dialog: C, the callee sees another
        Call-ID than the caller; D, the identifier of the dialog is the user in Contact; a and A, the Contact that the
        caller, or the callee, has been shown first stays the same throughout the dialog. *usernames*: the user in
        Contact, for both sides, or /for the caller/for the callee. False for a request within a dialog."""
        return self.hide(run, flags, names_of(usernames))

    def hide(self, run: Run, flags: int, names: Names) -> bool:
        """Begin to hide what the request of *run* begins."""
        request: Request = run.message
        if request.to_tag:
            self.log.warning("topology_hiding: a request within a dialog is the business of topology_hiding_match")
            return False
        if request.context is not None and KEY in request.context:
            return True
        dialog = self.dialog_for(run, request)
        if dialog is None:
            if flags & CALL_ID_HIDDEN:
                self.log.warning("topology_hiding: without a dialog no Call-ID is hidden")
            Crossing(self, CALLER, users_shown=bool(flags & USERS_SHOWN), names=names).conceal(run)
            return True
        dialog.flags |= HIDDEN | flags
        for side, name in zip((CALLER, CALLEE), names, strict=True):
            if name:
                self.dialog.keep_value(dialog, self.name_values()[side], name)
        Crossing(self, CALLER, dialog=dialog).conceal(run)
        return True

    def dialog_for(self, run: Run, request: Request) -> Dialog | None:
        """The dialog that keeps what there is to know, if there is to be one."""
        if self.dialog is None or request.method != "INVITE":
            return None
        found: Dialog | None = self.dialog.dialog_of(request)
        if found is None and self.force_dialog:
            found = self.dialog.create(run, request, 0)
        return found
