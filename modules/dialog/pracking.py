"""auto-prack: reliable provisional responses (RFC 3262) are acknowledged here; the caller need not know of them."""
from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.dialog import CALLEE, contact_in, contact_of, route_values, routes_to_callee, way
from opensips_py.dialog.record import HIDDEN, Dialog
from opensips_py.errors import MalformedMessage
from opensips_py.module import Between, param
from opensips_py.modules.dialog.table import Dialogs

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from opensips_py.module.services import Services
    from opensips_py.sip import Response
    from opensips_py.transaction import Branch, Transaction

RELIABLE = "100rel"


class Pracking:
    """Sends PRACKs."""

    dialogs: Dialogs
    services: Services
    log: logging.Logger
    ours: Callable[[Dialog], Callable[[str], bool]]
    auto_prack_fr_timeout: Annotated[int, Between(1, 86400)] = param(
        3, "4.0: seconds that an answer to a PRACK of ours is waited for.")
    auto_prack_hangup_on_failure: bool = param(
        False, "4.0: whether the INVITE is answered 502 where a PRACK of ours is refused or not answered.")

    def acknowledge(self, dialog: Dialog, transaction: Transaction, branch: Branch, response: Response) -> None:
        """Send the PRACK for a reliable response, and make it an ordinary one for the caller."""
        number = response.header("RSeq")
        required = ",".join(response.values("Require")).lower().replace(" ", "").split(",")
        if not number or not number.isdecimal() or RELIABLE not in required:
            return
        response.remove_headers("RSeq")
        for header in response.headers("Require"):
            others = [each.strip() for each in header.value.split(",") if each.strip().lower() != RELIABLE]
            if others:
                response.set_header_value(header, ", ".join(others))
            else:
                response.remove_header(header)
        if transaction.contexts is None:
            transaction.contexts = {}
        done = transaction.contexts.setdefault("pracks", set())
        if (response.to_tag, number) not in done:  # else it was sent again
            done.add((response.to_tag, number))
            self.services.spawn(self.send_prack, dialog, transaction, branch.listener, response, number)

    def send_prack(self, dialog: Dialog, transaction: Transaction, socket: Any, response: Response,
                   number: str) -> None:
        """Send one PRACK to the callee that has sent *response*."""
        request = transaction.request
        if dialog.is_over or request is None:
            return
        recorded = route_values(response.values("Record-Route"))
        routes = routes_to_callee(recorded, len(route_values(request.values("Record-Route"))), self.ours(dialog),
                                  bool(dialog.flags & HIDDEN))
        going = way(contact_of(contact_in(response)) or request.uri, routes)
        lines = going.lines + f"RAck: {number} {response.cseq} INVITE\r\n".encode()
        cseq = dialog.next_cseq(CALLEE)
        dialog.add_shift(CALLEE, 1)
        try:
            sent = self.services.transactions.originate(
                "PRACK", going.uri, from_=response.header("From") or "", to=response.header("To") or "",
                call_id=response.header("Call-ID") or "", cseq=cseq, headers=lines,
                next_hop=going.next_hop, socket=socket, generation=self.services.generation,
                report=partial(self.prack_answered, transaction, response.to_tag))
        except MalformedMessage as error:
            self.log.error("a PRACK within dialog %s: %s", dialog.did, error)
            sent = None
        if sent is None:
            self.prack_answered(transaction, response.to_tag, None, None, None, 500)
            return
        for branch in sent.branches:
            branch.fr = self.auto_prack_fr_timeout
            branch.restart()

    def prack_answered(self, invite: Transaction, tag: str, prack: Any, branch: Any, response: Response | None,
                       status: int) -> None:
        """A PRACK was answered; where it failed, the call may be given up."""
        if status >= 300 and self.dialogs.module.auto_prack_hangup_on_failure and not invite.ended:
            layer = self.services.transactions
            layer.happen(invite, refuse, invite, tag)


def refuse(layer: Any, invite: Transaction, tag: str) -> None:
    """Answer an INVITE whose callee does not answer a PRACK, in the early dialog with *tag* that the caller knows."""
    layer.reply(invite, 502, "Bad Gateway", to_tag=tag)
