"""Locks: their functions in scripts, and how workers hand them to each other."""
from __future__ import annotations

import itertools
import os
from types import SimpleNamespace

import gevent
import pytest

from opensips_py.errors import ConfigError
from opensips_py.module.registry import Registry
from opensips_py.module.run import Route
from opensips_py.modules.cfgutils import locks
from opensips_py.modules.cfgutils.locks import PID, Locks
from opensips_py.script.core import registry_with_core
from opensips_py.state import Slots
from opensips_py.timers import Wheel
from tests.modules.bench import Bench, options, variables

STATIC = ('get_static_lock("a")', 'release_static_lock("a")')
DYNAMIC = ('get_dynamic_lock("$ci")', 'release_dynamic_lock("$ci")')


class Stop:
    """A place of the script where runs wait until they are told to go on."""

    def __init__(self, monkeypatch):
        self.go, self.passed = gevent.event.Event(), []
        monkeypatch.setattr(gevent, "sleep", lambda seconds: self.go.wait())


@pytest.fixture
def stop(monkeypatch):
    return Stop(monkeypatch)


def begun(bench, count, kind=Route.REQUEST, name=""):
    """*count* runs beside each other, as far as they come, and what they were given to say."""
    said = []

    def one(number):
        run = bench.run_on(bench.message(options()), kind, name)
        said.append((number, run.variables))
        run.finish()
    runs = [gevent.spawn(one, number) for number in range(count)]
    gevent.idle()
    return runs, said


@pytest.mark.parametrize(("take", "give"), [STATIC, DYNAMIC])
@pytest.mark.parametrize("released", [True, False])
def test_one_run_at_a_time(stop, take, give, released):
    bench = Bench("cfgutils", f'if ({take}) $shv(in) = $shv(in) + 1; $var(in) = $shv(in); sleep(1); '
                              f'$shv(in) = $shv(in) - 1; {f"if ({give}) $var(gave) = 1;" if released else ""}')
    runs, said = begun(bench, 3)
    assert bench.module("cfgutils").shared.get("in") == 1
    stop.go.set()
    gevent.joinall(runs)
    assert [found["in"] for _, found in said] == [1, 1, 1] and [number for number, _ in said] == [0, 1, 2]
    assert [("gave" in found) for _, found in said] == [released] * 3
    assert bench.module("cfgutils").locks.owner.queues == {}


def test_different_locks_do_not_wait_for_each_other(stop):
    bench = Bench("cfgutils", 'get_static_lock("a"); sleep(1);', routes='route[b] { get_static_lock("b"); '
                              'get_dynamic_lock("a"); $var(done) = 1; }')
    runs, _ = begun(bench, 1)
    assert bench.run_on(bench.message(options()), name="b").variables == {"done": 1}
    stop.go.set()
    gevent.joinall(runs)


def test_a_lock_that_the_run_does_not_hold_stays_with_its_holder(stop):
    bench = Bench("cfgutils", 'get_static_lock("a"); sleep(1); $shv(out) = 1;',
                  routes='route[b] { release_static_lock("a"); $var(x) = 1; get_static_lock("a"); '
                         '$var(out) = $shv(out); }')
    first, _ = begun(bench, 1)
    second, said = begun(bench, 1, name="b")
    assert said == []
    stop.go.set()
    gevent.joinall([*first, *second])
    assert said == [(0, {"x": 1, "out": 1})]


@pytest.mark.parametrize(("take", "give"), [STATIC, DYNAMIC])
def test_a_run_that_takes_a_lock_twice_is_told(take, give, caplog):
    found = variables(f"{take}; if (!{take}) $var(no) = 1; {give}; if ({take}) $var(yes) = 1;", "cfgutils")
    assert found == {"no": 1, "yes": 1} and "holds the" in caplog.text


def test_a_lock_that_nobody_gives_up(monkeypatch, caplog):
    bench = Bench("cfgutils", 'if (!get_static_lock("a")) $var(no) = 1;')
    held = bench.module("cfgutils").locks
    number = held.take("static a")
    monkeypatch.setattr(locks, "PATIENCE", 0.01)
    assert bench.run_on(bench.message(options())).variables == {"no": 1} and "not given up" in caplog.text
    held.give("static a", number)
    assert held.owner.queues == {} and held.waiting == held.held == {}


def test_the_holder_may_be_of_an_older_generation(stop):
    bench = Bench("cfgutils", 'get_static_lock("a"); sleep(1);')
    runs, _ = begun(bench, 1)
    other = registry_with_core("4.0")
    module = other.add("cfgutils")
    other.start(bench, bench.registry)
    waiting = gevent.spawn(module.locks.take, "static a")
    gevent.idle()
    assert not waiting.ready()
    stop.go.set()
    gevent.joinall([*runs, waiting])
    assert waiting.value


@pytest.mark.parametrize(("body", "routes"), [
    ('t_on_branch("b"); t_relay();', 'branch_route[b] { if (get_static_lock("a")) $shv(had) = 1; }'),
    ('launch(get_static_lock("a"), report);', 'route[report] { $shv(had) = $rc; }')])
def test_the_end_of_every_kind_of_run_gives_locks_back(body, routes):
    bench = Bench("tm cfgutils", body, routes=routes)
    bench.run_on(bench.message(options(method="INVITE")))
    module = bench.module("cfgutils")
    assert module.shared.get("had") == 1 and module.locks.owner.queues == module.locks.held == {}


# Dynamic locks


def test_keys_that_share_a_lock():
    small = 'modparam("cfgutils", "lock_pool_size", 2)'
    bench = Bench("cfgutils", 'if (strings_share_lock("a", $var(other))) $var(same) = 1;', small)
    module = bench.module("cfgutils")
    of = {key: module.of_pool(key) for key in "abcdefgh"}
    assert set(of.values()) == {"dynamic 0", "dynamic 1"}
    for key, lock in of.items():
        found = variables(f'if (strings_share_lock("a", "{key}")) $var(same) = 1;', "cfgutils", settings=small)
        assert found == ({"same": 1} if lock == of["a"] else {})


def test_one_key_has_nothing_to_share(caplog):
    assert variables('if (!strings_share_lock("x")) $var(no) = 1;', "cfgutils") == {"no": 1}
    assert "two keys" in caplog.text


def test_one_lock_for_all():
    found = variables('if (get_dynamic_lock("a")) $var(a) = 1; if (!get_dynamic_lock("b")) $var(b) = 1; '
                      'if (strings_share_lock("a", "b")) $var(same) = 1;', "cfgutils",
                      settings='modparam("cfgutils", "lock_pool_size", 1)')
    assert found == {"a": 1, "b": 1, "same": 1}


@pytest.mark.parametrize("size", [0, 3, 33, -2])
def test_a_pool_is_a_power_of_two(size):
    registry = Registry.load(["cfgutils"])
    with pytest.raises(ConfigError):
        registry.set_parameter("cfgutils", "lock_pool_size", size)
        raise registry.finish()[0]


def test_a_static_lock_has_a_fixed_name():
    for name in ('$var(x)', '"$var(x)"', '"zone$var(x)"'):
        with pytest.raises(AssertionError, match="without variables"):
            Bench("cfgutils", f"get_static_lock({name});")


# Several workers: each with its Locks, and links between them whose packets are delivered by the test


class Place:
    """The workers of one server."""

    def __init__(self, count):
        self.packets = []
        self.slots = Slots.random(count)
        self.timers = Wheel(lambda callback, argument: callback(argument))
        self.full = False
        self.pids = itertools.count(10_000_000)  # more than there are
        self.workers = [self.worker(index, False) for index in range(count)]

    def worker(self, index, restarted):
        place = self

        class Links:
            """The links of one worker."""

            def __init__(self):
                self.handlers, self.losses = {}, []

            def on_send(self, operation, handler):
                self.handlers[operation] = handler

            def on_lost(self, operation, handler):
                self.losses.append(handler)

            def send(self, peer, operation, *arguments):
                if not place.full:
                    place.packets.append((index, peer, operation, arguments))
                return not place.full

        services = SimpleNamespace(index=index, workers=place.slots.workers,
                                   slots=place.slots, links=Links(), timers=place.timers,
                                   boot=SimpleNamespace(restarted=restarted))
        made = Locks()
        made.numbers = itertools.count(next(place.pids) << PID)
        made.join(services)
        return made

    def deliver(self):
        """All packets, and those that they cause."""
        while self.packets:
            peer, to, operation, arguments = self.packets.pop(0)
            self.workers[to].services.links.handlers[operation](peer, *arguments)
        gevent.idle()

    def die(self, index):
        """A worker dies; the others hear of it."""
        for other, each in enumerate(self.workers):
            if other != index:
                for handler in each.services.links.losses:
                    handler(index)

    def take(self, index, lock):
        taken = gevent.spawn(self.workers[index].take, lock)
        gevent.idle()
        self.deliver()
        return taken

    def lock_of(self, index):
        """A lock whose queue *index* keeps."""
        return next(name for name in map(str, range(1000)) if self.workers[0].owner_of(name) == index)


@pytest.fixture
def place():
    return Place(3)


@pytest.mark.parametrize("owner", [0, 1, 2])
def test_workers_wait_for_each_other(place, owner):
    lock = place.lock_of(owner)
    first, second, third = (place.take(index, lock) for index in (0, 1, 2))
    assert (first.ready(), second.ready(), third.ready()) == (True, False, False)
    place.workers[0].give(lock, first.value)
    place.deliver()
    assert (second.ready(), third.ready()) == (True, False)
    place.workers[1].give(lock, second.value)
    place.deliver()
    assert third.ready()


def test_who_stops_waiting_is_not_granted_anything(place):
    lock = place.lock_of(2)
    first, second, third = (place.take(index, lock) for index in (0, 1, 0))
    second.kill()
    place.deliver()
    place.workers[0].give(lock, first.value)
    place.deliver()
    assert third.ready() and place.workers[2].owner.queues == {lock: [(0, third.value)]}


def test_a_grant_that_comes_too_late_is_given_back(place):
    lock = place.lock_of(2)
    taken = gevent.spawn(place.workers[0].take, lock)
    gevent.idle()
    want = place.packets.pop()
    taken.kill()
    place.packets.clear()  # the word that nobody waits any more is lost
    place.packets.append(want)
    place.deliver()
    assert place.workers[2].owner.queues == {} and place.workers[0].held == {}


def test_a_worker_that_dies_gives_up_its_locks(place):
    lock = place.lock_of(2)
    first, second, third = (place.take(index, lock) for index in (0, 0, 1))
    place.die(0)
    place.deliver()
    assert third.ready() and first.ready() and not second.ready()


def test_late_news_of_a_death_do_not_touch_the_replacement(place):
    lock = place.lock_of(2)
    place.workers[0] = place.worker(0, True)
    place.workers[0].numbers = itertools.count(os.getpid() << PID)
    place.workers[0].owner.silent.clear()
    taken = place.take(0, lock)
    place.die(0)
    place.deliver()
    assert taken.ready() and place.workers[2].owner.queues == {lock: [(0, taken.value)]}


@pytest.mark.parametrize("asked", [True, False])
def test_the_replacement_of_an_owner_learns_what_is_held(place, asked):
    lock = place.lock_of(2)
    first, second = place.take(0, lock), place.take(1, lock)
    place.die(2)
    place.workers[2] = place.worker(2, True)
    third = place.take(1, lock) if asked else None
    place.deliver()
    assert not second.ready()
    place.workers[0].give(lock, first.value)
    place.deliver()
    waiting = [each for each in (second, third) if each is not None]
    assert [each.ready() for each in waiting].count(True) == 1
    place.workers[1].give(lock, next(each.value for each in waiting if each.ready()))
    place.deliver()
    assert all(each.ready() for each in waiting)


def test_a_replacement_does_not_wait_for_the_dead(place):
    lock = place.lock_of(2)
    place.workers[2] = place.worker(2, True)
    place.packets.clear()  # nobody hears its question
    taken = place.take(0, lock)
    assert not taken.ready()
    place.workers[2].services.links.losses[0](1)
    place.deliver()
    assert not taken.ready()
    place.timers.advance(5.0)
    place.deliver()
    assert taken.ready()


def test_a_full_link_is_tried_again(place):
    lock = place.lock_of(2)
    place.full = True
    taken = place.take(0, lock)
    place.full = False
    place.timers.advance(2.0)
    place.deliver()
    assert taken.ready()
