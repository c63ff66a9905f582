"""What the supervisor tells a process that it starts: one JSON document on an inherited descriptor."""
from __future__ import annotations

import ctypes
import json
import os
import signal
from dataclasses import asdict, dataclass, field
from typing import Any

FD_VARIABLE = "OPENSIPS_PY_BOOT_FD"
MANAGEMENT = -1  # the index of the management process
PR_SET_PDEATHSIG = 1  # of prctl


@dataclass(slots=True)
class BoundListener:
    """One listener of the configuration and, in a worker, the socket that was bound for it."""

    protocol: str
    host: str
    port: int
    advertised_host: str = ""
    advertised_port: int = 0
    tag: str = ""
    options: dict[str, Any] = field(default_factory=dict)  # what else its line in the script says
    hostname: str = ""  # the name that the script gives for the address
    fd: int = -1
    number: int = -1  # by which the workers tell each other of it; -1: its place in the list


@dataclass(slots=True)
class Logging:
    """Where log lines go and how they look; levels are OpenSIPS's, -3 to 4, a filter of 0 filters nothing."""

    to_stderr: bool = True
    to_syslog: bool = False
    level: int = 2
    facility: str = "LOG_DAEMON"
    name: str = "opensips-py"
    prefix: str = ""
    stderr_filter: int = 0
    syslog_filter: int = 0
    stderr_format: str = "plain_text"  # or json, json_cee
    syslog_format: str = "plain_text"
    longest_text: int = 0  # bytes of the text in a JSON document, 0: any number
    longest_document: int = 0
    to_stdout: bool = True  # let standard output be: what libraries print there


@dataclass(slots=True)
class Boot:
    """Everything a worker or the management process needs beside the configuration itself."""

    config: str
    index: int
    workers: int
    generation: int = 1
    overrides: dict[str, Any] = field(default_factory=dict)  # global parameters given on the command line
    listeners: list[BoundListener] = field(default_factory=list)
    links: dict[int, int] = field(default_factory=dict)  # peer index -> descriptor
    sources: list[int] = field(default_factory=list)  # descriptors of the checked texts, see server.sources
    control_fd: int = -1
    pulse_fd: int = -1  # heartbeats, see server.heartbeat
    statistics_fd: int = -1  # Statistics.create(workers + 1): the management process has the last slab
    words_fd: int = -1  # words_size bytes for all other shared words
    words_size: int = 0
    state_dir: str = ""
    user: str = ""
    group: str = ""
    started: float = 0.0  # wall clock when the supervisor started
    restarted: bool = False  # this process replaces one that died or was restarted
    supervisor: int = 0  # its process id
    arguments: list[str] = field(default_factory=list)  # the command line of the server
    logging: Logging = field(default_factory=Logging)

    @property
    def is_management(self) -> bool:
        """Whether this process carries MI instead of calls."""
        return self.index == MANAGEMENT

    def dump(self) -> bytes:
        """This description as JSON."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    def descriptors(self) -> list[int]:
        """All descriptors that the process has to inherit."""
        fds = [self.control_fd, self.pulse_fd, self.statistics_fd, self.words_fd, *self.sources,
               *self.links.values()]
        return [fd for fd in [*fds, *(listener.fd for listener in self.listeners)] if fd >= 0]


def load(text: bytes | str) -> Boot:
    """Read what dump() wrote."""
    data = json.loads(text)
    data["listeners"] = [BoundListener(**each) for each in data["listeners"]]
    data["links"] = {int(peer): fd for peer, fd in data["links"].items()}
    data["logging"] = Logging(**data["logging"])
    return Boot(**data)


def inherited() -> Boot:
    """The description that this process was started with; its descriptors do not go to children of our own."""
    with os.fdopen(int(os.environ.pop(FD_VARIABLE)), "rb") as file:
        file.seek(0)
        boot = load(file.read())
    for fd in boot.descriptors():
        os.set_inheritable(fd, False)
    if boot.supervisor:
        end_with(boot.supervisor)
    return boot


def end_with(parent: int) -> None:
    """Die with *parent*: long before this process listens to it, for its sockets take datagrams away from those of a
    server that is started meanwhile."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def place(boot: Boot) -> int:
    """Put *boot* into a descriptor that the next process reads it from."""
    fd = os.memfd_create("boot")
    os.write(fd, boot.dump())
    return fd
