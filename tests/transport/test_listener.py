"""Listeners as scripts write them."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.sip import address_key
from opensips_py.transport import Listener, parse
from opensips_py.transport.via import ADVERTISED_HOST, ADVERTISED_PORT, sent_by, uri_host


def uris(text: str) -> list[str]:
    return [each.uri_text for each in parse(text).expand()]


@pytest.mark.parametrize(("text", "expected"), [
    ("udp:127.0.0.1:5060", ["udp:127.0.0.1:5060"]),
    ("UDP:127.0.0.1", ["udp:127.0.0.1:5060"]),
    ("tls:127.0.0.1", ["tls:127.0.0.1:5061"]),
    ("tcp:[::1]:5062", ["tcp:[::1]:5062"]),
    ("tcp:::1", ["tcp:[::1]:5060"]),
    ("udp:127.0.0.1:5060-5062", ["udp:127.0.0.1:5060", "udp:127.0.0.1:5061", "udp:127.0.0.1:5062"]),
])
def test_addresses(text: str, expected: list[str]) -> None:
    assert uris(text) == expected


@pytest.mark.parametrize(("listener", "expected"), [
    (Listener("udp", "192.0.2.9", 5060), "192.0.2.9"), (Listener("tcp", "::1", 5060), "[::1]"),
    (Listener("udp", "192.0.2.9", 5070), "192.0.2.9:5070"), (Listener("tls", "192.0.2.9", 5060), "192.0.2.9:5060"),
    (Listener("udp", "192.0.2.9", 5060, "sip.example.com"), "sip.example.com"),
    (Listener("udp", "192.0.2.9", 5060, "sip.example.com", 5060), "sip.example.com:5060")])
def test_a_port_that_goes_without_saying_is_not_in_uris(listener: Listener, expected: str) -> None:
    assert listener.uri_host == uri_host(listener, None) == expected
    said = uri_host(listener, {ADVERTISED_HOST: "203.0.113.1"})
    assert said == expected.replace(sent_by(listener, None).rpartition(":")[0], "203.0.113.1")
    assert uri_host(listener, {ADVERTISED_PORT: 5060}).endswith(":5060")


def test_an_interface_stands_for_its_addresses() -> None:
    assert "udp:127.0.0.1:5070" in uris("udp:lo:5070")


def test_a_wildcard_stands_for_every_address_of_the_machine() -> None:
    everything = uris("udp:*:5070")
    assert set(uris("udp:lo:5070")) <= set(everything)
    assert uris("udp:0.0.0.0:5070") == [uri for uri in everything if "[" not in uri]
    assert uris("udp:[::]:5070") == [uri for uri in everything if "[" in uri]


def test_a_name_is_kept_beside_its_address() -> None:
    found = parse("udp:localhost:5070").expand()
    assert {each.hostname for each in found} == {"localhost"}
    assert "udp:127.0.0.1:5070" in [each.uri_text for each in found]


def test_what_we_call_ourselves() -> None:
    plain = Listener("udp", "127.0.0.1", 5060)
    assert plain.via_prefix == b"Via: SIP/2.0/UDP 127.0.0.1:5060;branch="
    assert plain.address == address_key("127.0.0.1", 5060)
    advertised = parse("tcp:[::1]:5060 as [2001:db8::1]:5080 tag outside").expand()[0]
    assert advertised.via_prefix == b"Via: SIP/2.0/TCP [2001:db8::1]:5080;branch="
    assert (advertised.name, advertised.uri_text) == ("outside", "tcp:[::1]:5060")
    assert parse("udp:127.0.0.1:5062 as sip.example.com").expand()[0].sent_by == "sip.example.com:5062"


def test_options() -> None:
    assert parse("udp:127.0.0.1:5060 frag use_workers 3 tos 16 anycast").options == {
        "frag": True, "workers": 3, "tos": 16, "anycast": True}


@pytest.mark.parametrize("text", [
    "", "127.0.0.1", "foo:127.0.0.1", "udp:", "udp:127.0.0.1:x", "udp:127.0.0.1:99999", "udp:127.0.0.1:5060 as",
    "udp:127.0.0.1 use_workers many", "udp:127.0.0.1 nonsense"])
def test_what_is_no_listener_says_so(text: str) -> None:
    with pytest.raises(ConfigError):
        parse(text)


def test_a_name_that_nobody_knows_says_so() -> None:
    with pytest.raises(ConfigError, match=r"no address, interface or name"):
        parse("udp:does-not-exist.invalid:5060").expand()
