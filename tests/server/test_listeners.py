"""Listeners of a running server: bound, added, removed, and back again."""

import pytest

from opensips_py.errors import ConfigError
from opensips_py.server import listeners as module
from opensips_py.server import sockets, worker
from opensips_py.server.boot import BoundListener
from opensips_py.server.listeners import Listeners


def udp(port=0):
    return BoundListener("udp", "127.0.0.1", port)


@pytest.fixture
def held():
    first = udp()
    made = Listeners([first], [sockets.bind(first, 2)], lambda each: sockets.bind(each, 2))
    yield made
    made.close()


def is_free(port):
    try:
        sockets.close([sockets.bind(udp(port), 1)])
    except ConfigError:
        return False
    return True


def test_one_that_is_added_has_a_socket_for_each_worker(held):
    new = udp()
    held.begin([new], [])
    assert held.listeners == held.listeners[:1] and not is_free(new.port)
    [(_, one)], [(_, other)] = held.coming(0), held.coming(1)
    assert one != other and new.number == 1
    held.commit()
    assert held.listeners[1] is new and len(held.groups) == 2 and held.coming(0) == []


def test_nothing_comes_of_what_is_cancelled(held):
    new = udp()
    held.begin([new], held.listeners)
    assert held.going() == [0]
    held.cancel()
    assert len(held.listeners) == 1 and held.going() == [] and is_free(new.port)


def test_one_that_cannot_be_bound_takes_the_others_back(held):
    new = udp()
    with pytest.raises(ConfigError, match="the port is in use"):
        held.begin([new, udp(held.listeners[0].port)], [])
    assert is_free(new.port) and held.coming(0) == []


def test_one_that_is_removed_is_closed_after_its_rest(held):
    port = held.listeners[0].port
    held.begin([], [udp(port)])
    held.commit()
    assert held.listeners == held.groups == [] and held.rests and not is_free(port)
    held.tick(0.0)
    assert held.rests
    held.tick(float("inf"))
    assert not held.rests and is_free(port)


def test_one_that_comes_back_has_its_sockets_again(held):
    old = held.listeners[0]
    held.begin([], [old])
    held.commit()
    back = udp(old.port)
    held.begin([back], [])
    held.cancel()
    assert held.rests and not is_free(old.port)
    held.begin([back], [])
    held.commit()
    assert back.number == 0 and held.listeners == [back] and not held.rests
    held.tick(float("inf"))
    assert not is_free(old.port)


def test_what_else_a_line_says(held):
    held.describe([BoundListener("udp", "127.0.0.1", held.listeners[0].port, "proxy.example", tag="x"), udp(1)])
    assert (held.listeners[0].advertised_host, held.listeners[0].tag) == ("proxy.example", "x")


def test_workers_read_less_long_than_the_sockets_rest():
    assert worker.DRAIN < module.RESTING


def test_a_trial_tells_of_ports_that_are_taken_and_binds_nothing(held):
    taken, port = sockets.bind(udp(), 1), udp()
    others = sockets.bind(port, 1)
    sockets.close([others])
    busy = udp(taken[0].getsockname()[1])
    assert held.trial([busy, port]) == [f"udp:127.0.0.1:{busy.port}: the port is in use by another program"]
    assert is_free(port.port)
    held.begin([], [held.listeners[0]])
    held.commit()
    assert held.trial([udp(held._resting[0][0].port)]) == []  # ours, and read for a moment more
    sockets.close([taken])
