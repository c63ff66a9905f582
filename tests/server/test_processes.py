"""One process as its supervisor sees it."""
from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from opensips_py.server.boot import MANAGEMENT, Boot, BoundListener
from opensips_py.server.heartbeat import Pulse
from opensips_py.server.processes import Process, State, pairs

PROGRAM = "tests.server.sample_process"


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Process]]:
    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    started: list[Process] = []
    pulse = Pulse.create(2)

    def begin(words: str = "", index: int = 0) -> Process:
        boot = Boot(words or "/x.cfg", index, 1, generation=3, pulse_fd=pulse)
        started.append(Process(boot, time.monotonic(), PROGRAM))
        return started[-1]

    yield begin
    for each in started:
        each.kill()
        each.close()
    os.close(pulse)


def hear(process: Process) -> dict[str, Any]:
    """The next thing that it says."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for message in process.receive():
            return message
        time.sleep(0.005)
    raise AssertionError("it said nothing")


def ended(process: Process) -> int:
    """Its exit status."""
    deadline = time.monotonic() + 20
    while (status := process.exit_status()) is None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert status is not None
    return status


def test_it_is_told_what_it_is_and_answers(start: Callable[..., Process]) -> None:
    process = start()
    assert hear(process) == {"command": "here", "index": 0, "generation": 3, "pid": process.pid, "group": process.pid}
    assert (process.index, process.generation, process.state, process.name) == (0, 3, State.STARTING, "worker 0")
    assert process.send("echo", value=[1, "two"])
    assert hear(process) == {"command": "echoed", "value": [1, "two"]}
    assert process.exit_status() is None


def test_management_has_a_name_and_a_program_of_its_own(start: Callable[..., Process]) -> None:
    assert start(index=MANAGEMENT).name == "management process"


def test_it_ends_when_it_is_told_to_and_has_a_deadline(start: Callable[..., Process]) -> None:
    process = start()
    hear(process)
    process.move(State.RUNNING, 100.0)
    process.stop(2.0, 200.0)
    assert (process.state, process.since, process.deadline) == (State.STOPPING, 200.0, 202.5)
    process.stop(9.0, 300.0)  # it is at it
    assert process.deadline == 202.5
    assert ended(process) == 5


def test_one_that_has_not_begun_is_ended_by_a_signal(start: Callable[..., Process]) -> None:
    process = start()
    hear(process)
    process.stop(2.0, 1.0)
    assert ended(process) == -signal.SIGTERM


def test_one_that_is_gone_takes_nothing(start: Callable[..., Process]) -> None:
    process = start()
    hear(process)
    process.kill()
    assert ended(process) == -signal.SIGKILL
    assert not process.send("go") and not process.prepare(2, 1, [], [])
    assert process.receive() == []
    process.kill()


def test_listeners_go_along_with_a_generation(start: Callable[..., Process]) -> None:
    process = start()
    hear(process)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        listener = BoundListener("udp", "127.0.0.1", bound.getsockname()[1], number=4)
        assert process.prepare(7, 3, [(listener, bound.fileno())], [2])
        told = hear(process)
    assert told == {"command": "preparing", "generation": 7, "removed": [2], "number": 4, "port": listener.port}


def test_links_join_any_two() -> None:
    ends = pairs([0, 1, MANAGEMENT])
    assert {index: set(of) for index, of in ends.items()} == {
        0: {1, MANAGEMENT}, 1: {0, MANAGEMENT}, MANAGEMENT: {0, 1}}
    ends[0][MANAGEMENT].send(b"from 0")
    assert ends[MANAGEMENT][0].recv(10) == b"from 0"
    for of in ends.values():
        for end in of.values():
            end.close()
