"""What a script may ask about a transaction."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.module import OneOf, Pattern, Regex, ReturnCode, Route, Run, script

if TYPE_CHECKING:
    from opensips_py.transaction import Transaction, TransactionLayer

INSIDE = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH


class Known(ReturnCode):
    """Whether a request belongs to a transaction; END_TO_END: it is the ACK of a 2xx that somebody else sent."""

    KNOWN, UNKNOWN, END_TO_END = 1, -1, -2


@dataclass(frozen=True)
class StatusPattern(Regex):
    """A regular expression over status codes; a number is one too."""

    def convert(self, value: Any) -> Pattern:
        return super().convert(str(value) if isinstance(value, int) else value)


class Questions:
    """Functions that look at a transaction."""

    layer: TransactionLayer

    @script(Route.REQUEST | Route.BRANCH, name="t_check_trans")
    def check_transaction(self, run: Run) -> Known:
        """Whether the request belongs to a transaction: a CANCEL to that of its INVITE, an ACK to an answer of ours.
        Retransmissions are absorbed before the script."""
        request = run.request
        if request.method == "CANCEL":
            return Known.KNOWN if self.layer.knows_invite(request) else Known.UNKNOWN
        if request.method == "ACK":
            return Known.KNOWN if self.layer.is_our_answer(request) else Known.END_TO_END
        return Known.UNKNOWN

    @script(INSIDE, name="t_check_status")
    def check_status(self, run: Run, re: Annotated[Pattern, StatusPattern()]) -> bool:
        """Whether *re* occurs in the status: of the last response sent, the one that came, or the one that failed."""
        return re.matches(str(status_of(run)))

    @script(INSIDE, name="t_local_replied")
    def local_replied(self, run: Run, reply: Annotated[str, OneOf("all", "last")]) -> bool:
        """Whether all responses, or the last one, were made here and not received."""
        transaction: Transaction | None = run.transaction
        if transaction is None:
            return False
        if reply == "all":
            return not any(branch.received for branch in transaction.branches)
        if run.kind is Route.ONREPLY:
            return False
        if run.kind is Route.FAILURE:
            return run.branch is None or run.branch.response is None
        return transaction.answered_here or not any(branch.received for branch in transaction.branches)

    @script(INSIDE, name="t_was_cancelled")
    def was_cancelled(self, run: Run) -> bool:
        """Whether the client has cancelled the request."""
        return run.transaction is not None and bool(run.transaction.cancelled)


def status_of(run: Run) -> int:
    """The status that concerns a run: of the response that came, that failed, or that was sent last; 0: none."""
    status: int = 0
    if run.kind is Route.ONREPLY:
        status = run.message.status
    elif run.kind is Route.FAILURE:
        status = run.branch.status if run.branch is not None else 408
    elif run.transaction is not None:
        status = run.transaction.status
    return status
