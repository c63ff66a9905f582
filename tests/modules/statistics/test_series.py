"""Series: statistics over a window of time."""
from __future__ import annotations

import os
import time

import pytest

from opensips_py.errors import ConfigError
from opensips_py.modules.statistics.series import Book, Profile
from opensips_py.script.core import registry_with_core
from opensips_py.state import Words
from tests.modules.bench import Bench, options


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(time, "monotonic", made)
    return made


def series(body, *profiles):
    lines = "\n".join(f'modparam("statistics", "stat_series_profile", "{each}")' for each in profiles)
    return Bench("statistics", body, lines)


def run(bench):
    return bench.run_on(bench.message(options())).variables


@pytest.mark.parametrize(("profile", "values", "expected"), [
    ("p:", (3, 4, -2), 5), ("p: algorithm=accumulate", (3, 4), 7), ("p", (1,), 1),
    ("p: algorithm=average", (10, 20, 31), 20), ("p: algorithm=average", (-10, -21), -15),
    ("p: algorithm=average", (0, 0), 0), ("p: algorithm=percentage", (1, 1, -1, -1, 1), 60),
    ("p: algorithm=percentage", (-1,), 0), ("p: algorithm=percentage percentage_factor=1000", (1, -1, -1), 333),
    ("p: algorithm=percentage hash_size=4", (3, -1), 75)])
def test_algorithms(clock, profile, values, expected):
    body = "".join(f'update_stat_series("p", "x", {value});' for value in values)
    assert run(series(f"{body} $var(v) = $stat(p:x); $var(w) = $stat(x);", profile)) == {"v": expected, "w": expected}


@pytest.mark.parametrize(("profile", "alive", "dead"), [
    ("p:", 59, 61), ("p: window=600 slots=10", 540, 600), ("p: window=10", 9, 11)])
def test_what_is_too_old_is_forgotten(clock, profile, alive, dead):
    bench = series('update_stat_series("p", "x", $var(n)); $var(v) = $stat(p:x);', profile)
    module = bench.module("statistics")
    clock.now = 1200.0
    module.update_stat_series("p", "x", 5)
    clock.now = 1200.0 + alive
    assert module.find("p:x").value == 5
    clock.now = 1200.0 + dead
    assert module.find("p:x").value == 0


def test_slots_are_used_again(clock):
    module = series("", "p: window=10 slots=5").module("statistics")
    for _ in range(30):
        module.update_stat_series("p", "x", 1)
        clock.now += 1
    assert module.find("p:x").value in (8, 9, 10)


def test_groups_and_iteration(clock):
    bench = series('update_stat_series("a", "x", 1); update_stat_series("b", "x", 2); update_stat_series("b", "y", 3); '
                   'stat_iter_init("calls", "i"); stat_iter_next($var(n), $var(v), "i"); '
                   'stat_iter_next($var(m), $var(w), "i"); if (!update_stat("calls:x", 1)) $var(no) = 1; '
                   'if (!update_stat_series("c", "x", 1)) $var(none) = 1;', "a:", "b: group=calls algorithm=average")
    assert run(bench) == {"n": "x", "v": 2, "m": "y", "w": 3, "no": 1, "none": 1}
    assert bench.statistics.get("a:x").value == 1


@pytest.mark.parametrize("reset", ['reset_stat("p:x")', "$stat(p:x) = 0"])
def test_reset(clock, reset):
    bench = series(f'update_stat_series("p", "x", 5); update_stat_series("p", "y", 7); {reset}; '
                   '$var(zero) = $stat(p:x); update_stat_series("p", "x", 2); $var(v) = $stat(p:x); '
                   '$var(other) = $stat(p:y);', "p:")
    assert run(bench) == {"zero": 0, "v": 2, "other": 7}


def test_workers_count_together_and_see_what_others_made(clock):
    fd = os.memfd_create("series")
    os.ftruncate(fd, Book.size() * 8)
    profile = Profile.parse("p: algorithm=average")
    books = [Book(Words(fd, 0, Book.size()), index, 2, clock) for index in range(2)]
    first, second = (book.series(profile, "x") for book in books)
    first.update(10)
    second.update(20)
    assert first.value == second.value == 15 and books[1].names(profile) == ["x"]
    again = Book(Words(fd, 0, Book.size()), 0, 2, clock).series(profile, "x")  # in the place of a worker that died
    again.update(30)
    assert second.value == 20
    os.close(fd)


def test_a_worker_lists_the_series_of_others(clock):
    bench = series('update_stat_series("p", "x", 5);', "p:")
    run(bench)
    registry = registry_with_core("4.0")
    module = registry.add("statistics")
    registry.set_parameter("statistics", "stat_series_profile", "p:")
    bench.statistics.forget("p", "x")  # as a worker that has just come
    registry.start(bench, None)
    assert bench.statistics.get("p:x").value == 5
    run(bench)
    assert module.find("p:x").value == 10


def test_a_changed_profile_begins_anew(clock):
    bench = series('update_stat_series("p", "x", 5);', "p:")
    run(bench)
    registry = registry_with_core("4.0")
    module = registry.add("statistics")
    registry.set_parameter("statistics", "stat_series_profile", "p: window=120")
    registry.start(bench, bench.registry)
    module.update_stat_series("p", "x", 1)
    assert bench.statistics.get("p:x").value == 1


@pytest.mark.parametrize("text", [
    "", ": window=3", "p: algorithm=median", "p: window=0", "p: window=x", "p: slots=-1", "p: size=3", "p: window",
    "p: window=60 slots="])
def test_malformed_profiles_are_refused(text):
    registry = registry_with_core("4.0")
    registry.add("statistics")
    with pytest.raises(ConfigError):
        registry.set_parameter("statistics", "stat_series_profile", text)


def test_a_profile_and_its_defaults():
    text = "perc_1h: algorithm=percentage window=3600 slots=6 group=g percentage_factor=10 hash_size=16"
    assert Profile.parse(text) == Profile("perc_1h", "percentage", "g", 3600, 6, 10, 16)
    assert Profile.parse("p: window=30") == Profile("p", "accumulate", "p", 30, 30)
