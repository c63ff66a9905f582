"""Pseudo-variables of the branches that a request will be forked to: $branch(…) and $msg.branch.…"""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.module.kinds import Flag, OneOf
from opensips_py.module.marks import pvar
from opensips_py.script import branches
from opensips_py.script.flags import Flags
from opensips_py.script.indexes import Index, Value, pick
from opensips_py.script.uris import q_number, q_text
from opensips_py.sip import Request

if TYPE_CHECKING:
    import logging

BranchFlag = Annotated[int, Flag("branch")]
# the fields of $branch(field)
FIELDS = {"uri": "uri", "duri": "duri", "path": "path", "q": "q", "flags": "flags", "socket": "socket"}
Field = Annotated[str, OneOf(*FIELDS)]


class BranchVariables:
    """The pseudo-variables of branches."""

    log: logging.Logger
    flags: Flags

    def socket_named(self, text: str) -> Any:
        """The socket that *text* describes."""
        raise NotImplementedError

    # $branch: counts only the branches that were added, from 0

    @pvar("branch")
    def branch(self, request: Request, name: Field = "uri", index: Index = None) -> Value:
        """An added branch, or a field of it: uri, duri, path, q, flags, socket; the index counts the added branches
        from 0. Assigning $branch adds a branch."""
        if not request.is_request or name not in ("", *FIELDS):
            return None
        return listed([self.field(request, number, name or "uri") for number in range(1, branches.count(request) + 1)],
                      index)

    @branch.setter
    def set_branch(self, request: Request, name: str, index: Index, value: Value) -> None:
        if not request.is_request:
            return
        if not name:
            self.set_message_branch(request, value)
            return
        total = branches.count(request)
        number = index if type(index) is int else 0
        if not total or not -total <= number < total:
            self.log.error("$branch(%s): there is no branch %s", name, index or 0)
            return
        self.set_field(request, number % total + 1, name, value)

    @pvar("branch.flag")
    def branch_flag(self, request: Request, name: BranchFlag, index: Index = None) -> int | None:
        """1 or 0: whether a flag of a branch is set; an older name of $msg.branch.flag."""
        return flag(request, index, name)

    @branch_flag.setter
    def set_branch_flag(self, request: Request, name: BranchFlag, index: Index, value: Value) -> None:
        set_flag(request, index, name, value)

    # $msg.branch: number 0 is the request itself; without an index, the branch added last

    @pvar("msg.branch")
    def message_branch(self, request: Request) -> str | None:
        """URI of the branch added last, else of the request; assigning adds a branch."""
        return branches.holder(request, -1).uri if request.is_request else None

    @message_branch.setter
    def set_message_branch(self, request: Request, value: Value) -> None:
        if request.is_request and isinstance(value, str):
            branches.append(request, value)
        elif value is not None:
            self.log.error("a branch is added to a request, by its URI, not by %r", value)

    @pvar("msg.branch.last_idx")
    def last_branch(self, request: Request) -> int | None:
        """Number of the branch added last, 0 where none was."""
        return branches.count(request) if request.is_request else None

    @pvar("msg.branch.uri")
    def branch_uri(self, request: Request, index: Index = None) -> Value:
        """URI of a branch."""
        return self.branch_value(request, "uri", index)

    @branch_uri.setter
    def set_branch_uri(self, request: Request, index: Index, value: Value) -> None:
        self.set_branch_value(request, "uri", index, value)

    @pvar("msg.branch.duri")
    def branch_duri(self, request: Request, index: Index = None) -> Value:
        """Destination URI of a branch."""
        return self.branch_value(request, "duri", index)

    @branch_duri.setter
    def set_branch_duri(self, request: Request, index: Index, value: Value) -> None:
        self.set_branch_value(request, "duri", index, value)

    @pvar("msg.branch.path")
    def branch_path(self, request: Request, index: Index = None) -> Value:
        """Route values that a branch is sent along."""
        return self.branch_value(request, "path", index)

    @branch_path.setter
    def set_branch_path(self, request: Request, index: Index, value: Value) -> None:
        self.set_branch_value(request, "path", index, value)

    @pvar("msg.branch.q")
    def branch_q(self, request: Request, index: Index = None) -> Value:
        """q value of a branch."""
        return self.branch_value(request, "q", index)

    @branch_q.setter
    def set_branch_q(self, request: Request, index: Index, value: Value) -> None:
        self.set_branch_value(request, "q", index, value)

    @pvar("msg.branch.flags")
    def branch_flag_names(self, request: Request, index: Index = None) -> Value:
        """Names of the flags that are set on a branch."""
        return self.branch_value(request, "flags", index)

    @branch_flag_names.setter
    def set_branch_flag_names(self, request: Request, index: Index, value: Value) -> None:
        self.set_branch_value(request, "flags", index, value)

    @pvar("msg.branch.socket")
    def branch_socket(self, request: Request, index: Index = None) -> Value:
        """Socket that a branch leaves by."""
        return self.branch_value(request, "socket", index)

    @branch_socket.setter
    def set_branch_socket(self, request: Request, index: Index, value: Value) -> None:
        self.set_branch_value(request, "socket", index, value)

    @pvar("msg.branch.flag")
    def one_branch_flag(self, request: Request, name: BranchFlag, index: Index = None) -> int | None:
        """1 or 0: whether a flag of a branch is set."""
        return flag(request, index, name)

    @one_branch_flag.setter
    def set_one_branch_flag(self, request: Request, name: BranchFlag, index: Index, value: Value) -> None:
        set_flag(request, index, name, value)

    @pvar("msg.branch.attr")
    def branch_attribute(self, request: Request, name: str, index: Index = None) -> Value:
        """A value that the script attached to a branch, by name; assigning NULL takes it away."""
        if not request.is_request or index == "*":
            return None
        kept = branches.attributes(request, index if type(index) is int else -1)
        return kept.get(name) if kept is not None else None

    @branch_attribute.setter
    def set_branch_attribute(self, request: Request, name: str, index: Index, value: Value) -> None:
        kept = branches.attributes(request, index if type(index) is int else -1) if request.is_request else None
        if kept is None:
            self.log.error("$msg.branch.attr(%s): there is no such branch", name)
        elif value is None:
            kept.pop(name, None)
        else:
            kept[name] = value

    # What all of these come down to

    def branch_value(self, request: Request, name: str, index: Index) -> Value:
        """A field of the branch at *index*."""
        if not request.is_request:
            return None
        values = [self.field(request, number, name) for number in range(branches.count(request) + 1)]
        return listed(values, -1 if index is None else index)

    def set_branch_value(self, request: Request, name: str, index: Index, value: Value) -> None:
        """Assign a field of the branch at *index*."""
        if not request.is_request:
            return
        number = index if type(index) is int else -1
        if branches.holder(request, number) is None:
            self.log.error("$msg.branch.%s: there is no branch %s", name, number)
            return
        self.set_field(request, number, name, value)

    def field(self, request: Request, number: int, name: str) -> Value:
        """A field of branch *number*."""
        values = branches.snapshot(request, number)
        if name == "q":
            return q_text(values["q"]) or ""
        if name == "flags":
            return self.flags.text("branch", values["flags"])
        if name == "socket":
            return values["send_socket"].uri_text if values["send_socket"] is not None else None
        found: str | None = values["destination" if name == "duri" else name]
        return found

    def set_field(self, request: Request, number: int, name: str, value: Value) -> None:
        """Assign a field of branch *number*; what cannot be is logged and changes nothing."""
        try:
            key, converted = self.converted(name, value)
        except ValueError as error:
            self.log.error("branch %d: %s", number, error)
        else:
            branches.put(request, number, {key: converted})

    def converted(self, name: str, value: Value) -> tuple[str, Any]:
        """The attribute that a field is kept in, and *value* as it is kept."""
        if name == "q":
            if isinstance(value, str):
                raise ValueError("its q is a number of thousandths")
            return "q", -1 if value is None else q_number(value)
        if name == "flags":
            names = str(value or "").replace(",", " ").split()
            return "flags", sum({1 << self.flags.number("branch", each) for each in names})
        if name == "socket":
            found = None if value is None else self.socket_named(str(value))
            if found is None and value is not None:
                raise ValueError(f"{value} is none of the sockets that the server listens on")
            return "send_socket", found
        if name not in FIELDS:
            raise ValueError(f"{name} is no field of a branch: {', '.join(FIELDS)}")
        if name == "uri" and value is None:
            raise ValueError("its URI cannot be NULL")
        return "destination" if name == "duri" else name, None if value is None else str(value)


def listed(values: list[Value], index: Index) -> Value:
    """The value at *index*; in the text of all of them, NULL takes the place of an empty one."""
    if index == "*" and values:
        return pick(["" if each is None else each for each in values], index)
    return pick(values, index)


def flag(request: Request, index: Index, bit: int) -> int | None:
    """Whether a flag of the branch at *index* is set, without one of the branch added last."""
    number = index if type(index) is int else -1
    if not request.is_request or index == "*" or branches.holder(request, number) is None:
        return None
    flags: int = branches.snapshot(request, number)["flags"]
    return flags >> bit & 1


def set_flag(request: Request, index: Index, bit: int, value: Value) -> None:
    """Set or reset a flag of the branch at *index*, without one of the branch added last."""
    number = index if type(index) is int else -1
    if request.is_request and branches.holder(request, number) is not None:
        flags: int = branches.snapshot(request, number)["flags"]
        branches.put(request, number, {"flags": flags | 1 << bit if value else flags & ~(1 << bit)})
