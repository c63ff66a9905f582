"""What the checking process says of a configuration, so that the supervisor can start without reading it."""
from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Any

from opensips_py.server.boot import BoundListener, Logging


@dataclass(slots=True)
class Description:
    """A checked configuration: its errors, or what the supervisor has to know to start it."""

    errors: list[str] = field(default_factory=list)  # each ready to be printed, with place and hint
    notes: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)  # the texts that were checked, by path
    dialect: str = "4.0"
    listeners: list[BoundListener] = field(default_factory=list)
    workers_asked: int = 8  # the largest number that a socket or a global parameter asks for
    workers: int = 0  # the `workers=` parameter; 0: not given
    foreground: bool = False  # debug_mode, or fork=no
    directory: str = ""
    chroot: str = ""
    user: str = ""
    group: str = ""
    state_dir: str = ""  # '': worked out from the path of the configuration
    receive_buffer: int = 0  # bytes, 0: as the system has it
    backlog: int = 0  # of TCP listeners, 0: our own default
    open_files: int = -1  # limit to ask the system for, -1: as it is
    core_dumps: bool = True
    logging: Logging = field(default_factory=Logging)
    # Beside the configuration that the server runs on:
    route_changes: list[str] = field(default_factory=list)  # what the script does otherwise, in words
    other_changes: list[str] = field(default_factory=list)
    restart: list[str] = field(default_factory=list)  # changes that take a restart of the server, with the reasons
    rolling: list[str] = field(default_factory=list)  # changes that take a rolling restart
    added: list[BoundListener] = field(default_factory=list)
    removed: list[BoundListener] = field(default_factory=list)

    @property
    def changes(self) -> list[str]:
        """All that is different, in words."""
        return [*self.route_changes, *self.other_changes]

    def worker_count(self, *asked: int) -> int:
        """As many workers as the machine has cores, no more than the script, or the command line by *asked*, asks for;
        `workers=` overrides both."""
        return self.workers or max(1, min(len(os.sched_getaffinity(0)), max(self.workers_asked, *asked, 0)))

    def dump(self) -> str:
        """This description as JSON."""
        return json.dumps(asdict(self))


def load(text: str | bytes) -> Description:
    """Read what dump() wrote."""
    data: dict[str, Any] = json.loads(text)
    for name in ("listeners", "added", "removed"):
        data[name] = [BoundListener(**each) for each in data[name]]
    data["logging"] = Logging(**data["logging"])
    return Description(**data)
