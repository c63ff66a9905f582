"""Branches that join a transaction later, from outside of its routes (push notifications and the like)."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.transaction import cancelling, relaying, responding
from opensips_py.transaction._record import Branch, Transaction
from opensips_py.transaction.settings import Fault
from opensips_py.transaction.tables import Event

if TYPE_CHECKING:
    from opensips_py.sip import BranchTarget
    from opensips_py.transaction.layer import TransactionLayer


def await_branches(transaction: Transaction, most: int = -1) -> None:
    """Do not end *transaction* when its branches have failed: up to *most* (-1: any number) may be added.

    A branch without signalling stands for them; its timer C is the time that they have.
    """
    transaction.awaited = most
    if waiting_branch(transaction) is None:
        branch = Branch(transaction, len(transaction.branches), transaction.method)
        branch.phone = branch.reliable = True
        branch.take(transaction.request)
        transaction.branches.append(branch)
        branch.begin()
        branch.step(Event.PROVISIONAL)


def waiting_branch(transaction: Transaction) -> Branch | None:
    """The branch that stands for those to come."""
    for branch in transaction.branches:
        if branch.phone and branch.awaiting:
            return branch
    return None


def await_no_more(layer: TransactionLayer, transaction: Transaction) -> None:
    """No further branches will come: the transaction ends with those that it has."""
    transaction.awaited = 0
    branch = waiting_branch(transaction)
    if branch is not None:
        branch.status = 408
        cancelling.cancel_branch(layer, branch)
        layer.happen(transaction, settle, transaction)


def settle(layer: TransactionLayer, transaction: Transaction, _: object) -> None:
    """Look whether the transaction can be answered now."""
    if not transaction.script:
        responding.settle(layer, transaction)


def inject(layer: TransactionLayer, transaction: Transaction, found: list[BranchTarget], *, cancel: bool = False,
           last: bool = False) -> int:
    """Add branches to a transaction that goes on; 1, or a code of Fault."""
    if transaction.status >= 200 or transaction.cancelled or transaction.ended:
        return Fault.NO_DESTINATION
    if not transaction.busy:
        transaction.busy = True
        try:
            return inject(layer, transaction, found, cancel=cancel, last=last)
        finally:
            layer.leave(transaction)
    waiting = waiting_branch(transaction)
    if cancel:
        cancelling.cancel_all(layer, transaction, waiting)
    room = len(found) if transaction.awaited < 0 or not transaction.awaited else transaction.awaited
    first = len(transaction.branches)
    branches = [relaying.take_from_target(Branch(transaction, first + place, transaction.method), target)
                for place, target in enumerate(found[:room])]
    code = relaying.fork(layer, transaction, transaction.request, branches, transaction.relay_flags, None)
    if transaction.awaited > 0:
        transaction.awaited -= len(branches)
        last = last or transaction.awaited == 0
    if last:
        await_no_more(layer, transaction)
    return code
