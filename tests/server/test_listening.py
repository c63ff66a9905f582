import pytest

from opensips_py.errors import ConfigError
from opensips_py.script.diagnostics import Place
from opensips_py.script.tree import Socket
from opensips_py.server import listening
from opensips_py.server.boot import BoundListener
from opensips_py.transport import interfaces

PLACE = Place.__new__(Place)


def made(protocol, host, port=0, **more):
    return Socket(PLACE, protocol=protocol, host=host, port=port, **more)


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A machine with a loopback, one network card, and a card without an address."""
    monkeypatch.setattr(interfaces, "machine_addresses",
                        lambda: [("lo", "127.0.0.1"), ("lo", "::1"), ("eth0", "192.0.2.5")])


def bound(sockets, protocols=("udp", "tcp"), **values):
    return [(each.protocol, each.host, each.port) for each in listening.listeners(sockets, values, protocols)]


def test_addresses_get_the_port_of_their_protocol():
    assert bound([made("udp", "127.0.0.1"), made("tcp", "::1"), made("udp", "127.0.0.1", 5080)]) == [
        ("udp", "127.0.0.1", 5060), ("tcp", "::1", 5060), ("udp", "127.0.0.1", 5080)]
    assert bound([made("udp", "127.0.0.1")], port=5070) == [("udp", "127.0.0.1", 5070)]


def test_interfaces_stars_and_names_stand_for_addresses():
    assert bound([made("udp", "lo")]) == [("udp", "127.0.0.1", 5060), ("udp", "::1", 5060)]
    assert bound([made("udp", "*")]) == [
        ("udp", "127.0.0.1", 5060), ("udp", "::1", 5060), ("udp", "192.0.2.5", 5060)]
    assert ("udp", "127.0.0.1", 5060) in bound([made("udp", "localhost")])


def test_a_socket_without_a_protocol_has_all_and_ranges_have_every_port():
    assert bound([made("", "127.0.0.1", 5060, last_port=5061)]) == [
        ("udp", "127.0.0.1", 5060), ("udp", "127.0.0.1", 5061), ("tcp", "127.0.0.1", 5060), ("tcp", "127.0.0.1", 5061)]


def test_no_socket_is_every_address():
    assert bound([], ("udp",)) == [("udp", "127.0.0.1", 5060), ("udp", "192.0.2.5", 5060)]


def test_an_address_is_bound_once():
    assert bound([made("udp", "127.0.0.1"), made("udp", "lo")]) == [("udp", "127.0.0.1", 5060), ("udp", "::1", 5060)]


def test_a_socket_that_is_there_twice_is_the_first_one():
    (only,) = listening.listeners([made("udp", "127.0.0.1", tag="inside"), made("udp", "127.0.0.1")], {}, ["udp"])
    assert only.tag == "inside"


def test_what_a_socket_advertises_goes_before_what_all_do():
    own = made("udp", "127.0.0.1", advertised_host="sip.example.com", advertised_port=5099, tag="inside")
    first, second = listening.listeners([own, made("udp", "127.0.0.1", 5061)],
                                        {"advertised_address": "other.example.com", "advertised_port": 1}, ["udp"])
    assert (first.advertised_host, first.advertised_port, first.tag) == ("sip.example.com", 5099, "inside")
    assert (second.advertised_host, second.advertised_port) == ("other.example.com", 1)


@pytest.mark.parametrize("socket, words", [
    (made("udp", "no.such.host.invalid"), "no address, interface or name"),
    (made("tls", "127.0.0.1"), "no loaded module speaks tls")])
def test_what_cannot_be_bound_is_named(socket, words):
    with pytest.raises(ConfigError, match=words):
        bound([socket])


def test_the_largest_number_of_workers_counts():
    udp, tcp = BoundListener("udp", "", 0), BoundListener("tcp", "", 0)
    values = {"udp_workers": 4, "tcp_workers": 9}
    assert listening.workers_asked([], values, [udp]) == 4
    assert listening.workers_asked([], values, [udp, tcp]) == 9
    assert listening.workers_asked([made("udp", "x", workers=12)], values, [udp, tcp]) == 12
