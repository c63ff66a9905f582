"""Reload in two phases: every process prepares the next generation, then all commit; one refusal cancels."""
from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

log = logging.getLogger(__name__)

PREPARE_LIMIT = 30.0  # seconds for all processes to prepare


class Reload:
    """One reload on its way; *tell*(index, command, generation) sends to a process."""

    def __init__(self, generation: int, indices: Iterable[int], now: float,
                 tell: Callable[[int, str, int], object]) -> None:
        self.generation = generation
        self.deadline = now + PREPARE_LIMIT
        self.reasons: list[str] = []
        self.answers: list[Callable[[dict[str, Any]], object]] = []  # who asked and waits
        self.is_over = False
        self.succeeded = False
        self._indices = set(indices)
        self._waiting = set(self._indices)
        self._step = "prepare"
        self._tell = tell
        for index in self._indices:
            tell(index, "prepare", generation)

    def done(self, index: int, step: str, generation: int, reason: str) -> None:
        """Process *index* took *step*, or could not for *reason*."""
        if generation != self.generation or step != self._step or index not in self._waiting or self.is_over:
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
        if self._step == "prepare":
            self.done(index, "prepare", self.generation, "it died")
        else:
            self.done(index, self._step, self.generation, "")

    def tick(self, now: float) -> None:
        """Give up when the time for preparing is over."""
        if self.is_over:
            return
        if not self._indices:
            self._finish(True)  # nobody runs: whoever starts next starts with it
        elif self._step == "prepare" and now > self.deadline:
            self.reasons.append(f"{len(self._waiting)} processes did not prepare in time")
            self._cancel()

    def _prepared(self) -> None:
        if self.reasons:
            self._cancel()
        elif not self._waiting:
            self._step, self._waiting = "commit", set(self._indices)
            for index in self._indices:
                self._tell(index, "commit", self.generation)

    def _cancel(self) -> None:
        for index in self._indices:
            self._tell(index, "cancel", self.generation)
        self._finish(False)

    def _finish(self, succeeded: bool) -> None:
        self.is_over, self.succeeded = True, succeeded
        if succeeded:
            log.info("generation %d is in use", self.generation)
        else:
            log.error("generation %d was refused, nothing changed: %s", self.generation, "; ".join(self.reasons))
        for answer in self.answers:
            answer({"ok": succeeded, "reasons": self.reasons})
