"""A process's own end of the channel to the supervisor: readiness, heartbeat, commands."""
from __future__ import annotations

import _socket
import logging
import os
import socket
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import gevent
from gevent.event import AsyncResult, Event

from opensips_py.errors import ConfigError, MIError
from opensips_py.server import channel
from opensips_py.server.boot import Boot, BoundListener
from opensips_py.server.heartbeat import INTERVAL, Pulse
from opensips_py.timers import Ticker

log = logging.getLogger(__name__)

DESCRIPTORS = _socket.CMSG_SPACE(250 * 4)  # as many as the kernel sends along with one packet
NO_ANSWER = 504
TEXT_LIMIT = 30_000  # characters of an error that is sent to the supervisor


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a reload: prepare, commit or cancel; *serial* is that of the attempt."""

    command: str
    generation: int
    serial: int
    added: list[BoundListener]
    removed: list[int]


class Control:
    """The channel to the supervisor.

    Set *on_stop*, *on_prepare*, *on_commit* and *on_cancel* before ready(). All of them run in a greenlet of their
    own and may wait. on_prepare(generation) raises to refuse the new generation; on_stop(seconds) returns when the
    process may end.
    """

    def __init__(self, boot: Boot) -> None:
        self.on_stop: Callable[[float], object] = lambda seconds: None
        self.on_prepare: Callable[[int], object] = refuse_reload
        self.on_commit: Callable[[int], object] = lambda generation: None
        self.on_cancel: Callable[[int], object] = lambda generation: None
        self.on_peer: Callable[[int, bool], object] = lambda index, alive: None
        self.stopped = Event()  # set when on_stop has returned: the process may end
        self.slot = boot.index if boot.index >= 0 else boot.workers  # of our words in shared memory
        self.pulse = Pulse(boot.pulse_fd, boot.workers + 1)
        self.on_listeners: Callable[[list[BoundListener], list[int]], object] = lambda added, removed: None
        self._fd = boot.control_fd
        os.set_blocking(self._fd, False)
        # The bare socket of the C library: descriptors of listeners come along with messages.
        self._socket = _socket.socket(fileno=os.dup(self._fd))
        loop = gevent.get_hub().loop
        self._reader = loop.io(boot.control_fd, 1)
        self._timer = loop.timer(INTERVAL, INTERVAL)
        self._go: AsyncResult[bool] = AsyncResult()
        self._asked: dict[int, AsyncResult[dict[str, Any]]] = {}
        self._serial = 0
        self._steps: deque[Step] = deque()  # of reloads; the first is being taken
        self._stopping = False
        self._reader.start(self._readable)

    def ready(self) -> bool:
        """Tell the supervisor that this process could begin; waits for its word. False: end instead."""
        self._send("ready", pid=os.getpid())
        return bool(self._go.get())

    def beat(self, ticker: Ticker | None = None) -> None:
        """Be watched from now on: this process answers in time, always. *ticker*, if there is one, gives the beat."""
        self.pulse.beat(self.slot)
        if ticker is not None:
            ticker.also = partial(self.pulse.beat, self.slot)
        else:
            self._timer.start(self.pulse.beat, self.slot)

    def fail(self, reason: str | Exception) -> None:
        """Tell the supervisor that this process cannot begin; it prints *reason* and stops the server."""
        if isinstance(reason, Exception):
            log.debug("this process cannot begin", exc_info=reason)
            known = isinstance(reason, (ConfigError, OSError, MemoryError))
            reason = str(reason) if known else f"{type(reason).__name__}: {reason}"
        self._send("failed", reason=reason[:TEXT_LIMIT])

    def set_writing(self, writing: bool) -> None:
        """Say that a write transaction begins or ended: the supervisor grants it more patience."""
        self.pulse.set_writing(self.slot, writing)

    def ask(self, command: str, deadline: float = 10.0, **values: Any) -> dict[str, Any]:
        """Have the supervisor do something ("ps", "stop", "reload", "rolling_restart"); waits for its answer.

        MIError where none comes in time: whoever asked is to hear of that.
        """
        self._serial += 1
        answer: AsyncResult[dict[str, Any]] = AsyncResult()
        serial = self._serial
        self._asked[serial] = answer
        try:
            self._send(command, serial=serial, **values)
            answer.wait(deadline)
            if not answer.ready():
                raise MIError(NO_ANSWER, f"the supervisor did not answer {command} within {deadline:g} s")
            return answer.get() or {}
        finally:
            del self._asked[serial]

    def close(self) -> None:
        """Stop the heartbeat and leave the channel."""
        self._timer.stop()
        self._reader.stop()
        self._timer.close()
        self._reader.close()
        self._socket.close()
        os.close(self._fd)

    def _send(self, command: str, **values: Any) -> None:
        try:
            os.write(self._fd, channel.encode(command, **values))
        except OSError as error:
            log.error("the supervisor cannot be told %r: %s", command, error)

    def _readable(self) -> None:
        for _ in range(32):
            try:
                packet, extra, _, _ = self._socket.recvmsg(channel.PACKET, DESCRIPTORS)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                packet, extra = b"", []
            if not packet:
                os._exit(1)  # the supervisor is gone, whatever state we are in: nobody would ever stop us
            self._received(channel.decode(packet), descriptors(extra))

    def _received(self, message: dict[str, Any], fds: list[int]) -> None:
        command = message.pop("command")
        if command == "go":
            self._go.set(True)
        elif command == "answer":
            waiting = self._asked.get(message["serial"])
            if waiting is not None:
                waiting.set(message["value"])
        elif command == "peer":
            self.on_peer(message["index"], message["alive"])
        elif command == "stop":
            self._stop(message["seconds"])
        elif command in ("prepare", "commit", "cancel"):
            added = [BoundListener(**{**each, "fd": fd})
                     for each, fd in zip(message.get("added", ()), fds, strict=True)]
            self._steps.append(Step(command, message["generation"], message["serial"], added,
                                    message.get("removed", [])))
            if len(self._steps) == 1:
                gevent.spawn(self._reload)

    def _stop(self, seconds: float) -> None:
        if not self._stopping:
            self._stopping = True
            self._go.set(False)
            gevent.spawn(self._stop_now, seconds)

    def _stop_now(self, seconds: float) -> None:
        try:
            self.on_stop(seconds)
        except Exception:
            log.exception("stopping met an error")
        finally:
            self.stopped.set()

    def _reload(self) -> None:
        # One step after the other: what is given up while it is prepared is dropped when it is ready, not before.
        while self._steps:
            step, reason = self._steps[0], ""
            try:
                self._take(step)
            except Exception as error:
                reason = str(error) or type(error).__name__
                log.error("generation %d: %s failed: %s", step.generation, step.command, reason)
            self._send("done", step=step.command, serial=step.serial, reason=reason[:TEXT_LIMIT])
            self._steps.popleft()

    def _take(self, step: Step) -> None:
        if step.added or step.removed:
            self.on_listeners(step.added, step.removed)
        {"prepare": self.on_prepare, "commit": self.on_commit, "cancel": self.on_cancel}[step.command](step.generation)


def descriptors(extra: list[Any]) -> list[int]:
    """The descriptors that came with a packet; they do not go to children of our own."""
    found = array("i")
    for level, kind, data in extra:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(data[:len(data) - len(data) % found.itemsize])
    for fd in found:
        os.set_inheritable(fd, False)
    return found.tolist()


def refuse_reload(generation: int) -> None:
    """What a process answers that cannot reload."""
    raise ConfigError("this process cannot reload its configuration")
