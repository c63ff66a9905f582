"""A worker's transports on loopback, with a clock that the test moves."""
from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from opensips_py.timers import Wheel
from opensips_py.transport import Listener, Settings, Transports, bind


class World:
    """Transports, and everything that they reported."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.wheel = Wheel(lambda callback, argument: callback(argument) if argument is not None else callback())
        self.time = 0.0
        self.datagrams: list[tuple[bytes, int]] = []
        self.messages: list[tuple[bytes, int, Listener, Any]] = []
        self.closed: list[str] = []
        self.transports = Transports(settings or Settings(), self.wheel, self._datagrams, self._message)
        self.transports.on_disconnect = lambda connection, reason: self.closed.append(reason)
        self.answer: Callable[[Any, bytes], object] = lambda connection, data: None
        self._bound: list[socket.socket] = []

    def _datagrams(self, listener: Listener, batch: list[tuple[bytes, int]]) -> None:
        self.datagrams.extend(batch)

    def _message(self, data: bytes, key: int, listener: Listener, connection: Any) -> None:
        self.messages.append((data, key, listener, connection))
        self.answer(connection, data)

    def listen(self, protocol: str, host: str = "127.0.0.1", **options: Any) -> Listener:
        listener = Listener(protocol, host, 0, **options)
        taken = bind(listener)
        return self.transports.add(listener, taken.detach())

    def pass_time(self, seconds: float) -> None:
        self.time += seconds
        self.wheel.advance(self.time)

    def close(self) -> None:
        self.transports.close()


def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Let the loop run until *condition* holds."""
    with gevent.Timeout(seconds):
        while not condition():
            gevent.sleep(0.001)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


@pytest.fixture
def worlds() -> Iterator[Callable[..., World]]:
    """Makes worlds with settings of their own."""
    made: list[World] = []

    def make(**settings: Any) -> World:
        made.append(World(Settings(**settings)))
        return made[-1]

    yield make
    for each in made:
        each.close()
