"""Signals as a queue: handlers only note them, the supervisor's loop takes them one by one."""
from __future__ import annotations

import os
import signal
from collections import deque

HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD)


class Signals:
    """The signals that arrived; *fd* becomes readable when there are any."""

    def __init__(self) -> None:
        self.fd, self._writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._queue: deque[int] = deque()
        self._old = {number: signal.signal(number, self._note) for number in HANDLED}
        self._old[signal.SIGPIPE] = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        self._wakeup = signal.set_wakeup_fd(self._writer, warn_on_full_buffer=False)

    def take(self) -> list[int]:
        """All signals since the last call, each once, in order."""
        try:
            os.read(self.fd, 4096)
        except BlockingIOError:
            pass
        taken = []
        while self._queue:
            taken.append(self._queue.popleft())
        return list(dict.fromkeys(taken))

    def close(self) -> None:
        """Put the old handlers back."""
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._old.items():
            signal.signal(number, handler)
        os.close(self.fd)
        os.close(self._writer)

    def _note(self, number: int, frame: object) -> None:
        self._queue.append(number)
