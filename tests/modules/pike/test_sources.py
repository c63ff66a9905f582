"""The table of sources: bounded, and the same in all processes."""
from __future__ import annotations

import hashlib
import os
import time

import pytest

from opensips_py.modules.pike.sources import BUCKETS, KNOWN, MOST, WAYS, Checked, Limit, Sources
from opensips_py.sip import address_key
from opensips_py.state._words import Words


def hashed(data):
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def address(host):
    return address_key(host, 0) >> 16


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def words():
    fd = os.memfd_create("pike")
    os.ftruncate(fd, Sources.size() * 8)
    made = Words(fd, 0, Sources.size())
    os.close(fd)
    return made


def test_addresses_come_back_as_they_went(words, clock):
    table = Sources(words, Limit(2, 3, 60), hashed)
    hosts = ["192.0.2.1", "255.255.255.255", "0.0.0.1", "2001:db8::1", "::1", "fe80::ffff:ffff:ffff:ffff",
             "8000::", "::8000:0:0:0"]
    for host in hosts:
        table.count(address(host))
    assert sorted(each["address"] for each in table.rows()) == sorted(address(host) for host in hosts)


def test_a_flood_of_addresses_takes_no_more_memory(words, clock):
    table = Sources(words, Limit(2, 3, 60), hashed)
    bad = address("192.0.2.1")
    assert [table.count(bad) for _ in range(5)][-2:] == [Checked.DETECTED, Checked.BLOCKED]
    for number in range(2 * BUCKETS * WAYS):
        table.count(1 << 128 | number << 32)
    assert len(table.known) <= KNOWN and len(list(table.rows())) <= BUCKETS * WAYS
    assert table.count(bad) is Checked.BLOCKED  # others gave way before it


def test_the_one_that_is_silent_longest_gives_way(words, clock, monkeypatch):
    monkeypatch.setattr(Sources, "lock", lambda self, identity: 7)  # all into one bucket
    table = Sources(words, Limit(2, 3, 60), hashed)
    for number in range(WAYS):
        clock[0] += 2
        table.count(number)
    clock[0] += 2
    table.count(0)
    table.count(100)
    assert {each["address"] for each in table.rows()} == {0, 100, *range(2, WAYS)}


def test_a_source_that_lost_its_place_is_not_counted_for_another(words, clock, monkeypatch):
    monkeypatch.setattr(Sources, "lock", lambda self, identity: 7)
    one, other = (Sources(words, Limit(2, 3, 60), hashed) for _ in range(2))
    one.count(0)
    clock[0] += 2
    for number in range(1, WAYS + 1):
        other.count(number)
    assert 0 in one.known
    one.count(0)
    counts = {each["address"]: each["requests"] for each in one.rows()}
    assert counts.pop(0) == 1 and set(counts.values()) == {1} and len(counts) == WAYS - 1


def test_processes_count_together(words, clock):
    children = []
    for _ in range(2):
        child = os.fork()
        if not child:
            table = Sources(words, Limit(86400, 60000, 1), hashed)
            for number in range(9000):
                table.count(number % 3)
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    counts = [each["requests"] for each in Sources(words, Limit(86400, 60000, 1), hashed).rows()]
    assert counts == [6000, 6000, 6000]


def test_a_count_does_not_run_over(words, clock):
    table = Sources(words, Limit(2, 3, 60), hashed)
    for _ in range(MOST + 20):
        table.count(1)
    assert [each["requests"] for each in table.rows()] == [MOST]


def test_removing(words, clock):
    table = Sources(words, Limit(2, 3, 60), hashed)
    for _ in range(5):
        table.count(1)
    assert table.is_blocked(1) and table.remove(1) and not table.remove(1) and not table.is_blocked(1)
    assert table.count(1) is Checked.PASSED
