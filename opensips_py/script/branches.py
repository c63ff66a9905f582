"""The branches of a request as the script edits them: number 0 is the request itself, 1 and up were added."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.sip import BranchTarget

if TYPE_CHECKING:
    from opensips_py.sip import Request

FIELDS = ("uri", "destination", "path", "send_socket", "flags", "q")


def added(request: Request) -> list[BranchTarget]:
    """The branches that were added; a list that may be changed."""
    if request.branches is None:
        request.branches = []
    return request.branches


def count(request: Request) -> int:
    """How many branches there are besides the request itself."""
    return len(request.branches or ())


def append(request: Request, uri: str, *, q: int = -1, inherit: bool = False) -> None:
    """Add a branch to *uri*; with *inherit* it goes the same way as the request: destination, path, socket, flags."""
    if inherit:
        added(request).append(BranchTarget(uri, request.destination, request.path, request.send_socket,
                                           request.branch_flags, request.q if q < 0 else q))
    else:
        added(request).append(BranchTarget(uri, q=q))


def holder(request: Request, number: int) -> Any:
    """The object that holds branch *number*, negative ones counted from the last; None where there is none."""
    numbers = count(request) + 1
    if not -numbers <= number < numbers:
        return None
    number %= numbers
    return request if number == 0 else added(request)[number - 1]


def attributes(request: Request, number: int) -> dict[str, Any] | None:
    """What the script attached to branch *number*, to be read and changed; None where there is no such branch."""
    found = holder(request, number)
    if found is None:
        return None
    if found is request:
        if request.context is None:
            request.context = {}
        kept: dict[str, Any] = request.context.setdefault("branch attributes", {})
        return kept
    if found.attributes is None:
        found.attributes = {}
    attached: dict[str, Any] = found.attributes
    return attached


def snapshot(request: Request, number: int) -> dict[str, Any]:
    """What branch *number* is made of."""
    found = holder(request, number)
    values = {name: getattr(found, name) for name in FIELDS if name != "flags"}
    return {**values, "flags": found.branch_flags if found is request else found.flags}


def put(request: Request, number: int, values: dict[str, Any]) -> None:
    """Make branch *number* what *values* says."""
    found = holder(request, number)
    for name, value in values.items():
        setattr(found, "branch_flags" if name == "flags" and found is request else name, value)


def remove(request: Request, number: int) -> bool:
    """Take an added branch away; those behind it move up."""
    if not 0 < number <= count(request):
        return False
    del added(request)[number - 1]
    return True
