"""The daemon: from the command line to a running server."""
from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import pathlib
import resource
import socket
import sys
import time
from collections.abc import Callable, Sequence

from opensips_py import __version__
from opensips_py.errors import ConfigError
from opensips_py.server import detach, logs, options, privileges, sockets, sources, state_dir
from opensips_py.server.boot import Boot, BoundListener, Logging
from opensips_py.server.checking import Checking
from opensips_py.server.description import Description
from opensips_py.server.listeners import Listeners
from opensips_py.server.options import Options
from opensips_py.server.privileges import Identity
from opensips_py.server.supervisor import EXIT_BOOT, Supervisor
from opensips_py.state import directory, steering
from opensips_py.statistics import Statistics

log = logging.getLogger(__name__)

WORDS_SIZE = 16 << 20  # bytes; pages that nobody writes take no memory


def main(arguments: Sequence[str] | None = None) -> int:
    """Start the server; returns the exit status."""
    chosen, version_only = options.parse(arguments)
    if version_only:
        print(f"opensips-py {__version__} (Python {sys.version.split()[0]}, {sys.platform})")
        return 0
    try:
        return check_only(chosen) if chosen.check else serve(chosen, list(arguments or sys.argv[1:]))
    except ConfigError as error:
        print(f"opensips-py: {error.message}", file=sys.stderr)
        return EXIT_BOOT


def checked(chosen: Options, who: Identity) -> Description:
    """What the configuration says, or ConfigError once its errors are printed."""
    trouble = privileges.unreadable(who, chosen.config)
    if trouble:
        raise ConfigError(trouble)
    result = Checking(chosen.config, chosen.overrides(), who).result(wait=True)
    assert result is not None
    for note in [*options.notes(chosen), *result.notes]:
        print(note, file=sys.stderr)
    for error in result.errors:
        print(error, file=sys.stderr)
    if result.errors:
        count = len(result.errors)
        raise ConfigError(f"{chosen.config}: {count} error{'s' if count > 1 else ''}, nothing was started")
    return result


def check_only(chosen: Options) -> int:
    """-c and -C: print every error, or what would be listened on."""
    description = checked(chosen, privileges.identity("", ""))
    print(f"{chosen.config}: the configuration is right (dialect {description.dialect})")
    for listener in description.listeners:
        print(f"listening on {listener.protocol}:{listener.host}:{listener.port}")
    return 0


def serve(chosen: Options, arguments: list[str]) -> int:
    """Check, bind, become who we are to be, and supervise until the end."""
    chosen.config = os.path.abspath(chosen.config)
    description = checked(chosen, privileges.identity(chosen.user, chosen.group))
    # The script may name a user as well (2.1); the letter wins.
    who = privileges.identity(chosen.user or description.user, chosen.group or description.group)
    if not (chosen.foreground or chosen.debug_mode or description.foreground):
        keep = log_settings(chosen, description).to_stderr
        return detach.daemonize(lambda ready: run(chosen, description, who, arguments, ready), keep)
    return run(chosen, description, who, arguments, lambda: None)


def run(chosen: Options, description: Description, who: Identity, arguments: list[str], ready: detach.Ready) -> int:
    """The server itself, in the process that stays."""
    settings = log_settings(chosen, description)
    logs.set_up(settings)
    limits(description)
    count, listeners = worker_count(description, chosen), description.listeners
    state = description.state_dir or state_dir.location(chosen.config, first_address(listeners))
    with contextlib.ExitStack() as at_end:
        at_end.callback(os.close, state_dir.prepare(state, who.uid, who.gid))
        steer = opened(state, who)
        at_end.callback(directory.end, state)  # a clean end: no worker is left that writes
        groups: list[list[socket.socket]] = []
        at_end.callback(sockets.close, groups)
        for each in listeners:
            groups.append(sockets.bind(each, count, description.receive_buffer, description.backlog, steer))
        at_end.callback(detach.PidFiles(chosen.pid_file, chosen.group_file, who.uid, who.gid).remove)
        settle(chosen.directory or description.directory, chosen.chroot or description.chroot, chosen.config)
        privileges.drop(who)
        texts = sources.create()
        template = Boot(
            chosen.config, 0, count, sources=texts, overrides=chosen.overrides(), listeners=listeners,
            state_dir=state, user=who.name, started=time.time(), arguments=["opensips-py", *arguments],
            logging=settings, statistics_fd=Statistics.create(count + 1), words_fd=memory("words", WORDS_SIZE),
            words_size=WORDS_SIZE)
        sources.place(texts, template.generation, description.sources)
        if chosen.debug:
            template.overrides["log_level"] = settings.level

        def started() -> None:
            log.info("%d workers take calls on %d listeners", count, len(listeners))
            detach.tell_systemd(f"READY=1\nMAINPID={os.getpid()}")
            ready()

        at_end.callback(detach.tell_systemd, "STOPPING=1")
        held = Listeners(listeners, groups, lambda each: sockets.bind(
            each, count, description.receive_buffer, description.backlog, steer))
        at_end.callback(held.close)
        return Supervisor(template, held, lambda texts: Checking(chosen.config, template.overrides, against=texts),
                          started).run()


def first_address(listeners: Sequence[BoundListener]) -> str:
    """The first listener, as text: part of what tells one server's state from another's."""
    return f"{listeners[0].protocol}:{listeners[0].host}:{listeners[0].port}" if listeners else ""


def worker_count(description: Description, chosen: Options) -> int:
    """The number of workers, with what the command line says."""
    return description.worker_count(chosen.udp_workers or 0, chosen.tcp_workers or 0)


def log_settings(chosen: Options, description: Description) -> Logging:
    """The script's settings for the log, as the command line changes them."""
    settings = dataclasses.replace(description.logging)
    if chosen.to_stderr or chosen.debug_mode:
        settings.to_stderr = True
    settings.level = 4 if chosen.debug_mode else min(4, settings.level + chosen.debug)
    return settings


def opened(state: str, who: Identity) -> Callable[[socket.socket, int], None]:
    """Begin to use the state directory; gives what lets the kernel steer datagrams by this installation's secrets."""
    trouble = directory.begin(state)
    if trouble:
        log.warning("%s", trouble)
    secrets = directory.secrets(state)
    state_dir.hand_over(pathlib.Path(state), who.uid, who.gid)
    return lambda group, workers: steering.attach(
        group, steering.program(secrets.multiplier, secrets.start, workers))


def limits(description: Description) -> None:
    """Open files and core dumps, as the script has them."""
    if description.open_files > 0:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = description.open_files
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
        except (OSError, ValueError):
            log.warning("open_files_limit: only root may go beyond %d, so that is the limit", hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if not description.core_dumps:
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def settle(folder: str, chroot: str, config: str) -> None:
    """Change the root and the working directory."""
    if chroot:
        privileges.change_root(chroot)
        trouble = privileges.first_unreadable(config)  # the workers are started in there
        if trouble:
            raise ConfigError(f"in the new root {chroot}, {trouble}")
    try:
        if folder:
            os.chdir(folder)
    except OSError as error:
        raise ConfigError(f"the working directory cannot become {folder}: {error.strerror}") from None


def memory(name: str, size: int) -> int:
    """A descriptor of *size* bytes that the processes share."""
    fd = os.memfd_create(name)
    os.ftruncate(fd, size)
    return fd
