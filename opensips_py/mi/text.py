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
    for line in lines[1:]:
        name, separator, value = line.rstrip("\r").partition("::")
        if separator and name.strip().isidentifier():
            request.names[name.strip()] = unquoted(value.strip())
        else:
            request.values.append(unquoted(line.strip()))
    return request


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
