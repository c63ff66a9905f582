"""A process's end of the channel: what it tells the supervisor, and what it does when told."""
from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent.event import Event

from opensips_py.errors import ConfigError, MIError
from opensips_py.server import channel
from opensips_py.server.boot import Boot, BoundListener
from opensips_py.server.control import TEXT_LIMIT, Control
from opensips_py.server.heartbeat import Pulse
from tests.server.worker_here import until


class Both:
    """The two ends: the process's, and ours, which plays the supervisor."""

    def __init__(self) -> None:
        self.ours, theirs = channel.pair()
        self.pulse_fd = Pulse.create(3)
        self.control = Control(Boot("/x.cfg", 1, 2, control_fd=theirs.detach(), pulse_fd=self.pulse_fd))

    def told(self) -> dict[str, Any]:
        """The next thing that the process says."""
        found: list[bytes] = []

        def arrived() -> bool:
            try:
                found.append(self.ours.recv(channel.PACKET))
            except BlockingIOError:
                return False
            return True
        until(arrived)
        return channel.decode(found[0])

    def tell(self, command: str, **values: Any) -> None:
        self.ours.send(channel.encode(command, **values))

    def close(self) -> None:
        self.control.close()
        self.ours.close()
        os.close(self.pulse_fd)


@pytest.fixture
def both() -> Iterator[Both]:
    made = Both()
    yield made
    made.close()


def test_a_process_waits_for_the_word_to_begin(both: Both) -> None:
    ready = gevent.spawn(both.control.ready)
    assert both.told() == {"command": "ready", "pid": os.getpid()}
    assert not ready.ready()
    both.tell("go")
    assert ready.get(timeout=5) is True


def test_a_process_that_is_to_stop_does_not_begin(both: Both) -> None:
    ready = gevent.spawn(both.control.ready)
    both.told()
    both.tell("stop", seconds=1)
    assert ready.get(timeout=5) is False


def test_stopping_happens_once_and_ends_whatever_happens(both: Both) -> None:
    asked: list[float] = []

    def stop(seconds: float) -> None:
        asked.append(seconds)
        raise RuntimeError("of its own")
    both.control.on_stop = stop
    both.tell("stop", seconds=2.5)
    both.tell("stop", seconds=9)
    assert both.control.stopped.wait(5)
    gevent.sleep(0.01)
    assert asked == [2.5]


def test_a_question_finds_its_own_answer(both: Both) -> None:
    one, other = gevent.spawn(both.control.ask, "ps"), gevent.spawn(both.control.ask, "reload", dry_run=True)
    first, second = both.told(), both.told()
    assert (first["command"], second) == ("ps", {"command": "reload", "serial": second["serial"], "dry_run": True})
    both.tell("answer", serial=second["serial"], value={"ok": False})
    both.tell("answer", serial=first["serial"], value={"processes": []})
    both.tell("answer", serial=99, value={})  # of nobody
    assert (one.get(timeout=5), other.get(timeout=5)) == ({"processes": []}, {"ok": False})


def test_a_question_without_an_answer_ends(both: Both) -> None:
    with pytest.raises(MIError, match=r"the supervisor did not answer ps within 0\.01 s"):
        both.control.ask("ps", deadline=0.01)


def test_a_generation_is_prepared_and_taken(both: Both) -> None:
    done: list[Any] = []
    both.control.on_prepare = lambda number: done.append(("prepare", number))
    both.control.on_commit = lambda number: done.append(("commit", number))
    for step in ("prepare", "commit"):
        both.tell(step, generation=4, serial=9)
        assert both.told() == {"command": "done", "step": step, "serial": 9, "reason": ""}
    assert done == [("prepare", 4), ("commit", 4)]


def test_what_is_given_up_while_it_is_prepared_spoils_nothing_that_comes_after_it(both: Both) -> None:
    """The next attempt has the same number, and may bring the same listener again."""
    done, slow = [], Event()

    def prepare(number: int) -> None:
        done.append("prepares")
        slow.wait(5)
        done.append("has prepared")
    both.control.on_prepare, both.control.on_cancel = prepare, lambda number: done.append("cancel")
    both.control.on_listeners = lambda added, removed: done.append(f"listeners {removed}")
    both.tell("prepare", generation=2, serial=1, added=[], removed=[7])
    until(lambda: done == ["listeners [7]", "prepares"])
    both.tell("cancel", generation=2, serial=1)
    both.tell("prepare", generation=2, serial=2, added=[], removed=[8])
    slow.set()
    assert [both.told()["serial"] for _ in range(3)] == [1, 1, 2]
    assert done == ["listeners [7]", "prepares", "has prepared", "cancel", "listeners [8]", "prepares", "has prepared"]


def test_a_process_may_refuse_and_by_itself_does(both: Both) -> None:
    both.tell("prepare", generation=2, serial=1)
    assert both.told()["reason"] == "this process cannot reload its configuration"

    def refuse(number: int) -> None:
        raise ValueError("x" * TEXT_LIMIT * 2)
    both.control.on_prepare = refuse
    both.tell("prepare", generation=3, serial=2)
    assert len(both.told()["reason"]) == TEXT_LIMIT


def test_listeners_come_with_their_descriptors(both: Both) -> None:
    found: list[Any] = []
    both.control.on_prepare = lambda number: None
    both.control.on_listeners = lambda added, removed: found.append((added, removed))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind(("127.0.0.1", 0))
        packet = channel.encode("prepare", generation=2, serial=1, removed=[7], added=[
            {"protocol": "udp", "host": "127.0.0.1", "port": 5060, "number": 3}])
        socket.send_fds(both.ours, [packet], [bound.fileno()])
        both.told()
        ([listener], removed), = found
        assert isinstance(listener, BoundListener) and (listener.number, removed) == (3, [7])
        with socket.socket(fileno=listener.fd) as same:
            assert same.getsockname() == bound.getsockname()
            assert not os.get_inheritable(listener.fd)


def test_peers_are_told_of(both: Both) -> None:
    found: list[Any] = []
    both.control.on_peer = lambda index, alive: found.append((index, alive))
    both.tell("peer", index=0, alive=False)
    until(lambda: found)
    assert found == [(0, False)]


@pytest.mark.parametrize(("reason", "told"), [
    ("told so", "told so"), (ConfigError("wrong"), "wrong"), (RuntimeError("odd"), "RuntimeError: odd")])
def test_why_a_process_cannot_begin(both: Both, reason: Any, told: str) -> None:
    both.control.fail(reason)
    assert both.told() == {"command": "failed", "reason": told}


def test_heartbeats(both: Both) -> None:
    seen = Pulse(both.pulse_fd, 3)
    assert not seen.has_begun(1)
    both.control.beat()
    assert seen.has_begun(1)
    both.control.set_writing(True)
    assert seen.is_writing(1) and not seen.is_writing(0)
    seen.close()
