"""Blocking calls in threads."""
from __future__ import annotations

import contextlib
import threading

import gevent
import gevent.event
import pytest

from opensips_py.blocking import Busy, Pool, deadline


def test_result_and_error_come_back() -> None:
    pool = Pool(2)
    assert pool.run(pow, 2, 10) == 1024
    assert pool.run(int, "ff", base=16) == 255
    with pytest.raises(ZeroDivisionError):
        pool.run(divmod, 1, 0)
    gevent.sleep(0)
    assert (pool.calls, pool.running) == ({"pow": 1, "int": 1, "divmod": 1}, 0)
    assert pool.seconds["pow"] >= 0


def test_other_greenlets_run_while_a_call_blocks() -> None:
    pool = Pool(1)
    released = threading.Event()
    waiting = gevent.spawn(pool.run, released.wait, 30)
    turns = 0
    while not pool.running:
        gevent.sleep(0)
        turns += 1
    assert not waiting.ready()
    released.set()
    assert waiting.get(timeout=10) is True


def test_a_call_that_takes_too_long_is_given_up_and_counted() -> None:
    pool = Pool(1)
    released = threading.Event()
    with pytest.raises(TimeoutError, match="took longer"):
        pool.run(released.wait, 30, deadline=0.02)
    assert (pool.late, pool.running) == ({"Event.wait": 1}, 1)
    released.set()
    assert pool.run(pow, 2, 2) == 4


def test_a_timeout_of_the_called_function_is_its_own() -> None:
    def late() -> None:
        raise TimeoutError("the database said so")

    pool = Pool(1)
    with pytest.raises(TimeoutError, match="said so"):
        pool.run(late)
    assert pool.late == {}


def test_too_many_waiting_calls_are_refused_at_once() -> None:
    pool = Pool(1, queue=1)
    released = threading.Event()
    waiting = [gevent.spawn(pool.run, released.wait, 30) for _ in range(2)]
    gevent.sleep(0)
    with pytest.raises(Busy):
        pool.run(pow, 1, 1)
    released.set()
    gevent.joinall(waiting, timeout=10, raise_error=True)
    assert pool.refused == {"pow": 1}
    assert pool.run(pow, 3, 3) == 27


def test_a_wait_ends_at_its_deadline_and_no_later_one_with_it() -> None:
    with pytest.raises(TimeoutError, match="took longer than"), deadline(0.01):
        gevent.event.Event().wait()
    with deadline(0.01):
        pass
    gevent.sleep(0.02)  # a timer left running would strike here


def test_no_library_takes_a_deadline_for_an_error_of_its_own() -> None:
    tries = 0
    with pytest.raises(TimeoutError), deadline(0.01):
        while True:
            tries += 1
            with contextlib.suppress(Exception):
                gevent.event.Event().wait()
    assert tries == 1


def test_the_deadline_of_an_outer_block_is_not_that_of_the_inner_one() -> None:
    with pytest.raises(TimeoutError, match=r"0\.01 s"), deadline(0.01):
        try:
            with deadline(10):
                gevent.event.Event().wait()
        except TimeoutError:
            pytest.fail("the inner one was not over")


def test_from_a_thread_back_into_the_event_loop() -> None:
    pool = Pool(1)
    here = threading.get_ident()

    def waits(number: int) -> tuple[int, int]:
        gevent.sleep(0)
        return threading.get_ident(), number

    def both() -> tuple[int, tuple[int, int]]:
        return threading.get_ident(), pool.in_hub(waits, 7)
    thread, found = pool.run(both)
    assert thread != here and found == (here, 7)
    assert pool.in_hub(waits, 8) == (here, 8)  # where we are already


def test_what_fails_in_the_event_loop_fails_in_the_thread() -> None:
    pool = Pool(1)
    with pytest.raises(ZeroDivisionError):
        pool.run(pool.in_hub, divmod, 1, 0)
    with pytest.raises(TimeoutError, match=r"took longer than 0\.01 s"):
        pool.run(lambda: pool.in_hub(gevent.event.Event().wait, 0.1, deadline=0.01))
