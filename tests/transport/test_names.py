"""What counts as ours."""
from __future__ import annotations

import pytest

from opensips_py.transport import Listener
from opensips_py.transport.names import Names


@pytest.fixture
def names() -> Names:
    made = Names()
    made.add_listener(Listener("udp", "192.0.2.1", 5060, "sip.example.com", 5080))
    made.add_listener(Listener("tcp", "2001:db8::1", 5060, hostname="host.example.com"))
    made.add("alias.example.com")
    made.add("tcp-only.example.com", 5062, "tcp")
    made.add("example.org", 5060, "udp", subdomains=True)
    return made


@pytest.mark.parametrize("what", [
    ("192.0.2.1", 5060, "udp"), ("192.0.2.1", 0, ""), ("sip.example.com", 5080, "udp"), ("SIP.example.COM.", 0, ""),
    ("[2001:DB8:0::1]", 5060, "tcp"), ("2001:db8::1", 5060, ""), ("host.example.com", 5060, "tcp"),
    ("alias.example.com", 1234, "tls"), ("tcp-only.example.com", 5062, "tcp"), ("a.b.example.org", 5060, "udp"),
    ("example.org", 0, "")])
def test_ours(names: Names, what: tuple[str, int, str]) -> None:
    assert names.is_local(*what)


@pytest.mark.parametrize("what", [
    ("192.0.2.1", 5061, "udp"), ("192.0.2.1", 5060, "tcp"), ("192.0.2.2", 5060, "udp"), ("sip.example.com", 5060, ""),
    ("tcp-only.example.com", 5062, "udp"), ("tcp-only.example.com", 5060, "tcp"), ("x.alias.example.com", 0, ""),
    ("a.example.org", 5061, ""), ("notexample.org", 5060, "udp"), ("org", 0, ""), ("", 0, "")])
def test_not_ours(names: Names, what: tuple[str, int, str]) -> None:
    assert not names.is_local(*what)
