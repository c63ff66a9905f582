"""What rr keeps with a request: the Route it came by, and what its Record-Route will say."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.module import Route

if TYPE_CHECKING:
    from opensips_py.module.run import Run
    from opensips_py.sip._scan import Request
    from opensips_py.transaction._record import Branch

BRANCH = Route.BRANCH


class Path:
    """The state of one request; branches add parameters of their own."""

    __slots__ = ("branches", "hidden", "local", "parameters", "recorded")

    def __init__(self) -> None:
        self.local: str | None = None  # parameters of the Route that led here
        self.parameters = ""
        self.hidden = False  # no Record-Route leaves
        self.branches: dict[int, str] | None = None
        self.recorded: set[int] = set()  # -1: the request, else branch indexes

    def claim(self, run: Run) -> bool:
        """Whether the Record-Route may be added now: once per request, or once per branch."""
        place = branch_of(run)
        if -1 in self.recorded or place in self.recorded:
            return False
        self.recorded.add(place)
        return True

    def add(self, run: Run, text: str) -> None:
        """Note a parameter, for the branch at hand or for all."""
        place = branch_of(run)
        if place < 0:
            self.parameters += text
        else:
            self.put(place, text)

    def put(self, index: int, text: str) -> None:
        """Note a parameter for the branch *index* alone."""
        self.branches = self.branches or {}
        self.branches[index] = self.branches.get(index, "") + text

    def text(self, outgoing: Any) -> str:
        """The parameters noted for what leaves now."""
        if self.branches is None:
            return self.parameters
        noted: str = self.branches.get(getattr(outgoing, "index", -1), "")
        return self.parameters + noted


def branch_of(run: Run) -> int:
    """Index of the branch that a branch route works on; -1: the request. Edits of failure routes live by themselves."""
    branch: Branch | None = run.branch
    if branch is None:
        return -1
    return branch.index if run.kind == BRANCH else -2 - branch.index


def path_of(request: Request) -> Path:
    """The state of *request*, made when first asked for."""
    if request.context is None:
        request.context = {}
    path: Path | None = request.context.get("rr")
    if path is None:
        path = request.context["rr"] = Path()
    return path
