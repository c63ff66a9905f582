"""Names that OpenSIPS has changed between 2.1 and 4.0, as the manuals of both and the pages on migration have them.

The table is data, beside the lists of names. What it holds is looked up for errors of unknown names, for warnings of
old ones in scripts of 4.0, and by the conversion.
"""
from __future__ import annotations

import json
from functools import cache
from typing import NamedTuple

from opensips_py.module.loader import SURFACE


class Renamed(NamedTuple):
    """What a name has become: another name, or what to write instead."""

    to: str
    how: str = ""
    module: str = ""  # which has it now

    @property
    def words(self) -> str:
        """What to write, for a finding."""
        return " ".join(filter(None, (self.to, f"({self.how})" if self.to and self.how else self.how)))


@cache
def table() -> dict[str, dict[str, Renamed]]:
    """kind -> old name -> what it has become; under "params" the names are module.parameter, under "flags"
    function.letter."""
    data = json.loads((SURFACE / "renames.json").read_text())
    for kind in ("params", "flags"):
        data[kind] = {f"{owner}.{name}": each for owner, names in data[kind].items() for name, each in names.items()}
    return {kind: {name: Renamed(each.get("to", ""), each.get("how", ""), each.get("module", ""))
                   for name, each in names.items()} for kind, names in data.items()}


def find(kind: str, name: str) -> Renamed | None:
    """What the old *name* has become; *kind* is one of those in the table."""
    return table()[kind].get(name)


def other_name(name: str, dialect: str) -> str:
    """What the core parameter *name* of the other dialect is called in *dialect*; empty where that is not all."""
    if dialect == "4.0":
        found = find("globals", name)
        return found.to if found is not None and not found.how else ""
    return next((old for old, each in table()["globals"].items() if each.to == name and not each.how), "")


def advice(kind: str, name: str) -> str:
    """A fix for an old name that is unknown; empty where the table has none."""
    found = find(kind, name)
    if found is None:
        return ""
    return f"OpenSIPS 4.0 calls it {found.words}" if found.to else f"OpenSIPS 4.0 has {found.words} instead"
