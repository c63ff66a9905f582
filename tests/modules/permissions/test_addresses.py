"""The table of addresses, without the database that it comes from."""
import random
from ipaddress import ip_address

import pytest

from opensips_py.module import Pattern
from opensips_py.modules.permissions.addresses import Addresses, Entry, entry


def row(group, ip, mask, port=0, protocol="any", pattern=None, info=None):
    return entry(group, ip, mask, port, protocol, pattern, info)


TABLE = Addresses([
    row(1, "192.0.2.1", 32, info="host"), row(1, "192.0.2.0", 24, info="net"), row(1, "0.0.0.0", 0, 5080, info="all"),
    row(2, "192.0.2.1", 32, 5061, "tls", info="tls"), row(3, "2001:db8::", 32, info="six"),
    row(4, "198.51.100.7", 32, protocol="none"), row(5, "198.51.100.0", 30, pattern="^*"), row(6, "203.0.113.5", 24)])


@pytest.mark.parametrize(("group", "ip", "port", "protocol", "info"), [
    (1, "192.0.2.1", 5060, "udp", "host"), (1, "192.0.2.2", 5060, "udp", "net"), (1, "10.0.0.1", 5060, "udp", None),
    (1, "10.0.0.1", 5080, "udp", "all"), (1, "10.0.0.1", 0, "udp", "all"), (2, "192.0.2.1", 5061, "TLS", "tls"),
    (2, "192.0.2.1", 5061, "ANY", "tls"), (2, "192.0.2.1", 5061, "udp", None), (2, "192.0.2.1", 5060, "tls", None),
    (2, "192.0.2.2", 5061, "tls", None), (3, "2001:db8:1::7", 1, "tcp", "six"), (3, "[2001:db8::7]", 1, "tcp", "six"),
    (3, "2001:db9::", 1, "tcp", None), (0, "192.0.2.1", 5061, "tls", "host"), (0, "2001:db8::1", 1, "udp", "six"),
    (1, "::ffff:192.0.2.1", 5060, "udp", "host"), (9, "192.0.2.1", 5060, "udp", None)])
def test_looking_up(group, ip, port, protocol, info):
    found = TABLE.find(group, ip, port, protocol)
    assert (found.info if found else None) == info


def test_protocol_none_is_never_met():
    assert TABLE.find(4, "198.51.100.7", 0, "any") is None


def test_bits_behind_the_mask_do_not_count():
    assert TABLE.find(6, "203.0.113.99", 1, "udp").group == 6


def test_patterns_of_files_and_of_posix():
    wild = Addresses([row(1, "192.0.2.1", 32, pattern="gw-[0-9]*")])
    assert wild.find(1, "192.0.2.1", 1, "udp", "gw-7x") and not wild.find(1, "192.0.2.1", 1, "udp", "a gw-7")
    assert wild.find(1, "192.0.2.1", 1, "udp")  # whoever has no text to hold against it does not care
    posix = Addresses([entry(1, "192.0.2.1", 32, 0, "any", "^gw-[0-9]+$", None, Pattern)])
    assert posix.find(1, "192.0.2.1", 1, "udp", "gw-77") and not posix.find(1, "192.0.2.1", 1, "udp", "gw-7x")


@pytest.mark.parametrize("wrong", [
    {"ip": "192.0.2"}, {"mask": 33}, {"mask": -1}, {"port": 65536}, {"port": -1}, {"protocol": "pigeon"}, {"group": -1},
    {"ip": "host.example.com"}])
def test_rows_that_cannot_be(wrong):
    given = {"group": 1, "ip": "192.0.2.1", "mask": 32, "port": 0, "protocol": "any", "pattern": None, "info": None}
    with pytest.raises(ValueError):
        entry(**{**given, **wrong})
    with pytest.raises(ValueError):
        entry(1, "192.0.2.1", 32, 0, "any", "(", None, Pattern)


def test_an_address_that_is_none_is_an_error():
    with pytest.raises(ValueError):
        TABLE.find(1, "somewhere", 0, "udp")


def test_hosts_and_networks_are_told_apart():
    assert {each.info for each in TABLE.hosts()} == {"host", "tls", None} and len(TABLE) == 8
    assert {str(each.network) for each in TABLE.subnets()} == {
        "192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "198.51.100.0/30", "203.0.113.0/24"}


def test_it_finds_what_looking_at_every_row_finds():
    dice = random.Random(7)
    rows = []
    for _ in range(300):
        length = dice.choice([0, 8, 12, 16, 20, 24, 28, 32])
        rows.append(row(dice.randrange(1, 5), str(ip_address(dice.getrandbits(32) & 0x0F0FFFFF)), length,
                        dice.choice([0, 5060]), dice.choice(["any", "udp", "tcp"])))
    table = Addresses(rows)

    def slowly(group, ip, port, protocol):
        fitting = [each for each in rows if group in (0, each.group) and ip_address(ip) in each.network
                   and each.fits(port, protocol, None)]
        return max((each.network.prefixlen for each in fitting), default=None)
    for _ in range(500):
        asked = (dice.randrange(0, 5), str(ip_address(dice.getrandbits(32) & 0x0F0FFFFF)), dice.choice([5060, 5070]),
                 dice.choice(["udp", "tcp", "tls"]))
        found = table.find(*asked)
        assert (found.network.prefixlen if found else None) == slowly(*asked)


def test_an_empty_table_finds_nothing():
    assert Addresses().find(0, "192.0.2.1", 0, "any") is None and isinstance(TABLE.entries[0], Entry)
