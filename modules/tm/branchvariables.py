"""$tm.branch.…: the branches of a transaction, sent or past."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.module import Route, Run, pvar

if TYPE_CHECKING:
    from opensips_py.module.registry import Registry
    from opensips_py.transaction import Branch

Index = int | str | None


class BranchVariables:
    """One variable per thing that a branch has; the index counts all branches, with /active those of the newest set."""

    registry: Registry

    @pvar("tm.branch.uri", dialect="4.0")
    def tm_branch_uri(self, run: Run, index: Index = None) -> str | None:
        """Request-URI of a branch."""
        branch = sent(run, index)
        return branch.uri if branch is not None else None

    @pvar("tm.branch.duri", dialect="4.0")
    def tm_branch_destination(self, run: Run, index: Index = None) -> str | None:
        """Destination URI of a branch."""
        branch = sent(run, index)
        return branch.destination if branch is not None else None

    @pvar("tm.branch.path", dialect="4.0")
    def tm_branch_path(self, run: Run, index: Index = None) -> str | None:
        """Path of a branch."""
        branch = sent(run, index)
        return branch.path if branch is not None else None

    @pvar("tm.branch.q", dialect="4.0")
    def tm_branch_q(self, run: Run, index: Index = None) -> int | None:
        """Preference of a branch in thousandths."""
        branch = sent(run, index)
        return branch.q if branch is not None and branch.q >= 0 else None

    @pvar("tm.branch.flags", dialect="4.0")
    def tm_branch_flags(self, run: Run, index: Index = None) -> str | None:
        """Names of the flags that are set on a branch, with commas between."""
        branch = sent(run, index)
        if branch is None:
            return None
        core: Any = self.registry.modules.get("core")
        text: str = core.flags.text("branch", branch.flags) if core is not None else ""
        return text.replace(" ", ",")

    @pvar("tm.branch.socket", dialect="4.0")
    def tm_branch_socket(self, run: Run, index: Index = None) -> str | None:
        """Socket that a branch left by, as protocol:address:port."""
        branch = sent(run, index)
        return str(branch.listener.uri_text) if branch is not None and branch.listener is not None else None

    @pvar("tm.branch.last_received", dialect="4.0")
    def tm_branch_last_received(self, run: Run, index: Index = None) -> int | None:
        """Status of the last response that a branch received."""
        branch = sent(run, index)
        return (branch.received or None) if branch is not None else None

    @pvar("tm.branch.type", dialect="4.0")
    def tm_branch_type(self, run: Run, index: Index = None) -> str | None:
        """sip, or phone for what stands for branches to be injected."""
        branch = sent(run, index)
        return None if branch is None else "phone" if branch.phone else "sip"

    @pvar("tm.branch.flag", dialect="4.0")
    def tm_branch_flag(self, run: Run, name: str, index: Index = None) -> int | None:
        """Whether one flag of a branch is set: 1 or 0."""
        branch = chosen(run, index)
        return branch.flags >> self.bit(name) & 1 if branch is not None else None

    @tm_branch_flag.setter
    def set_tm_branch_flag(self, run: Run, name: str, index: Index, value: int | None) -> None:
        """0 and NULL reset the flag, anything else sets it."""
        branch = chosen(run, index)
        if branch is None:
            return
        mask = 1 << self.bit(name)
        branch.flags = branch.flags | mask if value else branch.flags & ~mask
        if run.kind is Route.BRANCH and branch is run.branch:
            run.request.branch_flags = branch.flags

    def bit(self, name: str) -> int:
        """The bit of a branch flag."""
        return self.registry.flag("branch", name) if self.registry.flag is not None else int(name)

    @pvar("tm.branch.attr", dialect="4.0")
    def tm_branch_attribute(self, run: Run, name: str, index: Index = None) -> int | str | None:
        """A value that the script attached to a branch."""
        branch = chosen(run, index)
        value: int | str | None = (branch.attributes or {}).get(name) if branch is not None else None
        return value

    @tm_branch_attribute.setter
    def set_tm_branch_attribute(self, run: Run, name: str, index: Index, value: int | str | None) -> None:
        """NULL takes the attribute away."""
        branch = chosen(run, index)
        if branch is None:
            return
        if branch.attributes is None:
            branch.attributes = {}
        if value is None:
            branch.attributes.pop(name, None)
        else:
            branch.attributes[name] = value


def chosen(run: Run, index: Index) -> Branch | None:
    """The branch with that index, the one at hand without."""
    if index is None:
        here: Branch | None = run.branch
        return here
    if run.transaction is None or index == "*":
        return None
    number, _, among = str(index).partition("/")
    branches: list[Branch] = run.transaction.branches[run.transaction.first if among == "active" else 0:]
    place = int(number) if number.lstrip("-").isdigit() else len(branches)
    return branches[place] if -len(branches) <= place < len(branches) else None


def sent(run: Run, index: Index) -> Branch | None:
    """As chosen(); in a branch route the branch at hand is not sent yet, and has nothing to show."""
    return None if run.kind is Route.BRANCH and index is None else chosen(run, index)
