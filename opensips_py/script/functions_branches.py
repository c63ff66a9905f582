"""Core functions on the branches of a request: adding, removing, serial forking by q."""
from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from opensips_py.module.marks import script
from opensips_py.module.results import ReturnCode
from opensips_py.module.run import Route
from opensips_py.script import branches
from opensips_py.script.flags import Flags
from opensips_py.script.uris import q_number
from opensips_py.sip import BranchTarget, Request

if TYPE_CHECKING:
    import logging

    from opensips_py.module.run import Run

SERIAL = "serial_branch"  # the AVP that keeps what is still to be tried


class Next(ReturnCode):
    """What next_branches() found."""

    MORE, LAST, NONE = 1, 2, -1


class BranchFunctions:
    """Functions on branches."""

    log: logging.Logger
    flags: Flags

    def socket_named(self, text: str) -> Any:
        """The socket that *text* describes."""
        raise NotImplementedError

    @script(Route.ANY)
    @script(Route.ANY, name="append_branch_old")
    def append_branch(self, request: Request, uri: str | None = None, q: str | None = None) -> bool:
        """Add a branch to *uri*, without it a copy of the request's own; *q* orders serial forking."""
        preference = self.preference(q)
        if not request.is_request or preference is None:
            return False
        branches.append(request, uri or request.uri, q=preference, inherit=not uri)
        return True

    @script(Route.ANY)
    def append_msg_branch(self, request: Request, uri: str, q: str | None = None, flags: str | None = None) -> bool:
        """Add a branch to *uri*; with the flag inherit it goes the same way as the request otherwise."""
        preference = self.preference(q)
        if not request.is_request or preference is None:
            return False
        words = [each.strip().lower() for each in (flags or "").split(",")]
        branches.append(request, uri, q=preference, inherit="inherit" in words or "inherite" in words)
        return True

    def preference(self, q: str | None) -> int | None:
        """A q value in thousandths, -1 for none; None where it is wrong."""
        try:
            return q_number(q) if q else -1
        except ValueError as error:
            self.log.error("%s", error)
            return None

    @script(Route.ANY)
    def remove_branch(self, request: Request, number: int) -> bool:
        """Take away an added branch; they count from 0."""
        return request.is_request and branches.remove(request, number + 1)

    @script(Route.ANY)
    def remove_msg_branch(self, request: Request, number: int) -> bool:
        """Take away an added branch; they count from 0, and those behind it move up."""
        return self.remove_branch(request, number)

    @script(Route.ANY)
    def move_msg_branch(self, request: Request, source: int = -1, target: int = -1, keep: str = "") -> bool:
        """Make branch *target* what branch *source* is; *source* goes unless the last argument is keep. The added
        branches count from 0; without a number, or with a negative one, the request itself is meant."""
        source, target = max(source, -1) + 1, max(target, -1) + 1
        if not exist(request, source, target) or source == target:
            return exist(request, source, target)
        branches.put(request, target, branches.snapshot(request, source))
        if keep.strip().lower() != "keep" and source > 0:
            branches.remove(request, source)
        return True

    @script(Route.ANY)
    def swap_msg_branches(self, request: Request, first: int = -1, second: int = -1) -> bool:
        """Exchange two branches; the added ones count from 0, without a number, or with a negative one, the request
        itself is meant."""
        first, second = max(first, -1) + 1, max(second, -1) + 1
        if not exist(request, first, second):
            return False
        one, other = branches.snapshot(request, first), branches.snapshot(request, second)
        branches.put(request, first, other)
        branches.put(request, second, one)
        return True

    # Serial forking

    @script(Route.ANY)
    def serialize_branches(self, run: Run, clear: int, keep_order: int = 0) -> bool:
        """Put the request's own branch and all that were added in a line, highest q first, for next_branches();
        those with equal q stay together, so that nothing changes where all have the same. *clear* drops an earlier
        line, *keep_order* keeps the order as it is."""
        request = run.message
        if request is None or not request.is_request:
            return False
        if clear:
            run.avps.pop(SERIAL, None)
        if not branches.count(request):
            return True
        entries = [branches.snapshot(request, number) for number in range(branches.count(request) + 1)]
        if not keep_order:
            if len({each["q"] for each in entries}) == 1:
                return True
            entries.sort(key=lambda each: -each["q"])
        groups = [[each] for each in entries] if keep_order else by_q(entries)
        line = run.avps.setdefault(SERIAL, [])
        line += [packed(entry, last=entry is group[-1]) for group in groups for entry in group]
        branches.added(request).clear()
        return True

    @script(Route.ANY)
    def next_branches(self, run: Run) -> Next:
        """Take the next branches off the line of serialize_branches(): in a request route the first becomes the
        request's own, in a failure route all are added. 1: more are left, 2: these were the last."""
        line, request = run.avps.get(SERIAL, []), run.message
        if not line or request is None or not request.is_request:
            return Next.NONE
        taken: list[dict[str, Any]] = []
        while line and (not taken or not taken[-1]["last"]):
            taken.append(json.loads(str(line.pop(0))))
        if not line:
            run.avps.pop(SERIAL, None)
        if run.kind is not Route.FAILURE:
            branches.put(request, 0, self.unpacked(taken.pop(0)))
        for each in taken:
            values = self.unpacked(each)
            target = BranchTarget(values.pop("uri"))
            for name, value in values.items():
                setattr(target, name, value)
            branches.added(request).append(target)
        return Next.MORE if SERIAL in run.avps else Next.LAST

    def unpacked(self, entry: dict[str, Any]) -> dict[str, Any]:
        """The branch that an entry of the line stands for."""
        values = {name: entry[name] for name in branches.FIELDS}
        values["send_socket"] = self.socket_named(values["send_socket"]) if values["send_socket"] else None
        return values


def exist(request: Request, *numbers: int) -> bool:
    """Whether all these branches exist."""
    return request.is_request and all(number <= branches.count(request) for number in numbers)


def by_q(entries: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Entries sorted by q as groups of equal q."""
    groups: list[list[dict[str, Any]]] = []
    for each in entries:
        if groups and groups[-1][0]["q"] == each["q"]:
            groups[-1].append(each)
        else:
            groups.append([each])
    return groups


def packed(entry: dict[str, Any], *, last: bool) -> str:
    """A branch as the text that the AVP keeps; *last* of those that are tried together."""
    socket = entry["send_socket"]
    return json.dumps({**entry, "send_socket": socket.uri_text if socket is not None else "", "last": last})
