"""What somebody asks the supervisor to do with the configuration as it is now, and what comes of it."""
from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opensips_py.server.description import Description

log = logging.getLogger(__name__)

Answer = Callable[[dict[str, Any]], object]


@dataclass(slots=True)
class Wish:
    """A reload: *dry_run* only asks what it would change, *routes_only* refuses where that is more than routes.

    *rolls* is given for a rolling restart; it is called where the configuration cannot be taken over, so that the
    restart goes on with the one before.
    """

    answer: Answer = lambda value: None
    dry_run: bool = False
    routes_only: bool = False
    rolls: Callable[[], object] | None = None

    def answered(self, result: Description) -> bool:
        """Whether nothing is left to be done, the outcome of the check being *result*."""
        reasons = result.errors or self.reasons(result)
        if self.dry_run:
            self.answer({"ok": not reasons, "reasons": reasons, "changes": result.changes})
        elif reasons and self.rolls is not None:
            log.error("the processes are restarted with the configuration before, for this one is refused: %s",
                      "; ".join(reasons))
            self.rolls()
        elif reasons:
            self.refuse(reasons)
        return self.dry_run or bool(reasons)

    def reasons(self, result: Description) -> list[str]:
        """Why the configuration, which is right, cannot be taken over."""
        found = list(result.restart)
        if self.rolls is None:
            found += result.rolling
        if self.routes_only and not found and result.other_changes:
            found = [f"{each} (not a route: reload takes it over)" for each in result.other_changes]
        return found

    def refuse(self, reasons: list[str]) -> None:
        """Say why nothing changes."""
        for each in reasons:
            log.error("%s", each)
        if self.rolls is not None:
            self.rolls()
        self.answer({"ok": False, "reasons": reasons})

    def over(self, changes: list[str], value: dict[str, Any]) -> None:
        """All processes have swapped, or none has."""
        if value["ok"]:
            log.info("reloaded: %s", "; ".join(changes) or "nothing is different")
        self.answer({**value, "changes": changes} if value["ok"] else value)
