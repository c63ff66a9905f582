"""The line format of OpenSIPS 2.1: ``:command:reply_fifo``, one argument a line, an empty line."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from opensips_py.errors import MIError
from opensips_py.mi.arguments import INVALID_PARAMS, METHOD_NOT_FOUND
from opensips_py.mi.tree import Node, text


@dataclass(slots=True)
class Request:
    """One command with its arguments: values by position, or (name, value)."""

    command: str
    reply: str = ""
    values: list[str] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def given(self) -> Any:
        """The arguments as the dispatcher takes them."""
        if self.names and self.values:
            raise MIError(INVALID_PARAMS, "either all arguments have names or none has")
        return self.names or self.values


def parse(lines: list[str]) -> Request:
    """The request in *lines*; ValueError where the first is none."""
    first = lines[0].rstrip("\r").split(":")
    if len(first) < 3 or first[0] or not first[1]:
        raise ValueError("a request begins with :command:reply_file")
    request = Request(first[1].strip(), ":".join(first[2:]).strip())
    for line in joined(lines[1:]):
        name, value = parted(line)
        if name:
            request.names[name] = unquoted(value)
        else:
            request.values.append(unquoted(value))
    return request


def joined(lines: list[str]) -> list[str]:
    """The arguments in *lines*: one that is quoted may take several, as the headers of a request do."""
    found: list[str] = []
    opened = False
    for line in lines:
        if opened:
            found[-1] += f"\n{line}"
        else:
            found.append(line)
        opened = goes_on(line, opened)
    return found


def goes_on(line: str, opened: bool) -> bool:
    """Whether a quoted value goes on behind *line*; *opened*: it began before."""
    value = line.strip() if opened else parted(line)[1]
    ends = value.endswith('"') and not value.endswith('\\"')
    return not ends if opened else value.startswith('"') and not (ends and len(value) > 1)


def parted(line: str) -> tuple[str, str]:
    """The name of an argument, or none, and its value."""
    name, separator, value = line.partition("::")
    return (name.strip(), value.strip()) if separator and name.strip().isidentifier() else ("", line.strip())


def unquoted(value: str) -> str:
    """A value without the quotes around it."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1].replace('\\"', '"')
    return value


def answer(request: Request, call: Callable[[str, Any], Any], tree: Callable[[str, Any], list[Node]],
           indent: str = "\t") -> str:
    """The response: a status line, the tree, an empty line."""
    try:
        data = call(request.command, request.given())
        return f"200 OK\n{text(tree(request.command, data), indent)}\n"
    except MIError as error:
        return f"{status(error)} {reason(error, request.command)}\n\n"


def status(error: MIError) -> int:
    """The three-digit code for an error; JSON-RPC's own codes have no place here."""
    if error.code > 0:
        return error.code
    return {METHOD_NOT_FOUND: 500, INVALID_PARAMS: 400}.get(error.code, 500)


def reason(error: MIError, command: str) -> str:
    """The words behind the code."""
    return f"command '{command}' not available" if error.code == METHOD_NOT_FOUND else error.message
