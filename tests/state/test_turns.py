"""Writes that are committed once in a turn of the event loop."""
from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import gevent
import pytest

from opensips_py.state.environment import Environment
from opensips_py.transport import LoopEnd
from tests.transport.conftest import until

MIB = 1 << 20


class Alone:
    """A process that writes alone: its environment, and the end of its turns."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.told: list[bool] = []
        self.environment = Environment(folder / "test.mdb", self.told.append, smallest=MIB)
        self.loop_end = LoopEnd()
        self.environment.write_alone(self.loop_end)
        self.names = self.environment.database("names")

    def put(self, key: bytes, value: bytes = b"1") -> bool:
        return self.environment.enlist(partial(self.write, key, value))

    def write(self, key: bytes, value: bytes, transaction: Any) -> bool:
        written: bool = transaction.put(key, value, db=self.names)
        return written

    def committed(self, *keys: bytes) -> list[bool]:
        """Which of *keys* another reader of the map finds."""
        with self.environment._env.begin(db=self.names) as transaction:
            return [transaction.get(key) is not None for key in keys]


@pytest.fixture
def alone(tmp_path: pathlib.Path) -> Iterator[Alone]:
    made = Alone(tmp_path)
    yield made
    made.environment.close()
    made.loop_end.close()


def test_what_is_enlisted_is_read_at_once_and_committed_before_anything_leaves(alone: Alone) -> None:
    seen: list[list[bool]] = []

    class Answer:
        def flush(self) -> None:
            seen.append(alone.committed(b"a", b"b"))

    alone.loop_end.add(Answer())
    assert alone.put(b"a") and alone.put(b"b")
    assert alone.environment.get(b"a", alone.names) == b"1" and alone.environment.get(b"c", alone.names) is None
    assert alone.committed(b"a", b"b") == [False, False]
    alone.loop_end.flush()
    assert seen == [[True, True]]
    assert alone.told == [True, False]  # one commit for both


def test_a_turn_that_sends_nothing_commits_as_well(alone: Alone) -> None:
    alone.put(b"a")
    until(lambda: alone.committed(b"a") == [True])


@pytest.mark.parametrize("other", [
    lambda alone: alone.environment.entries(alone.names) == 1,
    lambda alone: alone.environment.submit(lambda transaction: transaction.get(b"a", db=alone.names)) == b"1",
    lambda alone: alone.environment.run(lambda transaction: transaction.get(b"a", db=alone.names)) == b"1",
    lambda alone: alone.environment.database("others") is not None,
    lambda alone: alone.environment.settle() is None], ids=["read", "submit", "run", "database", "settle"])
def test_whatever_else_is_done_commits_first(alone: Alone, other: Any) -> None:
    alone.put(b"a")
    assert other(alone)
    assert alone.committed(b"a") == [True]


def test_what_is_posted_is_carried_out_before_what_is_enlisted_later(alone: Alone) -> None:
    alone.environment.commits.post(partial(alone.write, b"a", b"posted"))
    alone.put(b"a", b"enlisted")
    assert alone.environment.get(b"a", alone.names) == b"enlisted"
    gevent.sleep(0.001)
    assert alone.environment.get(b"a", alone.names) == b"enlisted"


def test_one_that_fails_writes_nothing_and_harms_no_neighbour(alone: Alone) -> None:
    def fails(transaction: Any) -> None:
        transaction.put(b"bad", b"1", db=alone.names)
        raise LookupError("no")

    alone.put(b"a")
    with pytest.raises(LookupError):
        alone.environment.enlist(fails)
    alone.put(b"b")
    alone.environment.settle()
    assert alone.committed(b"a", b"bad", b"b") == [True, False, True]


def test_a_full_map_grows_and_loses_nothing(alone: Alone) -> None:
    keys = [b"%d" % number for number in range(40)]
    for key in keys:
        alone.put(key, bytes(100_000))
    assert alone.environment.size >= 4 * MIB
    alone.environment.settle()
    assert all(alone.committed(*keys))


def test_a_disk_without_room_is_an_error_for_whoever_writes(alone: Alone, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, start: int, size: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        alone.put(b"big", bytes(2 * MIB))
    alone.put(b"small")
    alone.environment.settle()
    assert alone.committed(b"big", b"small") == [False, True]


def test_closing_commits(alone: Alone) -> None:
    alone.put(b"a")
    alone.environment.close()
    again = Environment(alone.environment.path, smallest=MIB)
    assert again.get(b"a", again.database("names")) == b"1"
    again.close()


def test_processes_that_write_beside_others_commit_at_once(tmp_path: pathlib.Path) -> None:
    environment = Environment(tmp_path / "test.mdb", smallest=MIB)
    names = environment.database("names")
    environment.enlist(lambda transaction: transaction.put(b"a", b"1", db=names))
    with environment._env.begin(db=names) as transaction:
        assert transaction.get(b"a") == b"1"
    environment.close()
