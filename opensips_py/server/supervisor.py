"""The supervisor: starts the processes of the server, watches them, replaces the dead. It never touches SIP."""
from __future__ import annotations

import functools
import logging
import os
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from opensips_py.errors import ConfigError
from opensips_py.server import sources
from opensips_py.server.boot import MANAGEMENT, Boot
from opensips_py.server.checking import Checking
from opensips_py.server.description import Description
from opensips_py.server.heartbeat import Pulse, stuck
from opensips_py.server.listeners import Listeners
from opensips_py.server.processes import Process, State, pairs
from opensips_py.server.reload import Reload
from opensips_py.server.signals import Signals
from opensips_py.server.wish import Wish

log = logging.getLogger(__name__)

BOOT_LIMIT = 60.0  # seconds for a process to become ready
STOP_SECONDS = 3.0  # to end in order; the server has to be gone 5 s after SIGTERM
DRAIN_SECONDS = 2.0  # the same for one process of a rolling restart
TURN = 0.4  # seconds between two looks at the heartbeats
BACK_OFF = (0.0, 0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before the n-th start in a row that failed at once
FRESH = 2.0  # seconds for which a process has just begun
STEADY = 10.0  # a process that ran for so long failed for a new reason

EXIT_STOPPED, EXIT_BOOT = 0, 1


class Supervisor:
    """Runs the processes that *template* describes: its worker count, listeners, descriptors.

    *listeners* are those of the template with their sockets. *check* begins the check that precedes a reload; it is
    given where the texts are that the server runs on. *ready* is called once, when the server takes calls.
    """

    def __init__(self, template: Boot, listeners: Listeners, check: Callable[[tuple[int, int]], Checking],
                 ready: Callable[[], object] = lambda: None, programs: dict[int, str] | None = None) -> None:
        self.template = template
        self.workers = template.workers
        self.generation = template.generation
        self.indices = [*range(self.workers), MANAGEMENT]
        self.processes: dict[int, Process] = {}
        self.standby: dict[int, Process] = {}
        self._listeners = listeners
        self._links = pairs(self.indices)
        self._pulse_fd = Pulse.create(self.workers + 1)
        self._pulse = Pulse(self._pulse_fd, self.workers + 1)
        self._check, self._on_ready, self._programs = check, ready, programs or {}
        self._failures = dict.fromkeys(self.indices, 0)
        self._due: dict[int, float] = {}  # index -> when to start its replacement
        self._rolling: deque[int] = deque()
        self._checking: tuple[Checking, Wish] | None = None
        self._reload: Reload | None = None
        self._reloads = 0  # begun so far
        self._again = False  # a signal asked for a reload while another was on its way, and hears no refusal
        self._exit = EXIT_STOPPED
        self._signals = Signals()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._signals.fd, selectors.EVENT_READ)
        self._begun = False  # every process was ready once
        self._stopping = False
        self._status: int | None = None
        self._last_turn = time.monotonic()
        self._calm = False  # every process runs, and nothing is on its way

    def run(self) -> int:
        """Run the server until it is stopped; returns the exit status."""
        try:
            for index in self.indices:
                self.processes[index] = self._start(index, restarted=False)
            while self._status is None:
                self._turn()
            return self._status
        finally:
            self._close()

    def stop(self, status: int = EXIT_STOPPED) -> None:
        """End all processes, then the server with *status*."""
        if self._stopping:
            return
        self._stopping, self._calm = True, False
        self._exit = status
        for process in self._living():
            process.stop(STOP_SECONDS, time.monotonic())
        self._reload = None

    def reload(self, wish: Wish) -> None:
        """Check the configuration, and do what *wish* asks for."""
        if self._is_changing:
            wish.refuse(["another reload, a start or a stop is on its way"])
            return
        texts = self.template.sources[self.generation % sources.SLOTS], self.generation
        self._checking = self._check(texts), wish
        self._calm = False

    @property
    def _is_changing(self) -> bool:
        return self._checking is not None or self._reload is not None or not self._begun or self._stopping

    def _checked(self, now: float) -> None:
        if self._checking is None or not self._is_settled():
            return  # a process that is just starting would come with the generation before
        checking, wish = self._checking
        result = checking.result()
        if result is None:
            return
        self._checking = None
        if wish.dry_run:
            result.restart += self._listeners.trial(result.added)
        if wish.answered(result):
            return
        if wish.rolls:
            self._take_over(result)
            return
        try:
            self._listeners.begin(result.added, result.removed)
        except ConfigError as error:
            wish.refuse([error.message])
            return
        sources.place(self.template.sources, self.generation + 1, result.sources, result.codes)
        running = [index for index, process in self.processes.items() if process.state is State.RUNNING]
        self._reloads += 1
        self._reload = Reload(self.generation + 1, running, now, self._tell, self._reloads, self._end)
        self._reload.answers.append(functools.partial(wish.over, result.changes))

    def _take_over(self, result: Description) -> None:
        """Let the processes that a rolling restart starts work by the configuration that was checked."""
        try:
            self._listeners.begin(result.added, result.removed)
        except ConfigError as error:
            log.error("the workers are restarted with the listeners that there were: %s", error.message)
        self._listeners.commit()
        self._listeners.describe(result.listeners)
        sources.place(self.template.sources, self.generation + 1, result.sources, result.codes)
        self.generation += 1
        self._roll_all()

    def _is_settled(self) -> bool:
        # One that waits for its next start does not count: the reload may be what lets it start.
        return not self.standby and all(process.state is State.RUNNING for process in self.processes.values())

    def rolling_restart(self) -> None:
        """Restart one process after the other, with the configuration as it is now if it is right; calls go on."""
        self.reload(Wish(rolls=self._roll_all))

    def _roll_all(self) -> None:
        log.info("rolling restart of %d processes", len(self.indices))
        # Asked for again meanwhile: what has been restarted already may have come too early for whoever asks now.
        self._calm = False
        self._rolling.extend(index for index in self.indices if index not in self._rolling)

    def _turn(self) -> None:
        events = self._selector.select(TURN)
        if not events and self._calm and not self._silent():
            self._last_turn = time.monotonic()
            return
        for key, _ in events:
            if key.data is not None:
                self._received(key.data)
        for number in self._signals.take():
            self._signalled(number)
        now = time.monotonic()
        self._reap(now)
        if self._stopping:
            self._enforce(now)
            if not self._living():
                self._status = self._exit
            return
        self._watch(now)
        self._replace(now)
        self._roll(now)
        self._checked(now)
        self._listeners.tick(now)
        if self._reload is not None:
            self._reload.tick(now)
            if self._reload.is_over:
                if self._reload.succeeded:
                    self.generation += 1
                    for process in self.processes.values():
                        process.generation = self.generation
                    self._listeners.commit()
                else:
                    self._listeners.cancel()
                self._reload = None
        if self._again and not self._is_changing:
            self._again = False
            self.reload(Wish())
        # What follows is told by a signal or over a channel, all but a heartbeat that stops.
        self._calm = self._begun and self._is_settled() and not (
            self._due or self._rolling or self._checking or self._reload or self._listeners.rests)

    def _signalled(self, number: int) -> None:
        if number in (signal.SIGTERM, signal.SIGINT):
            log.info("stopping on signal %d", number)
            self.stop()
        elif number == signal.SIGHUP:
            self._again = True  # at the end of this turn, or when what is on its way is over
        elif number == signal.SIGUSR2:
            self.rolling_restart()
        elif number == signal.SIGUSR1:
            for row in self.table():
                log.info("process %(ID)s, pid %(PID)s, %(Type)s: %(State)s", row)

    def _start(self, index: int, restarted: bool) -> Process:
        boot = Boot(**{field: getattr(self.template, field) for field in Boot.__slots__})
        boot.index, boot.generation, boot.restarted = index, self.generation, restarted
        boot.pulse_fd, boot.supervisor = self._pulse_fd, os.getpid()
        boot.links = {peer: end.fileno() for peer, end in self._links[index].items()}
        boot.listeners = []
        for listener, group in zip(self._listeners.listeners, self._listeners.groups, strict=True):
            copy = type(listener)(**{field: getattr(listener, field) for field in type(listener).__slots__})
            copy.fd = -1 if index == MANAGEMENT else group[index].fileno()
            boot.listeners.append(copy)
        process = Process(boot, time.monotonic(), self._programs.get(index))
        self._selector.register(process.channel, selectors.EVENT_READ, process)
        return process

    def _living(self) -> list[Process]:
        return [*self.processes.values(), *self.standby.values()]

    def _slot(self, index: int) -> int:
        return self.workers if index == MANAGEMENT else index

    def _tell(self, index: int, command: str, generation: int, serial: int) -> bool:
        process = self.processes.get(index)
        if process is None:
            return True  # it died while the reload was on its way, which has heard of that
        if command == "prepare" and index != MANAGEMENT:
            return process.prepare(generation, serial, self._listeners.coming(index), self._listeners.going())
        return process.send(command, generation=generation, serial=serial)

    def _end(self, index: int) -> None:
        process = self.processes.get(index)
        if process is not None:
            process.kill()

    def _received(self, process: Process) -> None:
        for message in process.receive():
            command = message.pop("command")
            if command == "ready":
                process.move(State.READY, time.monotonic())
                self._process_ready(process)
            elif command == "failed":
                process.reason = message["reason"]
            elif command == "done":
                if self._reload is not None:
                    self._reload.done(process.index, message["step"], message["serial"], message["reason"])
            else:
                self._asked(process, command, message)

    def _asked(self, process: Process, command: str, message: dict[str, Any]) -> None:
        answer = functools.partial(self._answer, process, message["serial"])
        if command == "ps":
            answer({"processes": self.table()})
        elif command == "reload":
            self.reload(Wish(answer, message.get("dry_run", False), message.get("routes_only", False)))
        elif command in ("stop", "rolling_restart"):
            answer({"ok": True})
            self.stop(message.get("status", EXIT_STOPPED)) if command == "stop" else self.rolling_restart()
        else:
            answer({"ok": False, "reasons": [f"unknown command {command!r}"]})

    def _answer(self, process: Process, serial: int, value: dict[str, Any]) -> None:
        process.send("answer", serial=serial, value=value)

    def table(self) -> list[dict[str, Any]]:
        """All processes of the server, the supervisor first."""
        rows: list[dict[str, Any]] = [{"ID": 0, "PID": os.getpid(), "Type": "attendant", "State": "running"}]
        for number, index in enumerate(self.indices, 1):
            process = self.processes.get(index)
            if process is not None:
                kind = "management" if index == MANAGEMENT else f"SIP worker {index}"
                rows.append({"ID": number, "PID": process.pid, "Type": kind, "Index": index,
                             "State": process.state.value})
        return rows

    def _process_ready(self, process: Process) -> None:
        if self.standby.get(process.index) is process:
            old = self.processes.get(process.index)
            if old is not None:
                old.stop(DRAIN_SECONDS, time.monotonic())
        elif self._begun:
            self._go(process)
        elif all(each.state is State.READY for each in self.processes.values()):
            self._begun = True
            for each in self.processes.values():
                self._go(each)
            self._on_ready()

    def _go(self, process: Process) -> None:
        process.move(State.RUNNING, time.monotonic())
        process.send("go")
        self._announce(process.index, True)

    def _announce(self, index: int, alive: bool) -> None:
        for other in self.processes.values():
            if other.index != index and other.state is State.RUNNING:
                other.send("peer", index=index, alive=alive)

    def _reap(self, now: float) -> None:
        for process in self._living():
            status = process.exit_status()
            if status is not None:
                self._received(process)  # its last words
                self._selector.unregister(process.channel)
                process.close()
                self._ended(process, status, now)

    def _ended(self, process: Process, status: int, now: float) -> None:
        index, before = process.index, process.state
        if self.standby.get(index) is process:
            del self.standby[index]
            self._rolling.clear()
            if self.generation not in (each.generation for each in self.processes.values()):
                self.generation -= 1  # nobody works by it: who dies is not to be replaced by one that cannot begin
            log.error("rolling restart given up: the new %s ended: %s", process.name, process.reason or status)
            return
        del self.processes[index]
        self._pulse.clear(self._slot(index))
        if self._reload is not None:
            self._reload.lost(index)
        if self._stopping:
            return
        self._announce(index, False)
        if not self._begun:
            log.critical("%s could not start: %s", process.name, process.reason or f"it ended with status {status}")
            self.stop(EXIT_BOOT)
        elif index in self.standby:
            self.processes[index] = self.standby.pop(index)
            if self.processes[index].state is State.READY:
                self._go(self.processes[index])
        else:
            short = before is not State.RUNNING or now - process.since < STEADY
            self._failures[index] = self._failures[index] + 1 if short else 0
            wait = BACK_OFF[min(self._failures[index], len(BACK_OFF) - 1)]
            self._due[index] = now + wait
            log.error("%s (pid %d) ended with status %d%s: replaced in %.1f s", process.name, process.pid, status,
                      f": {process.reason}" if process.reason else "", wait)

    def _replace(self, now: float) -> None:
        if self._reload is not None:
            return  # which generation to start with is being decided
        for index, due in list(self._due.items()):
            if now >= due:
                del self._due[index]
                self.processes[index] = self._start(index, restarted=True)

    def _watch(self, now: float) -> None:
        late = now - self._last_turn > 3 * TURN
        self._last_turn = now
        for process in self._living():
            begins = process.state is State.STARTING or (
                process.state is State.RUNNING and not self._pulse.has_begun(self._slot(process.index)))
            if begins and now - process.since > BOOT_LIMIT and not process.is_killed:
                log.error("%s did not become ready in %d s", process.name, BOOT_LIMIT)
                process.kill()
        self._enforce(now)
        if late:
            return  # this very process was held up, so the others may have been: look again before judging
        running = {self._slot(i): p for i, p in self.processes.items() if p.state is State.RUNNING}
        for process in [each for slot in self._silent() if not (each := running[slot]).is_killed]:
            log.error("%s (pid %d) is stuck: no heartbeat for %.1f s", process.name, process.pid,
                      self._pulse.silence(self._slot(process.index), time.monotonic_ns()))
            process.kill()

    def _silent(self) -> list[int]:
        running = {self._slot(i): each for i, each in self.processes.items() if each.state is State.RUNNING}
        now, now_ns = time.monotonic(), time.monotonic_ns()
        fresh = [slot for slot, each in running.items() if now - self._pulse.silence(slot, now_ns) - each.since < FRESH]
        return stuck(self._pulse, list(running), now_ns, fresh)

    def _enforce(self, now: float) -> None:
        for process in self._living():
            if process.deadline is not None and now > process.deadline:
                process.kill()

    def _roll(self, now: float) -> None:
        reloading = self._reload is not None or self._checking is not None
        if not self._rolling or reloading or self._due or not self._is_settled():
            return
        index = self._rolling.popleft()
        self.standby[index] = self._start(index, restarted=True)

    def _close(self) -> None:
        if self._checking is not None:
            self._checking[0].kill()
        for process in self._living():
            process.kill()
            process.close()
        for ends in self._links.values():
            for end in ends.values():
                end.close()
        self._selector.close()
        self._signals.close()
        self._pulse.close()
        os.close(self._pulse_fd)
