"""The shared table of connections."""
from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from opensips_py.sip import address_key
from opensips_py.state._words import Words
from opensips_py.transport import Directory

CAPACITY = 256
PEER = address_key("192.0.2.1", 5060)
PEER6 = address_key("2001:db8::1", 5060)


@pytest.fixture
def pair() -> Iterator[tuple[Directory, Directory]]:
    fd = os.memfd_create("directory")
    os.ftruncate(fd, Directory.size(CAPACITY) * 8)
    first, second = (Directory(Words(fd, 0, Directory.size(CAPACITY)), CAPACITY, worker) for worker in (0, 1))
    yield first, second
    os.close(fd)


@pytest.mark.parametrize("key", [PEER, PEER6])
def test_others_find_what_one_published(pair: tuple[Directory, Directory], key: int) -> None:
    ours, theirs = pair
    ours.publish("tcp", key, 7)
    assert theirs.find("tcp", key) == (0, 7)
    assert theirs.find("tls", key) is None and theirs.find("tcp", key + 1) is None
    assert ours.find("tcp", key) is None  # its own it knows better


def test_the_last_to_publish_has_it(pair: tuple[Directory, Directory]) -> None:
    ours, theirs = pair
    ours.publish("tcp", PEER, 7)
    theirs.publish("tcp", PEER, 9)
    assert ours.find("tcp", PEER) == (1, 9)
    ours.withdraw("tcp", PEER, 7)  # not ours any more
    assert ours.find("tcp", PEER) == (1, 9)
    theirs.withdraw("tcp", PEER, 9)
    assert ours.find("tcp", PEER) is None


def test_room_is_used_again(pair: tuple[Directory, Directory]) -> None:
    ours, theirs = pair
    for i in range(5000):
        ours.publish("tcp", PEER + i, i + 1)
        assert theirs.find("tcp", PEER + i) == (0, i + 1)
        ours.withdraw("tcp", PEER + i, i + 1)
    assert ours.full == 0


def test_a_full_table_costs_only_what_does_not_fit(pair: tuple[Directory, Directory]) -> None:
    ours, theirs = pair
    for i in range(2 * CAPACITY):
        ours.publish("tcp", PEER + i, i + 1)
    found = [theirs.find("tcp", PEER + i) for i in range(2 * CAPACITY)]
    assert ours.full > 0 and found.count(None) == ours.full
    assert all(entry in (None, (0, i + 1)) for i, entry in enumerate(found))


def test_a_replacement_begins_without_the_connections_of_the_dead(pair: tuple[Directory, Directory]) -> None:
    ours, theirs = pair
    for i in range(50):
        (ours if i % 2 else theirs).publish("tcp", PEER + i, i + 1)
    Directory(ours._words, CAPACITY, 0).clear()
    assert all(theirs.find("tcp", PEER + i) is None for i in range(50))
    assert all(ours.find("tcp", PEER + i) == (1, i + 1) for i in range(0, 50, 2))
