"""The documents of a worker, by name: finding, putting and linking values."""
from __future__ import annotations

from typing import Any

from opensips_py.modules.json.path import Step


class Documents(dict[str, Any]):
    """Each document by its name."""

    def find(self, name: str, steps: list[Step]) -> Any:
        """What stands there; LookupError where nothing does."""
        if name not in self:
            raise LookupError(f"there is no document {name}")
        found = self[name]
        for step in steps:
            found = item(found, step)
        return found

    def put(self, name: str, steps: list[Step], value: Any) -> None:
        """Put *value* there; None takes away what is there. ValueError where there is no such place."""
        if not steps:
            if value is None:
                self.pop(name, None)
            else:
                self[name] = value
            return
        try:
            holder = self.find(name, steps[:-1])
        except LookupError as error:
            raise ValueError(error.args[0]) from None
        place(holder, steps[-1], value)

    def link(self, name: str, steps: list[Step], source: str, source_steps: list[Step]) -> None:
        """Make the place at *steps* the same value as that at *source_steps*; ValueError where it cannot be."""
        try:
            value = self.find(source, source_steps)
            holder = self.find(name, steps[:-1]) if steps else None
        except LookupError as error:
            raise ValueError(error.args[0]) from None
        if holder is not None and holds(value, holder):
            raise ValueError("an object or array cannot stand inside itself")
        self.put(name, steps, value)


def item(holder: Any, step: Step) -> Any:
    """What *holder* has at *step*."""
    if isinstance(step, str):
        if not isinstance(holder, dict):
            raise LookupError(f"no key {step} in what is no object")
        if step not in holder:
            raise LookupError(f"there is no key {step}")
        return holder[step]
    if not isinstance(holder, list):
        raise LookupError("no index in what is no array")
    if step is None:
        raise LookupError("[] is only for assignments")
    if not -len(holder) <= step < len(holder):
        raise LookupError(f"there is no index {step}")
    return holder[step]


def place(holder: Any, step: Step, value: Any) -> None:
    """Put *value* at *step* of *holder*, or with None take away what is there."""
    if isinstance(step, str):
        put_key(holder, step, value)
    elif not isinstance(holder, list):
        raise ValueError("no index in what is no array")
    elif step is None:
        if value is None:
            raise ValueError("NULL cannot be appended")
        holder.append(value)
    elif not -len(holder) <= step < len(holder):
        raise ValueError(f"there is no index {step}")
    elif value is None:
        del holder[step]
    else:
        holder[step] = value


def put_key(holder: Any, key: str, value: Any) -> None:
    """Put *value* at *key* of *holder*, or with None take the key away."""
    if not isinstance(holder, dict):
        raise ValueError(f"no key {key} in what is no object")
    if value is None:
        holder.pop(key, None)
    else:
        holder[key] = value


def holds(value: Any, wanted: Any) -> bool:
    """Whether *wanted* is *value*, or stands somewhere in it."""
    waiting, seen = [value], set()
    while waiting:
        each = waiting.pop()
        if each is wanted:
            return True
        if isinstance(each, (dict, list)) and id(each) not in seen:
            seen.add(id(each))
            waiting.extend(each.values() if isinstance(each, dict) else each)
    return False


def ended_by(found: Any, listing: str, number: int | None) -> Any:
    """The item at *number* of what a `for` goes through: values, or keys where *listing* says so."""
    if isinstance(found, dict):
        items: list[Any] = list(found) if listing == ".keys" else list(found.values())
    elif isinstance(found, list) and not listing:
        items = found
    else:
        raise LookupError("only an object has keys and values" if listing else "only objects and arrays can be listed")
    if number is None or number >= len(items):
        raise LookupError("there are no more" if number is not None else f"{listing} only stands in a for loop")
    return items[number]
