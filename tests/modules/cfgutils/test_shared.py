"""Shared variables in memory."""
from __future__ import annotations

import os
import subprocess
import sys

import pytest

from opensips_py.modules.cfgutils.shared import LOCK, SIZES, SharedVariables
from opensips_py.state import Words


@pytest.fixture
def fd():
    fd = os.memfd_create("variables")
    os.ftruncate(fd, SharedVariables.size(4) * 8)
    yield fd
    os.close(fd)


def opened(fd):
    return SharedVariables(Words(fd, 0, SharedVariables.size(4)), 4)


@pytest.mark.parametrize("value", [0, 1, -1, 2**31 - 1, -2**31, 2**60, "", "a", "ä€", "\udcff", "x" * 64, "x" * 65,
                                   "y" * SIZES[-1]], ids=lambda value: str(value)[:5])
def test_values_come_back(fd, value):
    one, other = opened(fd), opened(fd)
    one.set("x", "before")
    one.set("x", value)
    assert other.get("x") == value and type(other.get("x")) is type(value)


def test_texts_of_all_sizes_take_turns(fd):
    one, other = opened(fd), opened(fd)
    for round in range(9):
        for size in (0, 3, 64, 65, 4096, 20_000):
            one.set("x", str(round) * size)
            assert other.get("x") == str(round) * size
            other.set("x", round)
    used = one.records.used
    one.set("x", "z" * 200_000)
    assert one.records.used > used
    for _ in range(20):
        one.set("x", "z" * 200_000)  # in memory that the variable has already
    assert other.get("x") == "z" * 200_000


def test_the_first_value_wins(fd):
    one = opened(fd)
    one.begin("x", "first")
    one.begin("x", "second")
    one.begin("y", 0)
    one.begin("y", 3)
    assert (one.get("x"), one.get("y")) == ("first", 0)


@pytest.mark.parametrize(("name", "value", "error"), [
    ("x", "x" * (SIZES[-1] + 1), ValueError), ("x", 2**62, ValueError), ("n" * 121, 1, ValueError)])
def test_what_is_too_large_is_refused_and_changes_nothing(fd, name, value, error):
    one = opened(fd)
    one.set("x", 1)
    with pytest.raises(error):
        one.set(name, value)
    assert one.get("x") == 1
    one.set("x", 2)  # not locked any more


def test_more_variables_than_there_is_room_for(fd):
    one = opened(fd)
    for name in "abcd":
        one.set(name, name)
    with pytest.raises(MemoryError):
        one.set("e", 1)
    assert [one.get(name) for name in "abcd"] == [*"abcd"]


def test_a_writer_that_was_killed_holds_nobody_up(fd):
    one = opened(fd)
    one.set("x", "text")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    one.words.store(one.place("x") + LOCK, ended.pid)
    assert one.get("x") == "text"
    one.set("x", "another")
    assert opened(fd).get("x") == "another"


WRITER = """
import sys
from opensips_py.modules.cfgutils.shared import SharedVariables
from opensips_py.state import Words
variables = SharedVariables(Words(int(sys.argv[1]), 0, SharedVariables.size(4)), 4)
for round in range(1000):
    variables.set("x", sys.argv[2] * (1 + round % 60))
variables.set(sys.argv[2], 1)
"""


def test_readers_never_see_half_a_text(fd):
    one = opened(fd)
    one.set("x", "a")
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(fd), letter], pass_fds=[fd]) for letter in "ab"]
    while not (one.get("a") and one.get("b")):
        text = one.get("x")
        assert text in ("a" * len(text), "b" * len(text)) and 1 <= len(text) <= 60
    assert [each.wait() for each in writers] == [0, 0]
