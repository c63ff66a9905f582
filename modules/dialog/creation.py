"""create_dialog."""
from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.dialog import CALLER
from opensips_py.dialog.record import (
    BYE_ON_TIMEOUT,
    END_ON_RACE,
    PING_CALLEE,
    PING_CALLER,
    PRACK,
    REINVITE_CALLEE,
    REINVITE_CALLER,
    Dialog,
)
from opensips_py.module import Bits, Route, script
from opensips_py.module.run import Run
from opensips_py.modules.dialog.observers import tell
from opensips_py.modules.dialog.parameters import DID_NONE
from opensips_py.modules.dialog.table import WATCHED, Dialogs

if TYPE_CHECKING:
    import logging

    from opensips_py.sip._scan import Request

WORDS = (("bye-on-timeout", BYE_ON_TIMEOUT), ("options-ping-caller", PING_CALLER),
         ("options-ping-callee", PING_CALLEE), ("reinvite-ping-caller", REINVITE_CALLER),
         ("reinvite-ping-callee", REINVITE_CALLEE), ("end-on-race-condition", END_ON_RACE), ("auto-prack", PRACK))
LETTERS = (("B", BYE_ON_TIMEOUT), ("P", PING_CALLER), ("p", PING_CALLEE), ("R", REINVITE_CALLER),
           ("r", REINVITE_CALLEE), ("E", END_ON_RACE))
INTENDED = "lifetime of the dialog to come"  # in the context of a request
FLAGS = Bits(words=WORDS, letters=LETTERS)
Flags = Annotated[int, FLAGS]


class Creation:
    """How dialogs begin."""

    dialogs: Dialogs
    log: logging.Logger
    rr: Any
    rr_param: str
    dlg_match_mode: int

    @script(Route.REQUEST)
    def create_dialog(self, run: Run, flags: Flags = 0) -> bool:
        """Follow the dialog that this INVITE may begin; true also where it is followed already. *flags*,
        by words or letters: bye-on-timeout (B): both sides get a BYE when its time is over; options-ping-caller (P),
        options-ping-callee (p), reinvite-ping-caller (R), reinvite-ping-callee (r): a side is pinged, and the dialog
        ended when it does not answer; end-on-race-condition (E): it is ended where it was answered as it was given
        up; auto-prack: reliable provisional responses are acknowledged here, and are ordinary ones for the caller."""
        request: Request = run.request
        dialog = dialog_at(request)
        if dialog is not None:
            if not request.to_tag:
                dialog.flags |= flags  # another module may have begun it
            return True
        if request.to_tag or request.method != "INVITE":
            self.log.error("create_dialog: only an INVITE that begins a call makes a dialog")
            return False
        self.create(run, request, flags)
        return True

    def read_flags(self, text: str) -> int:
        """Flags as a script writes them, for other modules; ValueError where one means nothing."""
        return FLAGS.convert(text) if text else 0

    def create(self, run: Run, request: Request, flags: int) -> Dialog:
        """A dialog for the request of *run*; other modules call this."""
        dialog = self.dialogs.create(request, flags)
        if self.dlg_match_mode != DID_NONE:
            self.rr.add_parameter(run, f";{self.rr_param}={dialog.did}")
        context = request.context
        if context is None:
            context = request.context = {}
        context["dialog"] = dialog, CALLER, request.cseq
        dialog.lifetime = context.get(INTENDED, dialog.lifetime)
        if run.transaction is not None:
            run.transaction.observe(WATCHED, self.dialogs.happened)
        else:
            context.setdefault("observers", []).append((WATCHED, self.dialogs.happened))
            run.at_end(partial(self.forgotten, run, dialog))
        if self.dialogs.observers.created:
            tell(self.dialogs.observers.created, dialog, request)
        return dialog

    def forgotten(self, run: Run, dialog: Dialog) -> None:
        """The script has ended; where it has opened no transaction, nothing more will be heard of the call."""
        if run.transaction is None:
            self.dialogs.fail(dialog, run.request, 0)


def intended_lifetime(run: Run) -> int | None:
    """What the script has given the dialog that it has not created yet."""
    context = run.request.context if run.request is not None else None
    return context.get(INTENDED) if context is not None else None


def dialog_at(message: Any) -> Dialog | None:
    """The dialog that a message belongs to, as far as that is known."""
    context = message.context if message is not None else None
    place = context.get("dialog") if context is not None else None
    return place[0] if place is not None else None
