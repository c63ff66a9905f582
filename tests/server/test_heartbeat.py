import os
import time

import pytest

from opensips_py.server.heartbeat import Pulse, stuck

SECOND = 10**9


@pytest.fixture
def pulse():
    fd = Pulse.create(3)
    pulse = Pulse(fd, 3)
    yield pulse
    pulse.close()
    os.close(fd)


def beaten(pulse, *indices):
    for index in indices:
        pulse.beat(index)
    return time.monotonic_ns()


def test_only_the_silent_is_stuck(pulse):
    now = beaten(pulse, 0, 1)
    assert [pulse.has_begun(index) for index in range(3)] == [True, True, False]
    assert stuck(pulse, [0, 1, 2], now) == []  # 2 has not begun: nothing is known of it
    assert stuck(pulse, [0, 1], now + 2 * SECOND) == [0, 1]
    assert stuck(pulse, [1], now + 2 * SECOND) == [1]


def test_the_writer_goes_first_and_later(pulse):
    now = beaten(pulse, 0, 1)
    pulse.set_writing(1, True)
    assert stuck(pulse, [0, 1], now + 2 * SECOND) == []
    assert stuck(pulse, [0, 1], now + 6 * SECOND) == [1]
    pulse.clear(1)
    assert stuck(pulse, [0, 1], now + 6 * SECOND) == [0]


def test_one_that_has_just_begun_may_be_held_up_for_longer(pulse):
    now = beaten(pulse, 0, 1)
    assert stuck(pulse, [0, 1], now + 4 * SECOND, [1]) == [0]
    assert stuck(pulse, [0, 1], now + 6 * SECOND, [1]) == [0, 1]
    pulse.set_writing(1, True)
    assert stuck(pulse, [0, 1], now + 4 * SECOND, [1]) == [0], "it keeps nobody waiting yet"


def test_two_processes_see_the_same_words():
    fd = Pulse.create(1)
    ours, theirs = Pulse(fd, 1), Pulse(fd, 1)
    now = beaten(theirs, 0)
    assert 0 <= ours.silence(0, now + SECOND) <= 1.01
    assert ours.silence(0, now + SECOND) > 0
    ours.close()
    theirs.close()
    os.close(fd)
