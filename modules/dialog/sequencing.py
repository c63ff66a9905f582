"""CSeq numbers behind requests of our own: what the other side sends later has to count on (RFC 3261, 12.2.2)."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opensips_py.dialog import CALLEE, CALLER
from opensips_py.dialog.record import Dialog
from opensips_py.module import Route, Run, script
from opensips_py.module.numbering import acknowledge_up, acknowledged, count_up, number_span
from opensips_py.modules.dialog.matching import place_of
from opensips_py.modules.dialog.table import Dialogs
from opensips_py.transaction import Branch, Happening, Transaction

if TYPE_CHECKING:
    from opensips_py.sip import Request

WHERE = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.LOCAL
FORWARDED = int(Happening.RESPONSE_FORWARDED)


def restored(happening: Happening, transaction: Transaction, branch: Branch | None, message: Any, status: int) -> None:
    """A response goes back to whoever sent the request: with the number that it had there."""
    message.edits.replace(*number_span(message), str(transaction.request.cseq))


def note_invite(dialog: Dialog, side: int, cseq: int, shift: int) -> None:
    """Note by how much the number of an INVITE has grown, for its ACK and its PRACKs."""
    if dialog.invites is None:
        dialog.invites = {}
    dialog.invites[side, cseq] = shift


class Sequencing:
    """Numbers of requests that go on after requests of our own."""

    dialogs: Dialogs
    current: Callable[[Run], Dialog | None]

    def count_on(self, dialog: Dialog, request: Request, side: int) -> None:
        """Renumber a request of one side, where the other has had requests of our own."""
        method, cseq, invites = request.method, request.cseq, dialog.invites
        if method == "CANCEL":  # which is made of its INVITE
            return
        if method == "ACK":  # as its INVITE left
            shift = invites.get((side, cseq), 0) if invites is not None else 0
        else:
            shift = dialog.shift(1 - side)
            if method == "INVITE" and shift:
                note_invite(dialog, side, cseq, shift)
            elif method == "PRACK" and invites is not None:
                acknowledge_up(request, invites.get((side, acknowledged(request) or 0), 0))
        if not shift:
            return
        count_up(request, shift)
        if method != "ACK":
            self.watch(request, FORWARDED, restored)

    def counted_up(self, request: Request, step: int) -> None:
        """The number of a request has grown by *step* more than the dialog knows: what follows counts on. Other modules
        call this when the request leaves, or before the response that begins the dialog goes to the caller."""
        place = place_of(request)
        if place is None:
            return
        dialog, side, _ = place
        dialog.add_shift(1 - side, step)
        if request.method == "INVITE":
            before = dialog.invites.get((side, request.cseq), 0) if dialog.invites is not None else 0
            note_invite(dialog, side, request.cseq, before + step)
        self.dialogs.changed(dialog)

    def watch(self, request: Request, happenings: int, observer: Any) -> None:
        """Observe the transaction of a request, which is there or will be opened."""
        layer = self.dialogs.module.services.transactions
        transaction = layer.find(request, request.method)
        if transaction is not None and transaction.request is request:
            transaction.observe(happenings, observer)
        else:
            request.context.setdefault("observers", []).append((happenings, observer))

    @script(WHERE, dialect="4.0")
    def dlg_inc_cseq(self, run: Run, tag: str | None = None, inc: int = 1) -> bool:
        """Add *inc* to the CSeq numbers that one side of the dialog gets, that with *tag*, or with the To tag of the
        message: as if it had been sent so many requests more."""
        dialog = self.current(run)
        if dialog is None:
            return False
        wanted = run.message.to_tag if tag is None else tag
        if wanted == dialog.from_tag:
            side = CALLER
        elif wanted == dialog.to_tag:
            side = CALLEE
        else:
            return False
        dialog.add_shift(side, inc)
        self.dialogs.changed(dialog)
        return True
