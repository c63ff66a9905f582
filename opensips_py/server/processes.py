"""One process of the server as its supervisor sees it."""
from __future__ import annotations

import enum
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from opensips_py.server import boot as boot_module
from opensips_py.server import channel, python
from opensips_py.server.boot import Boot, BoundListener

WORKER = "opensips_py.server.worker"
MANAGEMENT = "opensips_py.server.management"


class State(enum.Enum):
    """How far a process has come."""

    STARTING = "starting"
    READY = "ready"  # waits for the word to begin
    RUNNING = "running"
    STOPPING = "stopping"
    GONE = "gone"


class Process:
    """A worker or the management process: its program, its channel, its state."""

    def __init__(self, boot: Boot, now: float, program: str | None = None) -> None:
        ours, theirs = channel.pair()
        boot.control_fd = theirs.fileno()
        self.index, self.generation = boot.index, boot.generation
        self.channel = ours
        self.state = State.STARTING
        self.since = now  # when it came into this state
        self.began = now
        self.reason = ""  # why it could not begin, if it said so
        self.deadline: float | None = None  # killed if it still lives then
        self.is_killed = False  # it may live a moment longer
        self.program = program or (MANAGEMENT if boot.is_management else WORKER)
        description = boot_module.place(boot)
        try:
            # A group of its own: Ctrl-C in the terminal reaches the supervisor, which stops the others in order.
            self._child = subprocess.Popen(
                [*python.PROGRAM, self.program, boot.config], stdin=subprocess.DEVNULL, process_group=0,
                pass_fds=[*boot.descriptors(), description],
                env={**python.environment(), boot_module.FD_VARIABLE: str(description)})
        finally:
            os.close(description)
            theirs.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def name(self) -> str:
        """What the log calls it."""
        return "management process" if self.index == boot_module.MANAGEMENT else f"worker {self.index}"

    def move(self, state: State, now: float) -> None:
        """Note that it came into *state*."""
        self.state, self.since = state, now

    def send(self, command: str, **values: Any) -> bool:
        """Send a command; False where it does not take any more."""
        try:
            self.channel.send(channel.encode(command, **values))
            return True
        except OSError:
            return False

    def prepare(self, generation: int, serial: int, added: Sequence[tuple[BoundListener, int]],
                removed: Sequence[int]) -> bool:
        """Have it prepare *generation*, with listeners that come, each with its descriptor, and numbers of others that
        go; False where it does not take any more."""
        packet = channel.encode("prepare", generation=generation, serial=serial,
                                added=[asdict(each) for each, _ in added], removed=list(removed))
        try:
            socket.send_fds(self.channel, [packet], [fd for _, fd in added])
            return True
        except OSError:
            return False

    def receive(self) -> list[dict[str, Any]]:
        """All that it sent since the last call."""
        messages: list[dict[str, Any]] = []
        while True:
            try:
                packet = self.channel.recv(channel.PACKET)
            except (BlockingIOError, ConnectionResetError):
                return messages
            if not packet:
                return messages
            messages.append(channel.decode(packet))

    def exit_status(self) -> int | None:
        """Its exit status once it ended (negative: the signal), None while it lives."""
        return self._child.poll()

    def stop(self, seconds: float, now: float) -> None:
        """Have it end within *seconds*; after half a second more it is killed."""
        if self.state in (State.STOPPING, State.GONE):
            return
        if self.state is State.STARTING or not self.send("stop", seconds=seconds):
            self.kill(signal.SIGTERM)
        self.move(State.STOPPING, now)
        self.deadline = now + seconds + 0.5

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send it a signal."""
        if self._child.poll() is None:
            self._child.send_signal(number)
            self.is_killed |= number == signal.SIGKILL

    def close(self) -> None:
        """Leave its channel."""
        self.channel.close()


def pairs(indices: Sequence[int]) -> dict[int, dict[int, socket.socket]]:
    """A link between any two of the processes *indices*: own index -> peer -> our end. They outlive the processes."""
    ends: dict[int, dict[int, socket.socket]] = {index: {} for index in indices}
    for position, one in enumerate(indices):
        for other in indices[position + 1:]:
            ends[one][other], ends[other][one] = channel.pair()
    return ends
