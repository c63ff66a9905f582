"""Status reports: whether parts of the server are ready, and what they have to tell of their work.

A part is an identifier in a group; groups bear the name of their module, the core's is ``core``, and an identifier that
nobody names is ``main``. A status above zero means ready, one below that it is not.
"""
from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from opensips_py.module.event import Event

MAIN, ALL, CORE = "main", "all", "core"
JUST_STARTED, TERMINATING, INITIALIZING, RUNNING = -100, -2, -1, 1
LONGEST = 200  # reports that an identifier keeps


class E_CORE_SR_STATUS_CHANGED(Event):
    """The status of an identifier is another one now."""

    group: str
    identifier: str
    status: int
    details: str | None
    old_status: int


@dataclass(slots=True)
class Identifier:
    """One part: its status, and its latest reports with their time (wall clock)."""

    status: int = JUST_STARTED
    details: str = ""
    reports: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=LONGEST))


Change = tuple[str, str, int, str, list[tuple[int, str]]]  # group, identifier, status, details, new reports


class StatusReports:
    """The status of all parts, the same in every process: *raised* tells of a change here, *shared* the others."""

    def __init__(self, raised: Callable[[E_CORE_SR_STATUS_CHANGED], object] = lambda event: None,
                 shared: Callable[[Change], object] = lambda change: None,
                 clock: Callable[[], float] = time.time) -> None:
        self.groups: dict[str, dict[str, Identifier]] = {}
        self._raised, self._shared, self._clock = raised, shared, clock

    def set_status(self, group: str, identifier: str, status: int, details: str = "") -> None:
        """The part's status changes here, and with it in all processes; 0 counts as 1."""
        old = self.identifier(group, identifier).status
        change: Change = group, identifier, status or 1, details, []
        self.take(change)
        self._shared(change)
        if old != (status or 1):
            self._raised(E_CORE_SR_STATUS_CHANGED(group, identifier, status or 1, details or None, old))

    def report(self, group: str, identifier: str, text: str) -> None:
        """The part has something to tell."""
        known = self.identifier(group, identifier)
        change = group, identifier, known.status, known.details, [(int(self._clock()), text)]
        self.take(change)
        self._shared(change)

    def take(self, change: Change) -> None:
        """Follow a change, which may be one of another process."""
        group, name, status, details, reports = change
        known = self.identifier(group, name)
        known.status, known.details = status, details
        known.reports.extend((when, text) for when, text in reports)

    def changes(self) -> list[Change]:
        """All there is but the core's own, as changes for a process that has just come."""
        return [(group, name, each.status, each.details, list(each.reports))
                for group, names in self.groups.items() if group != CORE for name, each in names.items()]

    def identifier(self, group: str, name: str = MAIN) -> Identifier:
        """One part, made if there is none."""
        return self.groups.setdefault(group, {}).setdefault(name or MAIN, Identifier())

    def status(self, group: str, name: str | None = None) -> int | None:
        """The status of a part, or with *all* 1 or -1 of the whole group; None where there is none."""
        known = self.groups.get(group)
        if known is None:
            return None
        if name == ALL:
            return 1 if all(each.status > 0 for each in known.values()) else -1
        found = known.get(name or MAIN)
        return None if found is None else found.status
