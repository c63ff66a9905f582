"""Branches in flight: cancelling some, adding some, finding one."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from opensips_py.module import Bits, OneOf, Route, Run, Writable, script
from opensips_py.sip import BranchTarget
from opensips_py.transaction import cancelling, injecting

if TYPE_CHECKING:
    import logging

    from opensips_py.transaction import Branch, Transaction, TransactionLayer

ALL, OTHERS = 1, 2
CANCEL, LAST = 1, 2
CancelFlags = Annotated[int, Bits(letters=(("a", ALL), ("o", OTHERS)))]
InjectFlags = Annotated[int, Bits(words=(("cancel", CANCEL), ("last", LAST)), letters=(("c", CANCEL), ("l", LAST)))]
LATER = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH


class Branching:
    """Functions on branches that have been sent, or are to come."""

    layer: TransactionLayer
    log: logging.Logger

    @script(Route.ONREPLY, name="t_cancel_branch")
    def cancel_branch(self, run: Run, flags: CancelFlags = 0) -> bool:
        """Cancel the branch that the response came for, or with a all branches, with o all others."""
        branch: Branch | None = run.branch
        if branch is None or run.transaction is None:
            return False
        if flags & (ALL | OTHERS):
            cancelling.cancel_all(self.layer, run.transaction, None if flags & ALL else branch)
        else:
            cancelling.cancel_branch(self.layer, branch)
        return True

    @script(Route.REQUEST, name="t_wait_for_new_branches", dialect="4.0")
    def wait_for_new_branches(self, run: Run, branches: int = -1) -> bool:
        """Keep the transaction open, for fr_inv_timeout at most, so that *branches* (any number unless given) may be
        injected when those that it has fail."""
        if run.transaction is None:
            self.log.error("t_wait_for_new_branches: there is no transaction yet; call t_newtran() before")
            return False
        run.transaction.acted = True
        injecting.await_branches(run.transaction, branches if branches > 0 else -1)
        return True

    @script(LATER, name="t_wait_no_more_branches", dialect="4.0")
    def wait_no_more_branches(self, run: Run) -> bool:
        """Wait for no further branches."""
        if run.transaction is None:
            return False
        injecting.await_no_more(self.layer, run.transaction)
        return True

    @script(Route.REQUEST | Route.ONREPLY, name="t_inject_branches", dialect="4.0", waits=True)
    def inject_branches(self, run: Run, source: Annotated[str, OneOf("event", "msg")], flags: InjectFlags = 0) -> bool:
        """Add branches to the transaction and send them: those of the message, or the one that the event describes."""
        transaction: Transaction | None = run.transaction
        if transaction is None:
            self.log.error("t_inject_branches: there is no transaction")
            return False
        found = branches_of_message(run) if source == "msg" else branches_of_event(run)
        if not found:
            return False
        return injecting.inject(self.layer, transaction, found, cancel=bool(flags & CANCEL),
                                last=bool(flags & LAST)) > 0

    @script(Route.ONREPLY | Route.BRANCH | Route.FAILURE, name="t_get_branch_idx_by_attr", dialect="4.0")
    def branch_with_attribute(self, run: Run, attr: str, val_str: str | None = None, val_int: int | None = None,
                              result_var: Writable | None = None, offset: int = 0) -> bool:
        """Find a branch with attribute *attr*, of that value if one is given, from index *offset* on; its index goes to
        *result_var*."""
        if run.transaction is None:
            return False
        wanted = val_str if val_str is not None else val_int
        for branch in run.transaction.branches[max(offset, 0):]:
            value = (branch.attributes or {}).get(attr)
            if value is not None and wanted in (None, value):
                if result_var is not None:
                    result_var.set(branch.index)
                return True
        return False


def branches_of_message(run: Run) -> list[BranchTarget]:
    """The Request-URI of the message at hand, and the branches appended to it."""
    request = run.request
    first = BranchTarget(request.uri, request.destination, request.path, request.send_socket, request.branch_flags,
                         request.q)
    return [first, *(request.branches or ())]


def branches_of_event(run: Run) -> list[BranchTarget]:
    """The contact in the attributes of an event, which its route sees as AVPs."""
    def first(name: str) -> str | None:
        values = run.avps.get(name)
        return str(values[0]) if values else None
    uri = first("uri")
    if uri is None:
        return []
    flags = first("bflags")
    return [BranchTarget(uri, first("received") or None, first("path") or None, None,
                         int(flags) if flags and flags.isdigit() else 0)]
