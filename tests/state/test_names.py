"""Names in shared memory."""
from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from opensips_py.state._words import Words
from opensips_py.state.names import SharedNames


@pytest.fixture
def fd() -> Iterator[int]:
    fd = os.memfd_create("names")
    os.ftruncate(fd, SharedNames.size(4) * 8)
    yield fd
    os.close(fd)


def directory(fd: int) -> SharedNames:
    return SharedNames(Words(fd, 0, SharedNames.size(4)), 4)


def test_every_process_finds_the_same_number(fd: int) -> None:
    one, other = directory(fd), directory(fd)
    assert [one.number("a"), one.number("b"), other.number("c"), other.number("a"), one.number("c")] == [0, 1, 2, 0, 2]


def test_long_names_count_too(fd: int) -> None:
    names = directory(fd)
    assert [names.number("x" * 500 + end) for end in "ab"] == [0, 1]
    assert directory(fd).number("x" * 500 + "b") == 1


def test_a_full_directory_says_so(fd: int) -> None:
    names = directory(fd)
    for name in "abcd":
        names.number(name)
    with pytest.raises(MemoryError):
        names.number("e")
    assert names.number("d") == 3


def test_the_lock_of_a_dead_process_is_passed_over(fd: int) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    Words(fd, 0, 8).store(0, gone.pid)
    assert directory(fd).number("a") == 0
    assert Words(fd, 0, 8).load(0) == 0


def test_too_little_memory_is_refused(fd: int) -> None:
    with pytest.raises(ValueError):
        SharedNames(Words(fd, 0, 16), 4)


def test_names_are_listed_whoever_asked_for_them(fd: int) -> None:
    one, other = directory(fd), directory(fd)
    one.number("a")
    other.number("b")
    assert one.names() == other.names() == ["a", "b"] and len(one) == 2
