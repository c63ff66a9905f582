"""Bonds: their members, and the one that a destination takes."""
import pytest

from opensips_py.sip import address_key
from opensips_py.transport.bonds import BOND, Bond, bond, meant
from opensips_py.transport.listener import Listener
from opensips_py.transport.transports import Transports

UDP, TCP = Listener("udp", "192.0.2.1", 5060), Listener("tcp", "192.0.2.1", 5062)
SIX, LOOPBACK = Listener("udp", "2001:db8::1", 5060), Listener("udp", "127.0.0.1", 5060)
ALL = [UDP, TCP, SIX, LOOPBACK]


@pytest.mark.parametrize(("text", "found"), [
    ("udp:192.0.2.1:5060", [UDP]), ("udp:192.0.2.1", [UDP]), ("tcp:192.0.2.1:5062", [TCP]), ("tcp:192.0.2.1", []),
    ("udp:[2001:db8::1]:5060", [SIX]), ("udp:192.0.2.9:5060", []), ("192.0.2.1:5060", []), ("nonsense", [])])
def test_a_member_names_a_listener(text, found):
    assert meant(text, ALL) == found


def test_a_bond_has_the_listeners_that_it_names():
    made = bond("out", ["tcp:192.0.2.1:5062", "udp:192.0.2.9:5060", "udp:192.0.2.1:5060"], ALL)
    assert made is not None
    assert (made.members, made.uri_text, made.protocol) == ([TCP, UDP], "bond:out", BOND)


def test_a_bond_of_nothing_is_none():
    assert bond("out", ["udp:192.0.2.9:5060"], ALL) is None


@pytest.mark.parametrize(("protocol", "host", "member"), [
    ("udp", "198.51.100.7", UDP), ("tcp", "198.51.100.7", TCP), ("udp", "2001:db8::7", SIX),
    ("udp", "127.0.0.9", UDP), ("tcp", "2001:db8::7", None)])
def test_a_destination_takes_the_member_that_leads_there(protocol, host, member):
    made = Bond("out", [UDP, TCP, SIX])
    transports = Transports.__new__(Transports)
    key = address_key(host, 5060)
    assert transports._of_bond(made, protocol, ":" in host, host.startswith("127.")) is member
    if member is not None:
        assert transports.choose_listener(protocol, key, made) is member
