"""Operations that are collected into one transaction."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent.event
import pytest
from gevent import get_hub

from opensips_py.state.commits import Commits


class Store:
    """Notes which operations came together."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.commits = Commits(self.apply)
        self.broken = False

    def apply(self, operations: list[Callable[[Any], Any]]) -> list[Any]:
        if self.broken:
            raise OSError("disk full")
        self.batches.append(len(operations))
        results: list[Any] = []
        for operation in operations:
            try:
                results.append(operation(self))
            except ValueError as error:
                results.append(error)
        return results


def test_operations_of_one_round_are_committed_together_before_anybody_goes_on() -> None:
    store = Store()
    order: list[str] = []

    def work(name: str) -> str:
        order.append(f"{name} asks")
        result = store.commits.submit(lambda transaction: f"{name} done")
        order.append(result)
        return result

    workers = [gevent.spawn(work, name) for name in "abc"]
    gevent.joinall(workers, timeout=10, raise_error=True)
    assert store.batches == [3]
    assert order == ["a asks", "b asks", "c asks", "a done", "b done", "c done"]


def test_an_error_reaches_only_the_one_that_asked() -> None:
    store = Store()
    good = gevent.spawn(store.commits.submit, lambda transaction: 1)
    bad = gevent.spawn(store.commits.submit, lambda transaction: int("x"))
    gevent.joinall([good, bad], timeout=10)
    assert good.value == 1
    assert isinstance(bad.exception, ValueError)


def test_a_store_that_fails_tells_everybody() -> None:
    store = Store()
    store.broken = True
    waiting = [gevent.spawn(store.commits.submit, lambda transaction: 1) for _ in range(2)]
    gevent.joinall(waiting, timeout=10)
    assert [type(each.exception) for each in waiting] == [OSError, OSError]


def test_in_the_event_loop_itself_nothing_can_wait() -> None:
    store = Store()
    results: list[int] = []
    done = gevent.event.Event()

    def callback() -> None:
        results.append(store.commits.submit(lambda transaction: 7))
        done.set()

    get_hub().loop.run_callback(callback)
    assert done.wait(10)
    assert (results, store.batches) == ([7], [1])


def test_posted_operations_report_in_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    results: list[Any] = []
    store.commits.post(lambda transaction: 5, results.append)
    store.commits.post(lambda transaction: int("x"))
    gevent.sleep(0)
    assert results == [5]
    assert "nobody waits" in caplog.text


def test_whoever_gave_up_waiting_is_not_woken_somewhere_else() -> None:
    store = Store()
    woken: list[object] = []
    later = gevent.event.Event()

    def impatient() -> None:
        with pytest.raises(TimeoutError):
            store.commits.submit(lambda transaction: greenlet.throw(TimeoutError()))
        woken.append("gave up")
        woken.append(later.wait(10))

    greenlet = gevent.spawn(impatient)
    while not store.batches:
        gevent.sleep(0)
    assert (woken, store.batches) == (["gave up"], [1])
    later.set()
    gevent.joinall([greenlet], timeout=10)
    assert woken == ["gave up", True]
