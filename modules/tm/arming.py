"""Which routes a transaction runs later, and what its requests carry."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.module import Route, RouteName, Run, script

if TYPE_CHECKING:
    import logging

    from opensips_py.transaction import TransactionLayer

LATER = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH


class Arming:
    """Functions that arm routes."""

    layer: TransactionLayer
    log: logging.Logger

    @script(LATER | Route.LOCAL, name="t_on_failure")
    def on_failure(self, run: Run, failure_route: Annotated[str, RouteName(Route.FAILURE)]) -> bool:
        """Run *failure_route* when all branches have failed, before the client is told."""
        return self.arm(run, "on_failure", Route.FAILURE, failure_route)

    @script(LATER | Route.LOCAL, name="t_on_reply")
    def on_reply(self, run: Run, reply_route: Annotated[str, RouteName(Route.ONREPLY)]) -> bool:
        """Run *reply_route* for every response; armed in a branch route, for those of this branch alone."""
        return self.arm(run, "on_reply", Route.ONREPLY, reply_route)

    @script(LATER, name="t_on_branch")
    def on_branch(self, run: Run, branch_route: Annotated[str, RouteName(Route.BRANCH)]) -> bool:
        """Run *branch_route* for each branch before it is sent."""
        return self.arm(run, "on_branch", Route.BRANCH, branch_route)

    def arm(self, run: Run, attribute: str, kind: Route, name: str) -> bool:
        """Arm a route on the branch at hand, the transaction, or the one that the request will have."""
        if run.generation.route(kind, name) is None:
            self.log.error("there is no %s route %s", kind.name, name)
            return False
        if attribute == "on_reply" and run.kind is Route.BRANCH:
            run.branch.on_reply = name
        elif run.transaction is not None:
            setattr(run.transaction, attribute, name)
        else:
            prepared(run)[attribute] = name
        return True

    @script(LATER, name="t_add_hdrs")
    def add_headers(self, run: Run, sip_hdrs: str) -> bool:
        """Add header lines to every request of the transaction: branches, ACKs for failures, and CANCELs."""
        lines = sip_hdrs.encode("utf-8", "surrogateescape")
        if not lines.endswith(b"\r\n"):
            lines += b"\r\n"
        if run.transaction is not None:
            run.transaction.headers = lines
        else:
            prepared(run)["headers"] = lines
        return True

    @script(Route.REQUEST, name="t_add_cancel_reason", dialect="4.0")
    def add_cancel_reason(self, run: Run, reason_hdr: str) -> bool:
        """Put a Reason header of the script's own into the CANCELs that relaying this CANCEL sends."""
        if run.message.method != "CANCEL":
            return False
        if run.extra is None:
            run.extra = {}
        run.extra["cancel reason"] = reason_hdr.encode("utf-8", "surrogateescape")
        return True

    @script(Route.REQUEST | Route.BRANCH, name="t_flush_flags")
    def flush_flags(self, run: Run) -> bool:
        """Take the flags of the request over into its transaction, which took its own when it was opened."""
        if run.transaction is None:
            return False
        run.transaction.flags = run.request.flags
        return True


def prepared(run: Run) -> dict[str, Any]:
    """What the transaction of *run* will have once it exists."""
    if run.extra is None:
        run.extra = {}
    found: dict[str, Any] = run.extra.setdefault("transaction", {})
    return found
