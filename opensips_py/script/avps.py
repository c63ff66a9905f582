"""AVPs: lists of values by name, the newest first, that belong to the message or its transaction."""
from __future__ import annotations

from opensips_py.script.indexes import Index, Value, pick

Avps = dict[str, list[Value]]


def read(avps: Avps, name: str, index: Index = None) -> Value:
    """The newest value, the one at *index*, or all joined."""
    return pick(avps.get(name, ()), index)


def push(avps: Avps, name: str, value: Value) -> None:
    """$avp(name) = value: a further value, now the newest; NULL takes the newest away."""
    if value is None:
        delete(avps, name, 0)
    else:
        avps.setdefault(name, []).insert(0, value)


def replace(avps: Avps, name: str, value: Value) -> None:
    """$avp(name) := value: this value alone; NULL leaves none."""
    if value is None:
        avps.pop(name, None)
    else:
        avps[name] = [value]


def assign(avps: Avps, name: str, index: Index, value: Value) -> None:
    """$(avp(name)[index]) = value: another value at that place, append as the oldest; NULL takes it away."""
    if index == "append":
        if value is not None:
            avps.setdefault(name, []).append(value)
    elif index == "*":
        replace(avps, name, value)
    elif type(index) is not int:
        push(avps, name, value)
    elif value is None:
        delete(avps, name, index)
    else:
        values = avps.get(name, [])
        if -len(values) <= index < len(values):
            values[index] = value


def delete(avps: Avps, name: str, index: int) -> None:
    """Take the value at *index* away; the AVP goes with its last one."""
    values = avps.get(name)
    if values is not None and -len(values) <= index < len(values):
        del values[index]
        if not values:
            del avps[name]
