"""Addresses as integers."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensips_py.sip import address_host, address_key, address_port, is_ip


def test_ipv4_key_is_address_and_port():
    assert address_key("1.2.3.4", 5060) == (0x01020304 << 16) | 5060


def test_ipv6_key_has_its_own_range():
    assert address_key("[2001:db8::1]", 5061) == (1 << 144) | (0x20010DB8 << 112) | (1 << 16) | 5061


@given(st.ip_addresses(), st.integers(0, 65535))
def test_keys_give_back_host_and_port(ip, port):
    key = address_key(str(ip), port)
    assert address_key(address_host(key), address_port(key)) == key
    assert address_port(key) == port


@pytest.mark.parametrize("host", ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1..2.3", "example.com", "[1.2.3.4]", "[::1",
                                  "2001:db8", ":" * 80, "é"])
def test_names_are_no_addresses(host):
    assert not is_ip(host)
    with pytest.raises(ValueError):
        address_key(host, 5060)


def test_addresses_are_told_with_and_without_brackets():
    assert all(map(is_ip, ["10.0.0.1", "::1", "[::1]", "::ffff:192.0.2.1"]))
