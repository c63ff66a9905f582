"""What a reload would change, and what of it the running server cannot take over."""
from __future__ import annotations

from typing import Any

from opensips_py.script import comparing
from opensips_py.script.comparing import Differences
from opensips_py.script.configuration import Configuration
from opensips_py.server.boot import BoundListener
from opensips_py.server.description import Description
from opensips_py.server.listeners import key
from opensips_py.transport.listener import bracketed

SOCKETS = "a worker sets its sockets up when it starts"
ROLLING = {"tos": SOCKETS, "mcast_ttl": SOCKETS, "mcast_loopback": SOCKETS, "maxbuffer": SOCKETS}
# What the supervisor works with, of the description of a configuration: the name of the parameter, and why it stays.
RESTART: dict[str, tuple[str, str]] = {
    "workers": ("the number of workers", "calls are shared out among the workers when the server starts"),
    "foreground": ("debug_mode or fork", "it decides how the server starts"),
    "directory": ("the working directory", "it is entered when the server starts"),
    "chroot": ("chroot", "the server has entered its root when it started"),
    "user": ("the user", "the server has become that user when it started"),
    "group": ("the group", "the server has become that group when it started"),
    "state_dir": ("state_dir", "what is kept there belongs to the server that runs"),
    "backlog": ("tcp_socket_backlog", "sockets are bound when the server starts"),
    "open_files": ("open_files_limit", "the limit is set when the server starts"),
    "core_dumps": ("disable_core_dump", "the limit is set when the server starts"),
    "logging": ("where the log goes, or its format", "log lines have their way from when a process starts"),
}


def compare(old: Configuration, new: Configuration, before: Description, after: Description) -> None:
    """Say in *after* what it changes of *before*."""
    found = comparing.differences(old, new)
    listeners(found, before, after)
    after.route_changes, after.other_changes = found.routes, found.others
    after.restart = [f"{each} (the server has to be restarted)" for each in (*found.fixed, *restart(before, after))]
    after.rolling += [f"{name} is {comparing.shown(new.globals[name])}: {reason} (rolling_restart brings it)"
                      for name, reason in ROLLING.items() if name in found.parameters]


def restart(before: Description, after: Description) -> list[str]:
    """What only a restart of the whole server can change."""
    found = []
    for name, (label, reason) in RESTART.items():
        old, new = value_of(before, name), value_of(after, name)
        if old != new:
            told = f" is {comparing.shown(new)}, was {comparing.shown(old)}" if name != "logging" else " is another"
            found.append(f"{label}{told}: {reason}")
    return found


def value_of(description: Description, name: str) -> Any:
    """What the supervisor makes of a description."""
    if name == "workers":
        return description.worker_count()
    if name == "logging":
        settings = description.logging
        return [getattr(settings, each) for each in settings.__slots__ if each != "level"]
    return getattr(description, name)


def listeners(found: Differences, before: Description, after: Description) -> None:
    """Listeners that come, go, or are described otherwise."""
    old, new = {key(each): each for each in before.listeners}, {key(each): each for each in after.listeners}
    after.added = [each for where, each in new.items() if where not in old]
    after.removed = [each for where, each in old.items() if where not in new]
    found.others += [f"listener {named(each)} is added" for each in after.added]
    found.others += [f"listener {named(each)} is removed" for each in after.removed]
    for where, each in new.items():
        if where in old and each != old[where]:
            found.others.append(f"listener {named(each)} is described otherwise")
            after.rolling.append(f"what else the line of listener {named(each)} says: {SOCKETS} (rolling_restart "
                                 "brings it)")


def named(listener: BoundListener) -> str:
    """A listener in a sentence."""
    return f"{listener.protocol}:{bracketed(listener.host)}:{listener.port}"
