import errno
import socket

import pytest

from opensips_py.errors import ConfigError
from opensips_py.server import sockets
from opensips_py.server.boot import BoundListener


@pytest.fixture
def bind():
    groups = []

    def bind(protocol, host="127.0.0.1", port=0, workers=2):
        listener = BoundListener(protocol, host, port)
        groups.append(sockets.bind(listener, workers))
        return listener, groups[-1]
    yield bind
    sockets.close(groups)


@pytest.mark.parametrize("protocol, host", [("udp", "127.0.0.1"), ("tcp", "127.0.0.1"), ("udp", "::1")])
def test_every_worker_has_a_socket_of_the_same_address(bind, protocol, host):
    listener, group = bind(protocol, host, workers=3)
    assert {each.getsockname()[:2] for each in group} == {(host, listener.port)}
    assert len({each.fileno() for each in group}) == 3
    assert all(each.gettimeout() == 0 for each in group)


def test_datagrams_reach_one_of_them(bind):
    listener, group = bind("udp")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for number in range(20):
            client.sendto(b"%d" % number, ("127.0.0.1", listener.port))
    received = 0
    for each in group:
        while True:
            try:
                each.recv(10)
                received += 1
            except BlockingIOError:
                break
    assert received == 20


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_a_port_that_another_server_shares_is_in_use(bind, protocol):
    listener, _ = bind(protocol)
    with pytest.raises(ConfigError, match=f"{protocol}:127.0.0.1:{listener.port}: the port is in use"):
        bind(protocol, port=listener.port)


def test_an_address_of_another_machine_is_named(bind):
    with pytest.raises(ConfigError, match="this machine has no such address"):
        bind("udp", "192.0.2.77")


def test_no_permission_is_named():
    words = sockets.reason(OSError(errno.EACCES, "x"), BoundListener("udp", "127.0.0.1", 80))
    assert words.startswith("udp:127.0.0.1:80: no permission to bind it")
