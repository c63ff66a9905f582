"""Binding and adopting sockets."""
from __future__ import annotations

import os
import socket

import pytest

from opensips_py.errors import TransportError
from opensips_py.transport import Listener, adopt, bind


def test_workers_share_a_port_that_the_system_chose() -> None:
    listener = Listener("udp", "127.0.0.1", 0)
    with bind(listener) as first, bind(listener) as second:
        assert first.getsockname() == second.getsockname() == ("127.0.0.1", listener.port)
    assert str(listener.port) in listener.uri_text and str(listener.port).encode() in listener.via_prefix


def test_a_port_in_use_is_named() -> None:
    listener = Listener("tcp", "127.0.0.1", 0)
    with bind(listener, reuse_port=False), pytest.raises(TransportError, match=r"tcp:127.0.0.1:\d+: the port is in"):
        bind(listener, reuse_port=False)


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(TransportError, match="no such address"):
        bind(Listener("udp", "192.0.2.77", 5060))


def test_an_adopted_socket_has_its_options() -> None:
    listener = Listener("udp", "127.0.0.1", 0, options={"frag": True})
    bound = bind(listener)
    taken = adopt(bound.detach(), listener, tos=0x10, receive_buffer=300_000)
    assert taken.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == 0x10
    assert taken.getsockopt(socket.IPPROTO_IP, 10) == 0  # IP_MTU_DISCOVER: routers may fragment
    assert taken.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) >= 300_000
    assert not taken.getblocking() and not os.get_inheritable(taken.fileno())
    taken.close()


def test_the_type_of_service_of_a_listener_comes_first() -> None:
    for host, level, option in (("127.0.0.1", socket.IPPROTO_IP, socket.IP_TOS),
                                ("::1", socket.IPPROTO_IPV6, socket.IPV6_TCLASS)):
        listener = Listener("udp", host, 0, options={"tos": 0x20})
        taken = adopt(bind(listener).detach(), listener, tos=0x10)
        assert taken.getsockopt(level, option) == 0x20
        taken.close()


def test_an_inherited_socket_tells_its_port() -> None:
    bound = bind(Listener("udp", "127.0.0.1", 0))
    heir = Listener("udp", "127.0.0.1", 0)
    port = bound.getsockname()[1]
    adopt(bound.detach(), heir).close()
    assert heir.port == port
