"""The timer wheel with a clock turned by hand."""
from __future__ import annotations

import gc
import random
import sys
from collections.abc import Callable
from typing import Any

import gevent.event
import pytest
from gevent import get_hub

from opensips_py.timers import Ticker, Wheel


class Log(list[tuple[float, Any]]):
    """Notes what fired and when."""

    def __init__(self, tick: float = 0.01, now: float = 0.0) -> None:
        super().__init__()
        self.wheel = Wheel(lambda callback, argument: callback(argument), now, tick)

    def start(self, seconds: float, name: Any) -> Any:
        return self.wheel.start(seconds, self.note, name)

    def note(self, name: Any) -> None:
        self.append((round(self.wheel.now, 6), name))


def test_fires_once_when_due_and_not_before() -> None:
    log = Log()
    timer = log.start(0.5, "T1")
    assert timer.due == pytest.approx(0.5)
    log.wheel.advance(0.49)
    assert (log, timer.pending, len(log.wheel)) == ([], True, 1)
    assert log.wheel.advance(0.5) == 1
    log.wheel.advance(90.0)
    assert (log, timer.pending, timer.due, len(log.wheel)) == ([(0.5, "T1")], False, None, 0)


def test_sums_of_fractions_fall_on_their_tick() -> None:
    log = Log()
    log.wheel.advance(0.1)
    log.start(0.2, "x")
    log.wheel.advance(0.3)
    assert [name for _, name in log] == ["x"]


def test_stopped_timer_does_not_fire_and_may_be_stopped_again() -> None:
    log = Log()
    timer = log.start(1, "x")
    timer.stop()
    timer.stop()
    log.wheel.advance(10)
    timer.stop()
    assert (log, len(log.wheel)) == ([], 0)


def test_one_step_over_a_minute_keeps_a_series_in_step() -> None:
    wheel = Wheel(lambda callback, argument: callback(argument))
    moments: list[float] = []

    def retransmit(interval: float) -> None:
        moments.append(round(wheel.now, 6))
        if len(moments) < 7:
            wheel.start(min(interval * 2, 4.0), retransmit, min(interval * 2, 4.0))

    wheel.start(0.5, retransmit, 0.5)
    wheel.advance(60)
    assert moments == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5]  # RFC 3261, 17.1.2.2: timer E
    assert wheel.now == 60


def test_a_callback_may_stop_a_neighbour_that_is_due_in_the_same_tick() -> None:
    log = Log()
    second: list[Any] = []
    log.wheel.start(1, lambda _: second[0].stop())
    second.append(log.start(1, "second"))
    log.start(1, "third")
    log.wheel.advance(1)
    assert [name for _, name in log] == ["third"]


def test_no_delay_means_the_next_tick_not_an_endless_loop() -> None:
    log = Log()
    log.wheel.start(0, lambda _: log.start(0, "again"))
    log.wheel.advance(0.01)
    assert log == []
    log.wheel.advance(0.02)
    assert [name for _, name in log] == ["again"]


def test_ten_thousand_timers_over_all_rings_fire_in_order_at_their_tick() -> None:
    numbers = random.Random(1)
    log = Log(tick=1.0, now=1000.0)
    for reach in (300, 20_000, 1_100_000):
        for _ in range(3000):
            seconds = numbers.randrange(1, reach)
            log.start(seconds, 1000 + seconds)
    removed = [log.start(numbers.randrange(1, 100_000), None) for _ in range(1000)]
    now = 1000.0
    while len(log) < 100:
        now += numbers.randrange(1, 9)
        log.wheel.advance(now)
    for timer in removed:
        timer.stop()
    while len(log.wheel):
        now += numbers.randrange(1, 100_000)
        log.wheel.advance(now)
    fired = [(moment, name) for moment, name in log if name is not None]
    assert len(fired) == 9000
    assert all(moment == name for moment, name in fired)
    assert fired == sorted(fired)


def test_the_longest_delay_is_over_a_month() -> None:
    log = Log()
    log.start(40 * 86400, "month")
    log.wheel.advance(40 * 86400 - 1)
    assert log == []
    log.wheel.advance(40 * 86400)
    assert len(log) == 1


def test_a_failing_callback_loses_no_other_timer() -> None:
    log = Log()
    log.wheel.start(1, lambda _: 1 / 0)
    log.start(1, "same tick")
    log.start(2, "later")
    with pytest.raises(ZeroDivisionError):
        log.wheel.advance(2)
    log.wheel.advance(2)
    assert [name for _, name in log] == ["same tick", "later"]


def test_firing_and_stopping_let_go_of_callback_and_argument() -> None:
    log = Log()
    argument = object()
    before = sys.getrefcount(argument)
    kept = [log.start(1, argument), log.start(2, argument), log.start(3, argument)]
    kept[1].stop()
    log.wheel.advance(1)
    log.clear()
    assert sys.getrefcount(argument) == before + 1
    log.wheel.clear()
    assert (sys.getrefcount(argument), len(log.wheel), len(kept)) == (before, 0, 3)


def test_a_wheel_with_pending_timers_leaves_no_reference_behind() -> None:
    argument = object()
    before = sys.getrefcount(argument)
    wheel = Wheel(lambda callback, value: None)
    timer = wheel.start(5, print, argument)
    del wheel
    gc.collect()
    assert (timer.pending, sys.getrefcount(argument)) == (False, before)


def test_ticker_goes_on_after_a_callback_that_raises() -> None:
    fired = gevent.event.Event()
    wheel = Wheel(lambda callback, argument: callback(argument), tick=0.001)
    wheel.start(0.001, lambda _: 1 / 0)
    wheel.start(0.003, lambda _: fired.set())
    moments = iter(range(1, 1_000_000))
    ticker = Ticker(wheel, get_hub().loop, clock=lambda: next(moments) * 0.001)
    ticker.start()
    assert fired.wait(timeout=10)
    ticker.stop()


class Turns:
    """A timer of an event loop whose turns come when the test says so."""

    def timer(self, *_: object, priority: int = 0) -> Turns:
        return self

    def start(self, callback: Callable[[], None], *, update: bool) -> None:
        self.turn = callback


def test_what_came_in_a_standstill_is_read_before_timers_fire() -> None:
    fired: list[str] = []
    wheel = Wheel(lambda callback, argument: callback(argument), now=100.0)
    turns, clock = Turns(), [100.0]
    ticker = Ticker(wheel, turns, clock=lambda: clock[0])
    ticker.start()
    request = wheel.start(0.5, fired.append, "repeated")
    wheel.start(0.2, fired.append, "due")
    clock[0] = 100.7  # the machine had no time for us
    turns.turn()
    assert fired == []
    request.stop()  # its answer had come
    wheel.start(0.5, fired.append, "the next")  # counts from now
    clock[0] = 100.71
    turns.turn()
    assert fired == ["due"]
    clock[0] = 101.19
    turns.turn()
    clock[0] = 101.2
    turns.turn()
    assert fired == ["due", "the next"]


def test_timers_fire_though_every_turn_is_late() -> None:
    fired: list[str] = []
    wheel = Wheel(lambda callback, argument: callback(argument))
    turns, clock = Turns(), [0.0]
    Ticker(wheel, turns, clock=lambda: clock[0]).start()
    wheel.start(0.5, fired.append, "due")
    while clock[0] < 2:
        clock[0] += 0.3
        turns.turn()
    assert fired == ["due"]
