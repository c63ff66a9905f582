"""New values of a column that depend on the old one."""
from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Increase:
    """The column grows by *amount*, in the database: whoever does the same meanwhile is counted, too."""

    amount: int
