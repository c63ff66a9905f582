"""Records in shared memory."""
from __future__ import annotations

import os

import pytest

from opensips_py.state import Records, Words


def records(fd: int, capacity: int = 4, heap: int = 100) -> Records:
    return Records(Words(fd, 0, Records.size(capacity, heap)), capacity)


@pytest.fixture
def fd() -> object:
    fd = os.memfd_create("records")
    os.ftruncate(fd, Records.size(4, 100) * 8)
    yield fd
    os.close(fd)


def test_every_process_finds_the_same_record(fd: int) -> None:
    one, other = records(fd), records(fd)
    first, second = one.place("a", 10), other.place("b", 20)
    assert (other.place("a", 10), one.place("b", 20)) == (first, second)
    one.words.store(first + 9, 7)
    assert other.words.load(first + 9) == 7 and other.words.load(second) == 0
    assert abs(first - second) >= 10
    assert other.names() == ["a", "b"] and other.used == 30


def test_what_does_not_fit_is_refused_and_takes_nothing(fd: int) -> None:
    made = records(fd)
    with pytest.raises(MemoryError):
        made.place("a", 101)
    assert made.place("b", 100) and made.used == 100


def test_words_without_room_are_refused(fd: int) -> None:
    with pytest.raises(ValueError):
        Records(Words(fd, 0, 20), 4)
