"""The status reports of one process: its own state, and what the others tell."""
from __future__ import annotations

import time
from typing import Any

from opensips_py.module.status import (
    CORE,
    E_CORE_SR_STATUS_CHANGED,
    INITIALIZING,
    MAIN,
    RUNNING,
    TERMINATING,
    Change,
    StatusReports,
)

READY = "initialization completed, ready now"


def reports(process: Any) -> StatusReports:
    """The reports of a process that has links and events; what concerns the core each of them knows by itself."""
    def share(change: Change) -> None:
        if change[0] != CORE:
            for peer in process.links.peers:
                process.links.send(peer, "status_report", change)

    def raised(event: E_CORE_SR_STATUS_CHANGED) -> None:
        if event.group != CORE or process.index == 0:
            process.events.raise_event(event.event_name, event.values())

    made = StatusReports(raised, share)
    now = int(time.time())
    made.take((CORE, MAIN, INITIALIZING, "initializing", [(now, "initializing")]))
    process.links.on_send("status_report", lambda peer, change: made.take(change))
    process.links.on_call("status_report", made.take)
    return made


def ready(process: Any, *, restarted: bool) -> None:
    """The process works; one that takes the place of another says so to nobody, for the server has worked before."""
    if restarted:
        process.reports.take((CORE, MAIN, RUNNING, "running", [(int(time.time()), READY)]))
    else:
        process.reports.set_status(CORE, MAIN, RUNNING, "running")
        process.reports.report(CORE, MAIN, READY)


def ends(process: Any) -> None:
    """The process will not work any longer."""
    process.reports.set_status(CORE, MAIN, TERMINATING, "terminating")
