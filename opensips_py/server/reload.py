"""Reload in two phases: every process prepares the next generation, then all commit; one refusal cancels."""
from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Protocol

log = logging.getLogger(__name__)

PREPARE_LIMIT = 30.0  # seconds for all processes to prepare
COMMIT_LIMIT = 10.0  # seconds for all of them to swap


class Tell(Protocol):
    """Sends to a process; False where it does not take any more."""

    def __call__(self, index: int, command: str, generation: int, serial: int, /) -> bool: ...


class Reload:
    """One reload on its way.

    *tell* sends to a process, *serial* tells its answers from late ones to a reload before that was given up. A process
    that does not swap is *lost*: whoever takes its place begins with the new generation.
    """

    def __init__(self, generation: int, indices: Iterable[int], now: float, tell: Tell, serial: int = 0,
                 end: Callable[[int], object] = lambda index: None) -> None:
        self.generation, self.serial = generation, serial
        self.deadline = now + PREPARE_LIMIT
        self.reasons: list[str] = []
        self.answers: list[Callable[[dict[str, Any]], object]] = []  # who asked and waits
        self.is_over = False
        self.succeeded = False
        self._indices = set(indices)
        self._waiting = set(self._indices)
        self._step = "prepare"
        self._commit_until: float | None = None
        self._tell, self._end = tell, end
        for index in self._indices:
            if not tell(index, "prepare", generation, serial):
                self.reasons.append(f"process {index}: it cannot be told anything")

    def done(self, index: int, step: str, serial: int, reason: str) -> None:
        """Process *index* took *step*, or could not for *reason*."""
        if serial != self.serial or step != self._step or index not in self._waiting or self.is_over:
            return
        self._waiting.discard(index)
        if reason:
            self.reasons.append(f"process {index}: {reason}")
        if step == "prepare":
            self._prepared()
        elif not self._waiting:
            self._finish(True)

    def lost(self, index: int) -> None:
        """Process *index* died. Before the commit that cancels; after it, its replacement starts with the new one."""
        self.done(index, self._step, self.serial, "it died" if self._step == "prepare" else "")

    def tick(self, now: float) -> None:
        """Give up when the time for preparing is over; end whoever does not swap in time."""
        if self.is_over:
            return
        if not self._indices:
            self._finish(True)  # nobody runs: whoever starts next starts with it
        elif self._step == "prepare":
            if now > self.deadline:
                self.reasons.append(f"{len(self._waiting)} processes did not prepare in time")
            if self.reasons:
                self._cancel()
        else:
            self._late(now)

    def _late(self, now: float) -> None:
        # Nobody tells us the time when the last one has prepared: it counts from the first look after that.
        if self._commit_until is None:
            self._commit_until = now + COMMIT_LIMIT
        elif now > self._commit_until:
            for index in list(self._waiting):
                log.error("process %d did not swap to generation %d in time", index, self.generation)
                self._end(index)
                self.lost(index)

    def _prepared(self) -> None:
        if self.reasons:
            self._cancel()
        elif not self._waiting:
            self._step, self._waiting = "commit", set(self._indices)
            for index in self._indices:
                if not self._tell(index, "commit", self.generation, self.serial):
                    self._end(index)

    def _cancel(self) -> None:
        for index in self._indices:
            self._tell(index, "cancel", self.generation, self.serial)
        self._finish(False)

    def _finish(self, succeeded: bool) -> None:
        self.is_over, self.succeeded = True, succeeded
        reasons = self.reasons
        if not succeeded:
            log.error("generation %d was refused, nothing changed: %s", self.generation, "; ".join(reasons))
        elif reasons:
            log.error("generation %d is in use, but %s", self.generation, "; ".join(reasons))
            reasons = ["the new configuration is in use, but not all of it works", *reasons]
        else:
            log.info("generation %d is in use", self.generation)
        for answer in self.answers:
            answer({"ok": not reasons, "reasons": reasons})
