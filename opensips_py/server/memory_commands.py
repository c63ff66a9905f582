"""The management commands for memory; what they find goes to the log, as in OpenSIPS."""
from __future__ import annotations

import gc
import os
from typing import Annotated, Any

from opensips_py.errors import MIError
from opensips_py.module import Between, Module, mi, process_state, timer
from opensips_py.server import memory
from opensips_py.server.load import TURN, LoadMeter
from opensips_py.server.logs import to_python

Level = Annotated[int, Between(-3, 4)]
NOT_FOUND = 404
QUIETEST = 4  # levels beyond that of debugging are never logged


def any_dumped(answers: list[bool]) -> None:
    """One worker has the process id; none is an error."""
    if not any(answers):
        raise MIError(NOT_FOUND, "Bad PID")


class MemoryCommands(Module, name="mi_memory"):
    """The memory of the workers, and what they share."""

    def stop(self) -> None:
        """Log what this process takes when it ends, at the level of mem_dump; not at a reload, which ends nothing."""
        if self.services.generation.registry is self.registry and self.services.globals["memdump"] <= QUIETEST:
            self.log_private(None)

    @mi(None, "mem_pkg_dump", v40="mem:pkg_dump", scope="each", merge=any_dumped)
    def dump_private(self, pid: int, log_level: Level | None = None) -> bool:
        """Log what memory the worker with *pid* takes, at *log_level*, else at that of mem_dump."""
        if pid != os.getpid():
            return False
        self.log_private(log_level)
        return True

    def log_private(self, log_level: int | None) -> None:
        """Log what memory this process takes."""
        taken, (young, middle, old) = memory.private(), gc.get_count()
        self.tell(log_level, "memory of process %d: own %d bytes, resident %d, at most %d, in %d areas; objects since "
                  "the last collections: %d, %d, %d", os.getpid(), taken.used, taken.resident, taken.highest,
                  memory.areas(), young, middle, old)

    @mi(None, "mem_shm_dump", v40="mem:shm_dump")
    def dump_shared(self, log_level: Level | None = None) -> None:
        """Log how much of the memory that all processes share is given out, at *log_level*, else at that of
        mem_dump."""
        words = self.words
        self.tell(log_level, "shared memory: %d of %d bytes given out, in %d pieces", words.used, words.size,
                  words.areas)

    @mi(None, "mem_rpm_dump", v40="mem:rpm_dump")
    def dump_lasting(self, log_level: Level | None = None) -> None:
        """Log how much of the file of what outlives the server is in use, at *log_level*, else at that of mem_dump."""
        environment = self.services.environment
        size, taken, highest = environment.pages()
        self.tell(log_level, "lasting memory: %d of %d bytes in use, %d were at most", size * taken, environment.size,
                  size * highest)

    @mi("shm_check", "mem_shm_check", v40="mem:shm_check")
    def check_shared(self) -> dict[str, int]:
        """Look through what is given out of the shared memory; the number of pieces."""
        return {"total_fragments": self.words.check()}

    @property
    def words(self) -> Any:
        """The shared words of this server."""
        services: Any = self.services
        return services.memory

    def tell(self, log_level: int | None, text: str, *values: int) -> None:
        """Log at *log_level*, else at that of mem_dump."""
        level = self.services.globals["memdump"] if log_level is None else log_level
        if level <= QUIETEST:
            self.log.log(to_python(level), text, *values)


class OwnLoad(Module, name="mi_load", provides=("management",)):
    """How busy the management process is, for those who ask a worker."""

    meter: LoadMeter = process_state()

    def start(self) -> None:
        """Tell it from now on."""
        self.measure()

    @timer(TURN)
    def measure(self) -> None:
        """Tell the other processes how busy this one is."""
        control: Any = self.services.control
        control.pulse.note(control.slot, os.getpid(), self.meter.read())
