"""CANCEL towards branches (RFC 3261, 9.1)."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.sip import build_cancel
from opensips_py.transaction._record import Branch, Cancel, Transaction
from opensips_py.transaction.tables import Do, Event

if TYPE_CHECKING:
    from opensips_py.sip._scan import Response
    from opensips_py.transaction.layer import TransactionLayer

PROVISIONAL, SUCCESS, FAILURE = int(Event.PROVISIONAL), int(Event.SUCCESS), int(Event.FAILURE)
CANCEL, SEND_CANCEL = int(Event.CANCEL), int(Do.SEND_CANCEL)

# Why a branch is cancelled (RFC 3326), in the words of OpenSIPS
ELSEWHERE = b'Reason: SIP ;cause=200 ;text="Call completed elsewhere"\r\n'
GIVEN_UP = b'Reason: SIP;cause=487;text="ORIGINATOR_CANCEL"\r\n'
NO_ANSWER = b'Reason: SIP;cause=480;text="NO_ANSWER"\r\n'


def cancel_all(layer: TransactionLayer, transaction: Transaction, but: Branch | None = None) -> None:
    """Cancel every branch that is still pending, apart from *but*."""
    for branch in transaction.branches:
        if branch.awaiting and branch is not but:
            cancel_branch(layer, branch)


def cancel_branch(layer: TransactionLayer, branch: Branch) -> None:
    """Cancel one branch, now or as soon as a provisional response allows it."""
    if branch.phone:
        branch.awaiting = False
        branch.status = branch.status or 487
        branch.step(Event.FAILURE)
    elif branch.method == "INVITE" and branch.step(CANCEL) & SEND_CANCEL:
        send_cancel(layer, branch)


def send_cancel(layer: TransactionLayer, branch: Branch) -> None:
    """Send the CANCEL of *branch*, a transaction of its own under the same Via branch."""
    if branch.cancel is not None or branch.phone:
        return
    transaction = branch.transaction
    headers = (transaction.headers or b"") + (branch.reason or transaction.cancel_headers or b"")
    cancel = Cancel(branch, build_cancel(branch.data, headers), branch.target)
    branch.cancel = cancel
    layer.cancels[branch.id] = cancel
    layer.transmit(branch.target, cancel.data)


def cancel_answered(cancel: Cancel, response: Response) -> None:
    """A response to a CANCEL came; only its arrival matters."""
    status = response.status
    cancel.step(PROVISIONAL if status < 200 else SUCCESS if status < 300 else FAILURE)
