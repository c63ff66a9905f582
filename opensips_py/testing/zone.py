"""DNS answers out of a table."""
from __future__ import annotations

from collections.abc import Mapping, Sequence

import dns.rdata

from opensips_py.transport import Answer, NameServers

TTL = 300.0
Table = Mapping[str, Mapping[str, Sequence[str]]]


class Zone(NameServers):
    """Name servers that know what *table* says: ``{"example.com": {"SRV": ["10 0 5060 a.example.com"]}}``.

    *asked* lists the questions, as (name, type).
    """

    def __init__(self, table: Table) -> None:
        super().__init__([])
        self.table = {name.lower().rstrip("."): kinds for name, kinds in table.items()}
        self.asked: list[tuple[str, str]] = []

    def ask(self, name: str, kind: str) -> Answer:
        """The records of *kind* for *name*; none where the table has none."""
        self.asked.append((name, kind))
        texts = self.table.get(name.lower().rstrip("."), {}).get(kind, ())
        return Answer([dns.rdata.from_text("IN", kind, text) for text in texts], TTL)
