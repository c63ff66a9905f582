"""The listeners of a running server, as its supervisor holds them: bound once, added and removed by reloads."""
from __future__ import annotations

import socket
import time
from collections.abc import Callable, Sequence

from opensips_py.server import sockets
from opensips_py.server.boot import BoundListener

RESTING = 40.0  # seconds; workers read what was removed a little less long
Group = list[socket.socket]  # one for each worker


class Listeners:
    """Each listener with its sockets; *bind* makes those of another one, and raises ConfigError where it cannot."""

    def __init__(self, listeners: list[BoundListener], groups: Sequence[Group],
                 bind: Callable[[BoundListener], Group]) -> None:
        self.listeners = listeners  # of the template, which the next process is made from
        self.groups = list(groups)
        self._bind = bind
        for number, each in enumerate(listeners):
            each.number = number
        self._next = len(listeners)
        self._coming: list[tuple[BoundListener, Group]] = []
        self._going: list[BoundListener] = []
        self._resting: list[tuple[BoundListener, Group, float]] = []  # removed, but their workers still read them

    def begin(self, added: Sequence[BoundListener], removed: Sequence[BoundListener]) -> None:
        """Bind what a reload adds; nothing changes before commit()."""
        try:
            for each in added:
                self._coming.append(self._back(each) or self._new(each))
        except Exception:
            self.cancel()
            raise
        gone = {key(each) for each in removed}
        self._going = [each for each in self.listeners if key(each) in gone]

    def trial(self, added: Sequence[BoundListener]) -> list[str]:
        """Why some of what a reload would add could not be bound."""
        found = []
        for each in added:
            if self._back(each) is None:
                try:
                    sockets.bound(each, shared=False).close()
                except OSError as error:
                    found.append(sockets.reason(error, each))
        return found

    def _new(self, listener: BoundListener) -> tuple[BoundListener, Group]:
        group = self._bind(listener)
        listener.number, self._next = self._next, self._next + 1
        return listener, group

    def _back(self, listener: BoundListener) -> tuple[BoundListener, Group] | None:
        """One that was removed a moment ago, with its sockets; nobody could bind others beside them."""
        for resting, group, _ in self._resting:
            if key(resting) == key(listener):
                listener.number = resting.number
                return listener, group
        return None

    def coming(self, worker: int) -> list[tuple[BoundListener, int]]:
        """What a reload adds, with the descriptor for one worker."""
        return [(each, group[worker].fileno()) for each, group in self._coming]

    def going(self) -> list[int]:
        """The numbers of those that a reload removes."""
        return [each.number for each in self._going]

    def commit(self) -> None:
        """The workers have taken the change over: so do those that start from now on."""
        for each in self._going:
            place = self.listeners.index(each)
            del self.listeners[place]
            self._resting.append((each, self.groups.pop(place), time.monotonic() + RESTING))
        back = {each.number for each, _ in self._coming}
        self._resting = [each for each in self._resting if each[0].number not in back]
        for each, group in self._coming:
            self.listeners.append(each)
            self.groups.append(group)
        self._coming, self._going = [], []

    def cancel(self) -> None:
        """Nothing comes of it."""
        resting = {each.number for each, _, _ in self._resting}
        sockets.close([group for each, group in self._coming if each.number not in resting])
        self._coming, self._going = [], []

    @property
    def rests(self) -> bool:
        """Whether any listener was removed a moment ago."""
        return bool(self._resting)

    def tick(self, now: float) -> None:
        """Let go of those that no worker reads any more."""
        over = [each for each in self._resting if now >= each[2]]
        if over:
            sockets.close([group for _, group, _ in over])
            self._resting = [each for each in self._resting if each not in over]

    def describe(self, listeners: Sequence[BoundListener]) -> None:
        """Take over what else *listeners* say of those that there are; workers that start from now on know it."""
        told = {key(each): each for each in listeners}
        for each in self.listeners:
            new = told.get(key(each))
            if new is not None:
                for name in ("advertised_host", "advertised_port", "tag", "options", "hostname"):
                    setattr(each, name, getattr(new, name))

    def close(self) -> None:
        """Close all sockets."""
        self.cancel()
        sockets.close([*self.groups, *(group for _, group, _ in self._resting)])
        self.groups.clear()
        self._resting.clear()


def key(listener: BoundListener) -> tuple[str, str, int]:
    """What makes a listener the same."""
    return listener.protocol, listener.host, listener.port
