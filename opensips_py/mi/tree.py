"""Answers as the trees of named values that OpenSIPS 2.1 writes, made of the data that commands return."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(slots=True)
class Node:
    """One line of a 2.1 answer: ``name:: value attribute=value``, what belongs to it indented below.

    A *listed* one is one of several of its name, however many there are now.
    """

    name: str = ""
    value: Any = None
    attributes: dict[str, Any] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    listed: bool = False


def rendered(render: Callable[[Any], list[Node]]) -> Callable[[F], F]:
    """Give a command its own 2.1 tree: *render* makes it of what the command returns."""
    def decorate(function: F) -> F:
        function.__tree__ = render  # type: ignore[attr-defined]
        return function
    return decorate


def tree_of(data: Any, command: Callable[..., Any] | None = None) -> list[Node]:
    """The 2.1 tree of *data*, in the way that *command* asks for, else by the rules of plain().

    A bare "OK" says no more than the status does: nothing stands below it.
    """
    if data == "OK":
        return []
    render = getattr(command, "__tree__", None)
    return render(data) if render is not None else plain(data)


def plain(data: Any) -> list[Node]:
    """Objects become named nodes, arrays of objects repeat the singular name, single values stand alone."""
    if data is None:
        return []
    if isinstance(data, dict):
        return [node for name, value in data.items() for node in named(str(name), value)]
    if isinstance(data, (list, tuple)):
        return [node for item in data
                for node in (plain(item) if isinstance(item, (dict, list)) else [listed("", item)])]
    return [Node("", data)]


def named(name: str, value: Any) -> list[Node]:
    """The nodes of one member of an object."""
    if isinstance(value, dict):
        return [Node(name, None, {}, plain(value))]
    if isinstance(value, (list, tuple)):
        return [entry(singular(name), item) for item in value]
    return [Node(name, value)]


def entry(name: str, item: Any) -> Node:
    """One element of an array called *name*: its own name and single values in the line, the rest below."""
    if not isinstance(item, dict):
        below = isinstance(item, (list, tuple))
        return listed(name, None if below else item, {}, plain(item) if below else [])
    rest = dict(item)
    value = rest.pop(name, rest.pop(name.lower(), None))
    attributes = {key: each for key, each in rest.items() if not isinstance(each, (dict, list, tuple))}
    return listed(name, value, attributes, plain({key: each for key, each in rest.items() if key not in attributes}))


def listed(name: str, value: Any = None, attributes: dict[str, Any] | None = None,
           children: list[Node] | None = None) -> Node:
    """A node that is one of several."""
    return Node(name, value, attributes or {}, children or [], listed=True)


def singular(name: str) -> str:
    """The name of one of several: Processes, Contacts, Entries."""
    if name.endswith("ies"):
        return name[:-3] + "y"
    for ending in ("sses", "ches", "shes", "xes"):
        if name.endswith(ending):
            return name[:-2]
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name


def shown(value: Any) -> str:
    """One value as text: null is empty, truth a number."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, bool) else str(value)


def text(nodes: list[Node], indent: str = "\t", level: int = 0) -> str:
    """The tree as 2.1 prints it."""
    lines = []
    for node in nodes:
        value = shown(node.value)
        head = f"{node.name}:: {value}" if node.name else value
        attributes = "".join(f" {name}={shown(each)}" for name, each in node.attributes.items())
        lines.append(f"{indent * level}{head}{attributes}\n")
        lines.append(text(node.children, indent, level + 1))
    return "".join(lines)


def data_of(nodes: list[Node]) -> dict[str, Any]:
    """The tree as 2.1's mi_json prints it: an object of names, those of several as an array."""
    result: dict[str, Any] = {}
    for node in nodes:
        if node.listed:
            result.setdefault(node.name, []).append(object_of(node))
        elif not node.name:
            result.update(object_of(node))
        elif node.value in (None, "") or node.attributes or node.children:
            result[node.name] = object_of(node)
        else:
            result[node.name] = shown(node.value)
    return result


def object_of(node: Node) -> dict[str, Any]:
    """What a node has besides its name."""
    result: dict[str, Any] = {} if node.value in (None, "") else {"value": shown(node.value)}
    if node.attributes:
        result["attributes"] = {name: shown(value) or None for name, value in node.attributes.items()}
    if node.children:
        result["children"] = data_of(node.children)
    return result
