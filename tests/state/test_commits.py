"""Operations that are acknowledged when they are committed."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from opensips_py.state.commits import Commits


class Store:
    """Notes which operations came together."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.done: list[Any] = []
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

    def note(self, text: str) -> Callable[[Any], str]:
        """An operation that leaves a note."""
        def operation(_: Any) -> str:
            self.done.append(text)
            return text
        return operation


def test_what_is_submitted_is_committed_when_the_call_returns() -> None:
    store = Store()
    assert store.commits.submit(store.note("a")) == "a"
    assert (store.batches, store.done) == ([1], ["a"])
    with pytest.raises(ValueError):
        store.commits.submit(lambda transaction: int("x"))


def test_what_is_posted_leaves_with_the_next_one_submitted_in_order() -> None:
    store = Store()
    results: list[Any] = []
    store.commits.post(store.note("a"), results.append)
    store.commits.post(lambda transaction: int("x"), results.append)
    assert store.batches == []
    assert store.commits.submit(store.note("b")) == "b"
    assert (store.batches, store.done, results) == ([3], ["a", "b"], [])
    gevent.sleep(0)
    assert results[0] == "a" and isinstance(results[1], ValueError)
    assert store.batches == [3]


def test_what_is_posted_is_collected_for_one_round_of_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    for name in "abc":
        store.commits.post(store.note(name))
    store.commits.post(lambda transaction: int("x"))
    while not store.batches:
        gevent.sleep(0)
    gevent.sleep(0)
    assert (store.batches, store.done) == ([4], ["a", "b", "c"])
    assert "nobody waits" in caplog.text


def test_a_report_that_fails_keeps_no_other(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    results: list[Any] = []
    store.commits.post(store.note("a"), lambda result: 1 / 0)
    store.commits.post(store.note("b"), results.append)
    store.commits.flush()
    gevent.sleep(0)
    assert results == ["b"]
    assert "after its commit" in caplog.text


def test_a_store_that_fails_tells_everybody() -> None:
    store = Store()
    store.broken = True
    results: list[Any] = []
    store.commits.post(store.note("a"), results.append)
    with pytest.raises(OSError):
        store.commits.submit(store.note("b"))
    with pytest.raises(OSError):
        store.commits.submit(store.note("c"))
    gevent.sleep(0)
    assert isinstance(results[0], OSError)
    assert store.done == []
