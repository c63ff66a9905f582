"""Pipes in shared memory: bounded, and the same in all processes."""
from __future__ import annotations

import hashlib
import os
import time

import pytest

from opensips_py.modules.ratelimit.algorithms import NAMES
from opensips_py.modules.ratelimit.pipes import KNOWN, LONGEST, WAYS, Pipes, Rules
from opensips_py.state._words import Words

TAILDROP, SBT = NAMES["TAILDROP"], NAMES["SBT"]
RULES = Rules(10, 3600, 5, 0.2)


def hashed(name):
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest(), "big")


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def made(chains=16, rules=RULES):
    size = Pipes.size(chains, rules.slots)
    fd = os.memfd_create("pipes")
    os.ftruncate(fd, size * 8)
    words = Words(fd, 0, size)
    os.close(fd)
    return Pipes(words, chains, rules, hashed)


def count(pipes, name, algorithm=TAILDROP, limit=10):
    with pipes.made(name, algorithm, limit) as pipe:
        return pipe.count()


def test_an_interval_begins_at_nothing_and_knows_the_one_before(clock):
    pipes = made()
    assert [count(pipes, "a") for _ in range(3)] == [1, 2, 3]
    clock[0] += 10
    with pipes.pipe("a") as pipe:
        assert (pipe.counter, pipe.before) == (0, 3)
    assert count(pipes, "a") == 1
    clock[0] += 20
    with pipes.pipe("a") as pipe:
        assert (pipe.counter, pipe.before) == (0, 0)


def test_a_window_moves_on_slot_by_slot(clock):
    pipes = made()
    counts = []
    for _ in range(8):
        counts.append(count(pipes, "w", SBT))
        clock[0] += 0.2
    assert counts == [1, 2, 3, 4, 5, 5, 5, 5]
    clock[0] += 0.4
    with pipes.pipe("w") as pipe:
        assert pipe.counter == 2 and pipe.window() == [(3, 1), (4, 1)]
        pipe.reset()
        assert pipe.counter == 0


def test_a_counter_does_not_fall_below_nothing(clock):
    pipes = made()
    for algorithm in (TAILDROP, SBT):
        name = str(algorithm)
        count(pipes, name, algorithm)
        with pipes.pipe(name) as pipe:
            for _ in range(3):
                pipe.add(-1)
            assert pipe.counter == 0


def test_an_algorithm_stays_and_a_limit_changes(clock):
    pipes = made()
    count(pipes, "a", TAILDROP, 10)
    for algorithm, limit in ((SBT, 20), (TAILDROP, 30)):
        with pipes.made("a", algorithm, limit) as pipe:
            assert (pipe.algorithm, pipe.limit) == (TAILDROP, limit)
    assert pipes.names() == ["a"]


def test_an_idle_pipe_is_gone_and_begins_anew(clock):
    pipes = made()
    count(pipes, "a", TAILDROP)
    clock[0] += 3600
    assert pipes.names() == ["a"]
    clock[0] += 1
    assert pipes.names() == []
    with pipes.pipe("a") as pipe:
        assert pipe is None
    assert count(pipes, "a", SBT) == 1 and pipes.names() == ["a"]


def test_names_without_end_take_no_more_memory(clock):
    pipes = made()
    count(pipes, "kept")
    for number in range(3000):
        clock[0] += 0.001
        count(pipes, f"flood {number}", (TAILDROP, SBT)[number % 2])
        if not number % 10:
            count(pipes, "kept")
    assert len(pipes.names()) <= 2 * 16 * WAYS and "kept" in pipes.names()
    assert len(pipes.known) <= KNOWN


def test_long_and_strange_names(clock):
    pipes = made()
    for name in ("ä" * LONGEST, "", "\udcff", "a\nb"):
        assert count(pipes, name) == 1 and count(pipes, name) == 2
    assert len(pipes.names()) == 4 and "\udcff" in pipes.names()


def test_processes_count_together(clock):
    pipes = made(1)
    children = []
    for _ in range(2):
        child = os.fork()
        if not child:
            for _ in range(4000):
                count(pipes, "a")
                count(pipes, "w", SBT)
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    for name in ("a", "w"):
        with pipes.pipe(name) as pipe:
            assert pipe.counter == 8000


def test_a_lock_whose_holder_was_killed_is_passed_over(clock):
    pipes = made(1)
    child = os.fork()
    if not child:
        with pipes.made("a", TAILDROP, 1):
            os._exit(0)
    os.waitpid(child, 0)
    assert count(pipes, "a") == 1
