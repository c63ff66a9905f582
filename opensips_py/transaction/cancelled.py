"""CANCEL from the client (RFC 3261, 9.2 and 16.10)."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.transaction import replying, ringing
from opensips_py.transaction._record import Transaction
from opensips_py.transaction.cancelling import GIVEN_UP, cancel_all
from opensips_py.transaction.settings import Flags
from opensips_py.transaction.user import Happening

if TYPE_CHECKING:
    from opensips_py.sip import Request
    from opensips_py.transaction.layer import TransactionLayer


def relay_cancel(layer: TransactionLayer, run: Any, invite: Transaction, flags: int) -> int:
    """The client cancels *invite*: answer the CANCEL, and cancel what is pending; the script sees success."""
    request: Request = run.request
    transaction: Transaction | None = run.transaction or layer.new_transaction(run)
    if transaction is not None:
        replying.reply(layer, transaction, 200, "canceling", to_tag=replying.tag_of(layer, invite))
    if invite.status >= 200 or invite.cancelled:
        return 1  # too late, or heard already: the CANCEL has been answered, and that is all (RFC 3261, 9.2)
    invite.cancelled = True
    own = run.extra.pop("cancel reason", None) if run.extra else None
    if own is not None:
        invite.cancel_headers = own
    else:
        passed = request.headers("Reason") if flags & Flags.PASS_REASON else ()
        invite.cancel_headers = b"".join(request.data[each.start:each.end] for each in passed) or GIVEN_UP
    layer.happen(invite, cancelled_by_client, invite, request)
    return 1


def relay_orphans(layer: TransactionLayer, run: Any) -> bool:
    """The client cancels an INVITE whose transaction died with its worker; False: we know of no such thing."""
    request: Request = run.request
    if layer.pending is None or not ringing.cancel_orphans(layer, layer.pending, request):
        return False
    transaction: Transaction | None = run.transaction or layer.new_transaction(run)
    if transaction is not None:
        replying.reply(layer, transaction, 200, "canceling")
    return True


def cancelled_by_client(layer: TransactionLayer, transaction: Transaction, request: Request) -> None:
    """Cancel all pending branches; without any, the INVITE is answered here."""
    layer.notify(transaction, Happening.CANCELLED, None, request, transaction.status)
    transaction.awaited = 0
    cancel_all(layer, transaction)
    if transaction.status < 200 and not transaction.pending:
        replying.reply(layer, transaction, 487, "Request Terminated")
