"""What tables and databases go by in one generation."""
from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from opensips_py.db import Table as Form
from opensips_py.module import Cache
from opensips_py.modules.usrloc.rows import Rows


@dataclass(frozen=True)
class Settings:
    """Parameters, and what the module does for them. *names* has the parameters with names of columns; *flag_names*
    and *flags_of* turn branch flags into their names and back; *again* is called when a database that was gone is to
    be asked again."""

    names: dict[str, str]
    use_domain: bool
    at_most: int  # contacts that one statement takes out
    flag_names: Callable[[int], str]
    flags_of: Callable[[str], int]
    again: Callable[[], object]
    log: logging.Logger
    ahead: Callable[[], int]  # seconds that times in rows are later than those of contacts here
    cache: Cache | None = None  # the key-value store that keeps contacts, if one does

    def rows(self, table: str, form: Form) -> Rows:
        """The rows of *table*, which has the form *form*."""
        return Rows(table, form, self.names, self.use_domain, self.flag_names, self.flags_of,
                    self.ahead)
