"""What the runners promise: order, isolation, and that only what waits is parked."""
import gevent
import pytest
from gevent.event import Event

from opensips_py.server.runners import Runners


@pytest.fixture
def runners():
    return Runners(limit=3)


def wait_until(condition):
    with gevent.Timeout(5):
        while not condition():
            gevent.sleep(0)


def test_work_runs_in_order_without_a_second_greenlet(runners):
    seen = []
    for number in range(5):
        runners.submit(seen.append, number)
    wait_until(lambda: len(seen) == 5)
    assert seen == [0, 1, 2, 3, 4]
    assert (runners.total, runners.parked) == (1, 0)


def test_parked_work_does_not_hold_up_the_rest(runners):
    gate, seen = Event(), []

    def waits(name):
        gate.wait()
        seen.append(name)

    runners.submit(waits, "slow")
    runners.submit(seen.append, "fast")
    wait_until(lambda: seen == ["fast"])
    assert runners.parked == 1
    gate.set()
    wait_until(lambda: seen == ["fast", "slow"])
    wait_until(lambda: runners.parked == 0)


def test_an_error_is_logged_and_the_runner_goes_on(runners, caplog):
    seen = []
    runners.submit(lambda _: 1 / 0)
    runners.submit(seen.append, "next")
    wait_until(lambda: seen)
    assert "ZeroDivisionError" in caplog.text
    assert runners.total == 1


def test_a_stray_timeout_ends_its_runner_alone(runners, caplog):
    seen = []

    def stray(_):
        raise gevent.Timeout(1)

    runners.submit(stray)
    runners.submit(seen.append, "next")
    wait_until(lambda: seen)
    assert "a runner ended" in caplog.text
    assert runners.total == 1


def test_work_over_the_limit_is_refused(runners):
    gate, refused, seen = Event(), [], []

    def refuse(argument):
        if isinstance(argument, int):
            refused.append(argument)
        return isinstance(argument, int)

    runners.refused = refuse
    for number in range(5):
        runners.submit(lambda number: gate.wait(), number)
    runners.submit(seen.append, "timer")
    wait_until(lambda: seen == ["timer"])  # it has to run: it may be what the others wait for
    assert refused == [3, 4]
    assert runners.parked == 3
    gate.set()
    wait_until(lambda: runners.parked == 0)


def test_work_queued_by_a_resumed_runner_is_run(runners):
    gate, seen = Event(), []

    def waits(_):
        gate.wait()
        runners.submit(seen.append, "queued later")
        gevent.sleep(0.01)

    runners.submit(waits)
    wait_until(lambda: runners.parked == 1)
    gate.set()
    wait_until(lambda: seen == ["queued later"])


def test_a_timeout_that_strikes_an_idle_runner_loses_no_work(runners, caplog):
    seen = []
    runners.submit(lambda _: gevent.Timeout(0.001).start())  # never closed: it strikes when its work is long over
    wait_until(lambda: "a runner ended" in caplog.text)
    runners.submit(seen.append, "next")
    wait_until(lambda: seen)
    assert (runners.total, runners.parked) == (1, 0)
