"""Where tables of addresses are: one of each partition, in whatever database."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from opensips_py.module.kinds import Integer, Kind

DEFAULT = "default"


@dataclass(frozen=True)
class GroupKind(Kind):
    """A group of addresses as scripts of 2.2 to 2.4 name it, the partition in front: `4`, `partition:4`."""

    name = "group"

    def convert(self, value: Any) -> tuple[str, int]:
        partition, colon, group = str(value).rpartition(":") if isinstance(value, str) else ("", "", value)
        if colon and not partition.strip():
            raise ValueError(f"the name of a partition stands in front of the colon, not {value!r}")
        return partition.strip() or DEFAULT, Integer().convert(group.strip() if isinstance(group, str) else group)


Group = Annotated[tuple[str, int], GroupKind()]


@dataclass(frozen=True)
class Partition:
    """A table of addresses; what is empty is as in the default partition."""

    name: str
    url: str = ""
    table: str = ""


def partition(text: str) -> Partition:
    """``name: db_url = URL; table_name = TABLE``; ValueError where something in it is wrong."""
    name, colon, rest = text.partition(":")
    name = name.strip()
    if not colon or not name or "=" in name:
        raise ValueError(f"a partition is a name, a colon, and db_url or table_name, not {text.strip()!r}")
    given: dict[str, str] = {}
    for part in filter(str.strip, rest.split(";")):
        key, equals, value = part.partition("=")
        if not equals or key.strip() not in ("db_url", "table_name"):
            raise ValueError(f"partition {name}: {part.strip()!r} is neither db_url = … nor table_name = …")
        given[key.strip()] = value.strip()
    return Partition(name, given.get("db_url", ""), given.get("table_name", ""))
