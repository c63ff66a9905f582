"""Counters in memory that processes share."""
from __future__ import annotations

import os
import subprocess
import sys

import pytest

from opensips_py.statistics import Counter, Statistics


def test_counts_and_resets() -> None:
    statistics = Statistics()
    counter = statistics.counter("core", "rcv_requests", "Requests received.")
    counter.add()
    counter.add(41)
    assert (counter.value, counter.help) == (42, "Requests received.")
    counter.reset()
    assert counter.value == 0


def test_the_same_name_is_the_same_counter_after_a_reload() -> None:
    statistics = Statistics()
    statistics.counter("tm", "x").add(3)
    statistics.gauge("tm", "g").add(2)
    assert statistics.counter("tm", "x").value == 3
    assert statistics.gauge("tm", "g").value == 2


def test_a_function_is_asked_on_every_read_and_renewed_by_the_next_generation() -> None:
    statistics = Statistics()
    numbers = iter([5, 6])
    asked = statistics.register("usrloc", "registered_users", "function", lambda: next(numbers), shared=True)
    assert (asked.value, asked.value) == (5, 6)
    asked.reset()
    statistics.register("usrloc", "registered_users", "function", lambda: 7)
    assert statistics.select("registered_users")[0].value == 7
    with pytest.raises(TypeError):
        statistics.counter("usrloc", "registered_users")


def test_selection_by_all_group_and_name() -> None:
    statistics = Statistics()
    for group, name in (("core", "a"), ("tm", "b"), ("tm", "c")):
        statistics.counter(group, name)
    names = {wanted: [f"{each.group}:{each.name}" for each in statistics.select(wanted)]
             for wanted in ("all", "tm:", "tm:c", "b", "core:b", "nothing", "nothing:")}
    assert names == {"all": ["core:a", "tm:b", "tm:c"], "tm:": ["tm:b", "tm:c"], "tm:c": ["tm:c"], "b": ["tm:b"],
                     "core:b": [], "nothing": [], "nothing:": []}
    statistics.forget("tm", "b")
    statistics.forget("tm", "c")
    assert statistics.groups() == ["core"]


def test_workers_that_register_in_another_order_still_share_the_number() -> None:
    fd = Statistics.create(3)
    first, second = Statistics(fd, 0, 3), Statistics(fd, 1, 3)
    management = Statistics(fd, -1, 3)
    a, b = first.counter("g", "a"), first.counter("g", "b")
    b2, a2 = second.counter("g", "b"), second.counter("g", "a")
    a.add(1)
    a2.add(10)
    b.add(100)
    b2.add(1000)
    management.counter("g", "a").add(5)
    assert (management.counter("g", "a").value, management.counter("g", "b").value) == (16, 1100)
    assert (a.own, a2.own) == (1, 10)
    management.counter("g", "a").reset()
    assert (a.value, a2.value) == (0, 0)
    os.close(fd)


CHILD = """
import sys
from opensips_py.statistics import Statistics
statistics = Statistics(int(sys.argv[1]), 1, 2)
statistics.counter("g", "another")
counter, gauge = statistics.counter("g", "calls"), statistics.gauge("g", "open")
for _ in range(int(sys.argv[2])):
    counter.add(); gauge.add()
print(counter.value, gauge.value, flush=True)
sys.stdin.read()
"""


def child(fd: int, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", CHILD, str(fd), str(count)], pass_fds=[fd], text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def test_a_replacement_inherits_the_counters_of_a_killed_worker_but_not_its_gauges() -> None:
    fd = Statistics.create(2)
    ours = Statistics(fd, 0, 2)
    calls, opened = ours.counter("g", "calls"), ours.gauge("g", "open")
    calls.add(7)
    opened.add(1)
    for expected in ("1007 1001", "2007 1001"):
        with child(fd, 1000) as worker:
            assert worker.stdout is not None
            assert worker.stdout.readline().strip() == expected
            worker.kill()
    assert (calls.value, opened.value) == (2007, 1001)
    os.close(fd)


def test_processes_add_to_one_word_without_losing_any() -> None:
    fd = Statistics.create(2)
    ours = Statistics(fd, 1, 2)  # the slab that the child uses too
    counter = ours.counter("g", "calls")
    with child(fd, 200_000) as worker:
        for _ in range(200_000):
            counter.add()
        worker.communicate()
    assert counter.value == 400_000
    os.close(fd)


def test_more_names_than_fit_are_refused() -> None:
    statistics = Statistics()
    for number in range(4096):
        statistics.counter("many", f"name{number}")
    with pytest.raises(MemoryError):
        statistics.counter("many", "one more")


def test_a_counter_is_a_plain_compiled_object() -> None:
    assert isinstance(Statistics().register("g", "n"), Counter)


def test_names_that_other_workers_count_are_found() -> None:
    fd = Statistics.create(2)
    first, second = Statistics(fd, 0, 2), Statistics(fd, 1, 2)
    before = second.shared_total
    first.counter("dynamic", "a:b")
    first.counter("other", "c")
    assert second.shared_names("dynamic") == ["a:b"] and second.shared_total == before + 2
    os.close(fd)


def test_a_level_outlives_its_process() -> None:
    fd = Statistics.create(1)
    first = Statistics(fd, 0, 1)
    for kind in ("level", "gauge"):
        first.register("g", kind, kind).add(5)  # type: ignore[arg-type, union-attr]
    after = Statistics(fd, 0, 1)
    assert [after.register("g", kind, kind).value for kind in ("level", "gauge")] == [5, 0]  # type: ignore[arg-type]
    os.close(fd)
