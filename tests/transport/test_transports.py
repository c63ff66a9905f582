"""Which listener a message leaves by."""
from __future__ import annotations

import socket

import pytest

from opensips_py.sip import address_key
from opensips_py.transport import Listener, Target, Transports, is_loopback
from tests.transport.conftest import World

FAR, NEAR = address_key("192.0.2.200", 5060), address_key("127.0.0.9", 5060)
FAR6, NEAR6 = address_key("2001:db8::9", 5060), address_key("::1", 5060)


@pytest.fixture
def transports(world: World) -> Transports:
    """Listeners as on a host with two networks; nothing is sent, so none of them has to exist."""
    for each in (Listener("udp", "127.0.0.1", 5060), Listener("udp", "192.0.2.1", 5060),
                 Listener("udp", "198.51.100.1", 5060), Listener("tcp", "192.0.2.1", 5060),
                 Listener("udp", "::1", 5060), Listener("udp", "2001:db8::1", 5060)):
        each.index = len(world.transports.listeners)
        world.transports.listeners.append(each)
    return world.transports


@pytest.mark.parametrize(("protocol", "address", "expected"), [
    ("udp", FAR, "udp:192.0.2.1:5060"), ("udp", NEAR, "udp:127.0.0.1:5060"), ("tcp", NEAR, "tcp:192.0.2.1:5060"),
    ("udp", FAR6, "udp:[2001:db8::1]:5060"), ("udp", NEAR6, "udp:[::1]:5060"), ("tcp", FAR6, "None"),
    ("tls", FAR, "None")])
def test_the_first_that_can_get_there(transports: Transports, protocol: str, address: int, expected: str) -> None:
    assert str(transports.choose_listener(protocol, address)) == expected


@pytest.mark.parametrize(("preferred", "protocol", "address", "expected"), [
    (2, "udp", FAR, "udp:198.51.100.1:5060"), (2, "udp", NEAR, "udp:198.51.100.1:5060"),
    (0, "udp", FAR, "udp:192.0.2.1:5060"), (2, "tcp", FAR, "tcp:192.0.2.1:5060"),
    (2, "udp", FAR6, "udp:[2001:db8::1]:5060")])
def test_a_preferred_one_where_it_can(transports: Transports, preferred: int, protocol: str, address: int,
                                      expected: str) -> None:
    assert str(transports.choose_listener(protocol, address, transports.listeners[preferred])) == expected


def test_multihomed_the_kernel_decides(transports: Transports) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("127.0.0.9", 5060))
        host = probe.getsockname()[0]
    transports.listeners[0].host = "203.0.113.1"
    assert str(transports.choose_listener("udp", NEAR)) == "udp:127.0.0.1:5060"
    transports.settings.mhomed = True
    transports.listeners[2].host = host
    assert transports.choose_listener("udp", NEAR) is transports.listeners[2]
    first, chosen, elsewhere = transports.listeners[:3]
    assert transports.choose_listener("udp", NEAR, None, first) is elsewhere  # also from where the request came
    assert transports.choose_listener("udp", NEAR, chosen, first) is chosen  # but not from where the script wants it
    transports.settings.mhomed = False
    assert transports.choose_listener("udp", NEAR, None, first) is first


@pytest.mark.parametrize(("host", "expected"), [
    ("127.0.0.1", True), ("127.255.1.2", True), ("128.0.0.1", False), ("10.127.0.1", False), ("::1", True),
    ("::2", False), ("2001:db8::1", False)])
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(address_key(host, 5060)) == expected


def test_targets_are_the_same_where_they_lead_to_the_same_address() -> None:
    assert Target("udp", FAR) == Target("udp", FAR, host="a") != Target("tcp", FAR)
    assert len({Target("udp", FAR), Target("udp", FAR, host="a")}) == 1
    assert str(Target("udp", FAR6)) == "udp:[2001:db8::9]:5060"
