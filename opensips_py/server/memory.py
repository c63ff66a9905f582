"""What memory the processes of the server take, as the kernel counts it, in bytes."""
from __future__ import annotations

import contextlib
import os
import pathlib
import resource
from dataclasses import dataclass

PROC = pathlib.Path("/proc")
CGROUP = pathlib.Path("/sys/fs/cgroup")
PAGE = os.sysconf("SC_PAGE_SIZE")
MACHINE = os.sysconf("SC_PHYS_PAGES") * PAGE


@dataclass(frozen=True, slots=True)
class Private:
    """The memory that belongs to one process alone."""

    used: int  # its own pages
    resident: int  # those and the mapped ones that lie in memory
    highest: int  # the most that was ever resident


def private(pid: int | str = "self") -> Private:
    """The memory of the process *pid*; nothing where there is none."""
    lines: dict[str, int] = {}
    with contextlib.suppress(OSError):
        for line in (PROC / str(pid) / "status").read_text(errors="replace").splitlines():
            name, _, value = line.partition(":")
            if value.endswith(" kB"):
                lines[name] = int(value.split()[0]) * 1024
    return Private(lines.get("RssAnon", 0), lines.get("VmRSS", 0), lines.get("VmHWM", 0))


def available() -> int:
    """How much memory this process may take: the limit that somebody set, else what the machine has."""
    limits = [MACHINE, resource.getrlimit(resource.RLIMIT_AS)[0]]
    with contextlib.suppress(OSError, ValueError):
        limits.append(int((CGROUP / "memory.max").read_text()))
    return min(limit for limit in limits if limit > 0)


def areas(pid: int | str = "self") -> int:
    """In how many pieces the memory of the process *pid* lies; 0 where nobody may look."""
    try:
        return (PROC / str(pid) / "maps").read_bytes().count(b"\n")
    except OSError:
        return 0
