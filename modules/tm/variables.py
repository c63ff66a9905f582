"""The pseudo-variables of a transaction."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.module import Route, Run, pvar
from opensips_py.modules.tm.arming import prepared
from opensips_py.modules.tm.questions import status_of

if TYPE_CHECKING:
    from opensips_py.transaction import Branch, TransactionLayer

Value = int | str | None


class Variables:
    """$T_… and $bavp."""

    layer: TransactionLayer
    fr_timeout: int
    fr_inv_timeout: int

    @pvar("T_branch_idx")
    def branch_index(self, run: Run) -> int | None:
        """Number of the branch at hand, from 0: in failure routes that of the branch that failed."""
        return run.branch.index if run.branch is not None else None

    @pvar("T_reply_code")
    def reply_code(self, run: Run) -> int:
        """Status of the last response sent, of the one that came, or of the one that failed; 0 without any."""
        return status_of(run)

    @pvar("T_ruri")
    def request_uri(self, run: Run) -> str | None:
        """Request-URI of the branch at hand, as it was sent."""
        branch: Branch | None = run.branch
        if branch is None and run.transaction is not None and run.transaction.branches:
            branch = run.transaction.branches[-1]
        return branch.uri if branch is not None else None

    @pvar("T_fr_timeout")
    def failure_timeout(self, run: Run) -> int:
        """Seconds without any final response until a branch has failed."""
        return self.timeout(run, "fr", self.fr_timeout)

    @failure_timeout.setter
    def set_failure_timeout(self, run: Run, value: int | None) -> None:
        """NULL is fr_timeout again."""
        self.set_timeout(run, "fr", self.fr_timeout if value is None else value)

    @pvar("T_fr_inv_timeout")
    def invite_timeout(self, run: Run) -> int:
        """Seconds without final response after a provisional one until a branch of an INVITE has failed."""
        return self.timeout(run, "fr_inv", self.fr_inv_timeout)

    @invite_timeout.setter
    def set_invite_timeout(self, run: Run, value: int | None) -> None:
        """NULL is fr_inv_timeout again."""
        self.set_timeout(run, "fr_inv", self.fr_inv_timeout if value is None else value)

    def timeout(self, run: Run, name: str, default: int) -> int:
        """A timer length of the transaction, or what it will be."""
        if run.transaction is not None:
            return int(getattr(run.transaction, name))
        return int((run.extra or {}).get("transaction", {}).get(name, default))

    def set_timeout(self, run: Run, name: str, seconds: int) -> None:
        """Set a timer length; branches that wait begin to wait anew."""
        seconds = max(seconds, 1)
        if run.transaction is None:
            prepared(run)[name] = seconds
            return
        setattr(run.transaction, name, seconds)
        for branch in run.transaction.branches:
            if branch.awaiting:
                setattr(branch, name, seconds)
                branch.restart()

    @pvar("T_id", dialect="4.0")
    def identifier(self, run: Run) -> str | None:
        """Identifier of the transaction, which the MI command tm:reply takes."""
        return self.layer.identify(run.transaction) if run.transaction is not None else None

    @pvar("T_branch_last_reply_code", dialect="4.0")
    def last_code(self, run: Run, index: int | str | None = None) -> int | None:
        """Status of the last response that the branch at hand, or the one with that number, received."""
        branch = run.branch
        if isinstance(index, int) and run.transaction is not None:
            branches = run.transaction.branches
            branch = branches[index] if -len(branches) <= index < len(branches) else None
        return (branch.received or None) if branch is not None else None

    @pvar("bavp")
    def branch_avp(self, run: Run, name: str, index: int | str | None = None) -> Value:
        """A list of values that belongs to one branch; in branch, onreply and failure routes."""
        branch = branch_of(run)
        values = (branch.avps or {}).get(name, []) if branch is not None else []
        if index == "*":
            return ",".join(str(each) for each in values) if values else None
        place = index if isinstance(index, int) else 0
        found: Value = values[place] if -len(values) <= place < len(values) else None
        return found

    @branch_avp.setter
    def set_branch_avp(self, run: Run, name: str, index: int | str | None, value: Value) -> None:
        """A further value, now the newest; with an index that one; NULL takes one away."""
        branch = branch_of(run)
        if branch is None:
            return
        if branch.avps is None:
            branch.avps = {}
        values = branch.avps.setdefault(name, [])
        if not isinstance(index, int):
            if index == "*":
                values.clear()
            if value is not None:
                values.insert(0, value)
            elif values:
                del values[0]
        elif -len(values) <= index < len(values):
            if value is None:
                del values[index]
            else:
                values[index] = value


def branch_of(run: Run) -> Branch | None:
    """The branch at hand, in the routes that have one."""
    branch: Branch | None = run.branch if run.kind in (Route.BRANCH, Route.ONREPLY, Route.FAILURE) else None
    return branch
