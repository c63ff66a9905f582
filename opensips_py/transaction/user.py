"""What the layer asks of the transaction user, and what it tells to observers."""
from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from opensips_py.sip import Response
    from opensips_py.transaction._record import Branch, Transaction


class Happening(IntFlag):
    """What an observer of a transaction may want to know; see Transaction.observe."""

    REQUEST_BUILT = 1  # a branch is about to be sent: its edits may still change
    REQUEST_SENT = 2  # a branch has been sent
    RESPONSE_IN = 4  # a response came from the network
    RESPONSE_FORWARDED = 8  # a response is about to be forwarded: its edits may still change
    RESPONSE_SENT = 16  # a response, forwarded or our own, has left; *status* tells which
    FAILURE = 32  # all branches failed; a failure route comes next, and may add branches
    CANCELLED = 64  # the client has cancelled the request
    ACKNOWLEDGED = 128  # the client's ACK for a final response came
    TIMED_OUT = 256  # no ACK came
    DELETED = 512  # the transaction ends now
    LOCAL_REPLY = 1024  # a response of our own is about to be built: headers may be added


class Observer(Protocol):
    """Called when something happens to a transaction; *message* is the request or the response at hand."""

    def __call__(self, happening: Happening, transaction: Transaction, branch: Branch | None, message: Any,
                 status: int, /) -> None: ...


class TransactionUser(Protocol):
    """Decides what a transaction does next, by running routes. Each may wait: other events of it queue meanwhile."""

    def run_branch_route(self, transaction: Transaction, branch: Branch) -> bool:
        """Before a branch is sent; False drops it."""

    def run_reply_route(self, transaction: Transaction, branch: Branch, response: Response) -> bool:
        """A response came; False drops it, if it is provisional."""

    def run_failure_route(self, transaction: Transaction, branch: Branch | None, response: Response | None) -> None:
        """All branches failed, *branch* with the response that would go upstream; None: it never answered."""

    def run_local_route(self, transaction: Transaction, branch: Branch) -> bool:
        """A request of our own is about to leave; False drops it."""


class NoUser:
    """A transaction user without routes."""

    def run_branch_route(self, transaction: Transaction, branch: Branch) -> bool:
        """Send every branch."""
        return True

    def run_reply_route(self, transaction: Transaction, branch: Branch, response: Response) -> bool:
        """Pass every response."""
        return True

    def run_failure_route(self, transaction: Transaction, branch: Branch | None, response: Response | None) -> None:
        """Leave every failure as it is."""

    def run_local_route(self, transaction: Transaction, branch: Branch) -> bool:
        """Send every request."""
        return True
