"""Listeners that come and go while the others work."""
from __future__ import annotations

import socket

import gevent
import pytest

from opensips_py.transport import Listener, bind
from tests.transport.conftest import World, until


def sent(port: int, data: bytes = b"a datagram that is long enough") -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(data, ("127.0.0.1", port))


def coming(world: World, protocol: str = "udp", number: int = 7) -> Listener:
    listener = Listener(protocol, "127.0.0.1", 0)
    world.transports.reserve(listener, bind(listener).detach(), number)
    return listener


@pytest.fixture
def running(world: World) -> World:
    world.listen("udp")
    world.listen("tcp")
    world.transports.loop_end.start()
    world.transports.start()
    return world


def test_one_that_is_reserved_is_known_by_number_alone(running: World) -> None:
    made, transports = coming(running), running.transports
    assert transports.numbered[7] is made and made not in transports.listeners
    assert not transports.is_local("127.0.0.1", made.port)
    sent(made.port)
    gevent.sleep(0.02)
    assert running.datagrams == [], "it is read already"
    transports.admit_reserved()
    until(lambda: running.datagrams)
    assert made in transports.listeners and transports.is_local("127.0.0.1", made.port, "udp")


def test_one_that_is_given_up_leaves_its_port(running: World) -> None:
    made = coming(running)
    running.transports.forget_reserved()
    assert 7 not in running.transports.numbered and 7 not in running.transports.datagrams
    bind(Listener("udp", "127.0.0.1", made.port), reuse_port=False).close()
    running.transports.admit_reserved()
    assert made not in running.transports.listeners


def test_one_that_is_retired_goes_on_until_it_is_closed(running: World) -> None:
    transports = running.transports
    old = transports.listeners[0]
    other = running.listen("udp", "127.0.0.2")
    retired = transports.retire([old.index, 99])
    assert old not in transports.listeners and transports.choose_listener("udp", other.address) is other
    sent(old.port)
    until(lambda: running.datagrams)
    assert transports.is_local("127.0.0.1", old.port, "udp"), "its calls still name it"
    transports.close_retired(retired)
    assert not transports.is_local("127.0.0.1", old.port, "udp") and old.index not in transports.numbered
    bind(Listener("udp", "127.0.0.1", old.port), reuse_port=False).close()


def test_a_stream_listener_takes_no_new_connection(running: World) -> None:
    transports = running.transports
    old = transports.listeners[1]
    with socket.socket() as one, socket.socket() as late:
        one.connect(("127.0.0.1", old.port))
        until(lambda: list(transports.connections()))
        transports.close_retired(transports.retire([old.index]))
        gevent.sleep(0)
        assert [each.is_open for each in transports.connections()] == [True]
        with pytest.raises(ConnectionRefusedError):
            late.connect(("127.0.0.1", old.port))


def test_one_that_comes_back_in_time_is_not_closed(running: World) -> None:
    transports = running.transports
    old = transports.listeners[0]
    retired = transports.retire([old.index])
    again = bind(Listener("udp", "127.0.0.1", 0)).detach()  # another descriptor of its socket, in life
    transports.reserve(Listener("udp", "127.0.0.1", old.port), again, old.index)
    transports.forget_reserved()
    assert old.index in transports.numbered, "a reload that was given up closed what rests"
    another = bind(Listener("udp", "127.0.0.1", 0)).detach()
    transports.reserve(Listener("udp", "127.0.0.1", old.port), another, old.index)
    transports.admit_reserved()
    transports.close_retired(retired)
    assert transports.listeners.count(old) == 1
    sent(old.port)
    until(lambda: running.datagrams)
    transports.retire([old.index])
    transports.close_retired(retired)
    assert old.index in transports.numbered, "the end of the first rest has ended the second one"


def test_what_others_are_called_by_too_stays_ours(running: World) -> None:
    transports = running.transports
    one = running.listen("udp", "127.0.0.3", advertised_host="proxy.example", advertised_port=5060)
    two = running.listen("udp", "127.0.0.4", advertised_host="proxy.example", advertised_port=5060)
    transports.close_retired(transports.retire([one.index]))
    assert transports.is_local("proxy.example", 5060) and not transports.is_local("127.0.0.3")
    transports.close_retired(transports.retire([two.index]))
    assert not transports.is_local("proxy.example", 5060)
