"""An event as its subscribers read it: lines in the dialect of 2.1, a JSON-RPC notification in that of 4.0."""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opensips_py.mi import jsonrpc

SPECIAL = frozenset("'\",\r\n")


def payload(dialect: str, event: str, values: Mapping[str, Any] | Sequence[Any]) -> bytes:
    """*event* with its parameters, named ones or a list."""
    if dialect == "2.1":
        return lines(event, values).encode("utf-8", "surrogateescape")
    given: Any = dict(values) if isinstance(values, Mapping) else list(values)
    params = {"params": given} if given else {}
    return jsonrpc.dump({"jsonrpc": "2.0", "method": event, **params}, pretty=False).encode()


def lines(event: str, values: Mapping[str, Any] | Sequence[Any]) -> str:
    """The name in a line of its own, a line for each parameter, ``name::value`` or the value alone, an empty line."""
    named = values.items() if isinstance(values, Mapping) else (("", each) for each in values)
    return f"{event}\n" + "".join(f"{name}::{quoted(value)}\n" if name else f"{quoted(value)}\n"
                                  for name, value in named) + "\n"


def quoted(value: Any) -> str:
    """A value: in quotes where a character in it would end it, or begin something else."""
    text = "" if value is None else str(value)
    if SPECIAL.isdisjoint(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
