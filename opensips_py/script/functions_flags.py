"""Core functions on flags: of the message, of its branches, of the script run."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.module.declare import Dialect
from opensips_py.module.kinds import Flag
from opensips_py.module.marks import script
from opensips_py.module.run import Route

if TYPE_CHECKING:
    from opensips_py.module.run import Run

MessageFlag = Annotated[int, Flag("message")]
BranchFlag = Annotated[int, Flag("branch")]
ScriptFlag = Annotated[int, Flag("script")]


class FlagFunctions:
    """Functions that set, reset and test flags."""

    dialect: Dialect

    @script(Route.ANY)
    def setflag(self, run: Run, flag: MessageFlag) -> bool:
        """Set a flag of the message; its transaction keeps it."""
        run.request.flags |= 1 << flag
        return True

    @script(Route.ANY)
    def resetflag(self, run: Run, flag: MessageFlag) -> bool:
        """Reset a flag of the message."""
        run.request.flags &= ~(1 << flag)
        return True

    @script(Route.ANY)
    def isflagset(self, run: Run, flag: MessageFlag) -> bool:
        """Whether a flag of the message is set."""
        return bool(run.request.flags >> flag & 1)

    # Branch flags: 2.1 puts the branch first, 4.0 the flag. Branch 0 is that of the Request-URI.

    @script(Route.ANY, name="setbflag", dialect="4.0")
    def setbflag(self, run: Run, flag: BranchFlag, branch: int = 0) -> bool:
        """Set a flag of a branch; 0 is the branch of the Request-URI."""
        holder, name = branch_flags(run, branch)
        if holder is None:
            return False
        setattr(holder, name, getattr(holder, name) | 1 << flag)
        return True

    @script(Route.ANY, name="resetbflag", dialect="4.0")
    def resetbflag(self, run: Run, flag: BranchFlag, branch: int = 0) -> bool:
        """Reset a flag of a branch."""
        holder, name = branch_flags(run, branch)
        if holder is None:
            return False
        setattr(holder, name, getattr(holder, name) & ~(1 << flag))
        return True

    @script(Route.ANY, name="isbflagset", dialect="4.0")
    def isbflagset(self, run: Run, flag: BranchFlag, branch: int = 0) -> bool:
        """Whether a flag of a branch is set."""
        holder, name = branch_flags(run, branch)
        return holder is not None and bool(getattr(holder, name) >> flag & 1)

    @script(Route.ANY, name="setbflag", dialect="2.1")
    @script(Route.ANY, name="setbranchflag", dialect="2.1")
    def setbflag_21(self, run: Run, first: BranchFlag, second: BranchFlag = -1) -> bool:
        """Set a flag of a branch: setbflag(flag), or setbflag(branch, flag)."""
        branch, flag = in_order_of_21(first, second)
        return self.setbflag(run, flag, branch)

    @script(Route.ANY, name="resetbflag", dialect="2.1")
    @script(Route.ANY, name="resetbranchflag", dialect="2.1")
    def resetbflag_21(self, run: Run, first: BranchFlag, second: BranchFlag = -1) -> bool:
        """Reset a flag of a branch: resetbflag(flag), or resetbflag(branch, flag)."""
        branch, flag = in_order_of_21(first, second)
        return self.resetbflag(run, flag, branch)

    @script(Route.ANY, name="isbflagset", dialect="2.1")
    @script(Route.ANY, name="isbranchflagset", dialect="2.1")
    def isbflagset_21(self, run: Run, first: BranchFlag, second: BranchFlag = -1) -> bool:
        """Whether a flag of a branch is set: isbflagset(flag), or isbflagset(branch, flag)."""
        branch, flag = in_order_of_21(first, second)
        return self.isbflagset(run, flag, branch)

    @script(Route.ANY, name="setsflag")
    @script(Route.ANY, name="setscriptflag")
    def setsflag(self, run: Run, flag: ScriptFlag) -> bool:
        """Set a flag that lasts as long as the run of the script."""
        set_script_flags(run, script_flags(run) | 1 << flag)
        return True

    @script(Route.ANY, name="resetsflag")
    @script(Route.ANY, name="resetscriptflag")
    def resetsflag(self, run: Run, flag: ScriptFlag) -> bool:
        """Reset a flag of the run of the script."""
        set_script_flags(run, script_flags(run) & ~(1 << flag))
        return True

    @script(Route.ANY, name="issflagset")
    @script(Route.ANY, name="isscriptflagset")
    def issflagset(self, run: Run, flag: ScriptFlag) -> bool:
        """Whether a flag of the run of the script is set."""
        return bool(script_flags(run) >> flag & 1)


def in_order_of_21(first: int, second: int) -> tuple[int, int]:
    """Branch and flag of the arguments (flag) or (branch, flag); -1 stands for one left out."""
    return (0, first) if second < 0 else (first, second)


def branch_flags(run: Run, number: int) -> tuple[Any, str]:
    """The object that holds the flags of a branch, and under which attribute; None where there is no such branch."""
    request = run.request
    if number == 0:
        if run.branch is not None and run.kind is Route.ONREPLY:
            return run.branch, "flags"  # those of the branch that the response came for
        return request, "branch_flags"
    branches = request.branches or ()
    return (branches[number - 1], "flags") if 0 < number <= len(branches) else (None, "flags")


def script_flags(run: Run) -> int:
    """The script flags of a run."""
    flags: int = (run.extra or {}).get("script flags", 0)
    return flags


def set_script_flags(run: Run, flags: int) -> None:
    """Keep the script flags of a run."""
    if run.extra is None:
        run.extra = {}
    run.extra["script flags"] = flags
