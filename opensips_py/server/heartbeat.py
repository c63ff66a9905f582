"""Heartbeats in shared memory: each process stores when it was last alive, and how busy it is; others read."""
from __future__ import annotations

import mmap
import os
import time
from collections.abc import Container

INTERVAL = 0.4  # seconds between two heartbeats; a worker has one each time it turns its wheel of timers
LIMIT = 1.0  # a process silent for longer is stuck
STARTING_LIMIT = 5.0  # the same for one that has just begun: it goes on with calls, reads what has waited
WRITING_LIMIT = 5.0  # the same while it is inside a write transaction: killing it there costs the others most
WORDS = 8  # per process, 64 bytes: one cache line
BEAT, WRITING, PID, LOAD = 0, 1, 2, 3  # the last of them three words long


class Pulse:
    """The heartbeats of all processes; the one of process *index* is written by that process alone."""

    def __init__(self, fd: int, processes: int) -> None:
        self._map = mmap.mmap(fd, processes * WORDS * 8)
        self._words = memoryview(self._map).cast("Q")
        self.processes = processes

    @staticmethod
    def create(processes: int) -> int:
        """A descriptor with room for *processes* heartbeats."""
        fd = os.memfd_create("pulse")
        os.ftruncate(fd, processes * WORDS * 8)
        return fd

    def beat(self, index: int) -> None:
        """Say that process *index* is alive now."""
        self._words[index * WORDS + BEAT] = time.monotonic_ns()

    def set_writing(self, index: int, writing: bool) -> None:
        """Say whether process *index* is inside a write transaction."""
        self._words[index * WORDS + WRITING] = int(writing)

    def is_writing(self, index: int) -> bool:
        """Whether process *index* is inside a write transaction."""
        return bool(self._words[index * WORDS + WRITING])

    def note(self, index: int, pid: int, load: tuple[int, int, int]) -> None:
        """Say that process *index* has the id *pid* and is so busy: percents of a second, a minute, ten minutes."""
        self._words[index * WORDS + PID] = pid
        for word, percent in enumerate(load, index * WORDS + LOAD):
            self._words[word] = percent

    def pid(self, index: int) -> int:
        """The id of process *index*; 0 while it has not said so."""
        return self._words[index * WORDS + PID]

    def load(self, index: int, period: int) -> int:
        """How busy process *index* is, in percent, in the last second (*period* 0), minute (1), ten minutes (2)."""
        return self._words[index * WORDS + LOAD + period]

    def has_begun(self, index: int) -> bool:
        """Whether process *index* has said once that it is alive."""
        return bool(self._words[index * WORDS + BEAT])

    def silence(self, index: int, now_ns: int) -> float:
        """Seconds since process *index* was last alive; 0 while it has not begun."""
        last = self._words[index * WORDS + BEAT]
        return (now_ns - last) / 1e9 if last else 0.0

    def clear(self, index: int) -> None:
        """Forget process *index*: it ended, its replacement has not begun."""
        for word in range(WORDS):
            self._words[index * WORDS + word] = 0

    def close(self) -> None:
        """Give the memory back."""
        self._words.release()
        self._map.close()


def stuck(pulse: Pulse, running: list[int], now_ns: int, fresh: Container[int] = ()) -> list[int]:
    """Which of the *running* processes to kill now; *fresh* are those that have just begun.

    A process that stopped inside its write transaction stops every other one that wants to write: if several are
    silent, only that one goes first.
    """
    limits = {index: STARTING_LIMIT if index in fresh else LIMIT for index in running}
    silent = [index for index in running if pulse.silence(index, now_ns) > limits[index]]
    writers = [index for index in silent if pulse.is_writing(index)]
    if writers:
        return [index for index in writers if pulse.silence(index, now_ns) > WRITING_LIMIT]
    return silent
