"""What a script asks to be cached: a table of a database, and how."""
from __future__ import annotations

import re
from dataclasses import dataclass

HOUR = 3600
NEEDED = ("id", "db_url", "cachedb_url", "table", "key")
KNOWN = (*NEEDED, "key_type", "columns", "on_demand", "expire")
IDENTIFIER = re.compile(r"[^\s*?\[\]\\]+\Z")


@dataclass(frozen=True)
class Entry:
    """A table, or a part of it; without *columns*, all are cached. *expire*: seconds for which a row that was asked for
    is kept."""

    id: str
    db_url: str
    cachedb_url: str
    table: str
    key: str
    key_is_number: bool = False
    columns: tuple[str, ...] = ()
    on_demand: bool = False
    expire: int = HOUR

    @classmethod
    def parse(cls, text: str, delimiter: str, between: str) -> Entry:
        """An entry as scripts write it: ``name=value`` with *delimiter* between, and *between* the names of columns."""
        given: dict[str, str] = {}
        for part in filter(str.strip, text.split(delimiter)):
            name, equals, value = (each.strip() for each in part.partition("="))
            if name not in KNOWN or not equals:
                raise ValueError(f'"{part.strip()}" is not one of {"=, ".join(KNOWN)}=')
            given[name] = value
        lacking = [name for name in NEEDED if not given.get(name)]
        if lacking:
            raise ValueError(f"it lacks {', '.join(lacking)}")
        if not IDENTIFIER.match(given["id"]):
            raise ValueError(f'"{given["id"]}" is no id: it has no space, and none of *?[]\\')
        return cls(given["id"], given["db_url"], given["cachedb_url"], given["table"], given["key"],
                   chosen(given, "key_type", ("string", "int")) == "int",
                   tuple(each.strip() for each in given.get("columns", "").split(between) if each.strip()),
                   chosen(given, "on_demand", ("0", "1")) == "1", seconds(given.get("expire", str(HOUR))))

    def place(self, key: str) -> str:
        """Under which key of the cache the row with *key* is."""
        return f"{self.id}:{key}"

    def key_of(self, place: str) -> str:
        """The key of the row at *place*."""
        return place.removeprefix(f"{self.id}:")


def chosen(given: dict[str, str], name: str, words: tuple[str, ...]) -> str:
    """One of a few words, the first where none is given."""
    value = given.get(name, words[0])
    if value not in words:
        raise ValueError(f'{name} is {" or ".join(words)}, not "{value}"')
    return value


def seconds(text: str) -> int:
    """A time."""
    if not text.isdecimal() or not int(text):
        raise ValueError(f'expire is a number of seconds, not "{text}"')
    return int(text)
