"""Signals as a queue."""
import os
import signal
from multiprocessing.connection import wait

import pytest

from opensips_py.server.signals import Signals


@pytest.fixture
def signals():
    made = Signals()
    yield made
    made.close()


def test_each_is_taken_once_in_the_order_of_their_coming(signals):
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGHUP):
        os.kill(os.getpid(), number)
    assert wait([signals.fd], 5)
    assert signals.take() == [signal.SIGHUP, signal.SIGUSR1]
    assert signals.take() == [] and not wait([signals.fd], 0)


def test_the_old_handlers_come_back():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGPIPE)
    made = Signals()
    assert signal.getsignal(signal.SIGPIPE) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) is not before[0]
    made.close()
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGPIPE)) == before
