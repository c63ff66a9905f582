"""CSeq numbers behind requests of our own: what the other side sends later has to count on (RFC 3261, 12.2.2)."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opensips_py.dialog import CALLEE, CALLER
from opensips_py.dialog.record import Dialog
from opensips_py.module import Route, Run, script
from opensips_py.modules.dialog.table import Dialogs
from opensips_py.transaction import Branch, Happening, Transaction

if TYPE_CHECKING:
    from opensips_py.sip import Message, Request

WHERE = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.LOCAL
FORWARDED = int(Happening.RESPONSE_FORWARDED)


def renumber(message: Message, number: int) -> None:
    """Give a message another CSeq number as it leaves."""
    header = message.headers("CSeq")[0]
    message.set_header_value(header, f"{number} {message.cseq_method}")


def restored(happening: Happening, transaction: Transaction, branch: Branch | None, message: Any, status: int) -> None:
    """A response goes back to whoever sent the request: with the number that it had there."""
    renumber(message, transaction.request.cseq)


class Sequencing:
    """Numbers of requests that go on after requests of our own."""

    dialogs: Dialogs
    current: Callable[[Run], Dialog | None]

    def count_on(self, dialog: Dialog, request: Request, side: int) -> None:
        """Renumber a request of one side, where the other has had requests of our own."""
        to = 1 - side
        method = request.method
        if method == "CANCEL":  # which is made of its INVITE
            return
        if method == "ACK":  # as its INVITE left
            shift = dialog.invites.get((side, request.cseq), 0) if dialog.invites else 0
        else:
            shift = dialog.shift(to)
            if method == "INVITE" and shift:
                if dialog.invites is None:
                    dialog.invites = {}
                dialog.invites[side, request.cseq] = shift
        if not shift:
            return
        renumber(request, request.cseq + shift)
        if method != "ACK":
            self.watch(request, FORWARDED, restored)

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
