"""Core parameters arrive where they work."""
from types import SimpleNamespace

import dns.name
import pytest

from opensips_py import __version__
from opensips_py.script import globals, tree
from opensips_py.server import core_settings
from opensips_py.transaction import Settings as TransactionSettings
from opensips_py.transport import Answer, Listener, Settings
from opensips_py.transport.names import Names
from tests.transaction.world import Network

GIVEN = {"tos": 184, "mhomed": True, "mcast_loopback": True, "mcast_ttl": 3, "maxbuffer": 300000,
         "tcp_accept_aliases": True, "tcp_connect_timeout": 250, "tcp_connection_lifetime": 60,
         "tcp_max_connections": 7, "tcp_max_msg_time": 9, "tcp_keepalive": False, "tcp_keepcount": 1,
         "tcp_keepidle": 2, "tcp_keepinterval": 5}
EXPECTED = {"tos": 184, "mhomed": True, "multicast_loopback": True, "multicast_ttl": 3, "receive_buffer": 300000,
            "tcp_accept_aliases": True, "tcp_connect_timeout": 0.25, "tcp_connection_lifetime": 60.0,
            "tcp_max_connections": 7, "tcp_max_message_time": 9.0, "tcp_keepalive": False, "tcp_keepcount": 1,
            "tcp_keepidle": 2, "tcp_keepinterval": 5}


@pytest.fixture
def values():
    return globals.defaults("4.0")


def test_transports_follow_the_core_parameters(values):
    settings = Settings()
    core_settings.apply_to_transports(settings, {**values, **GIVEN})
    assert {name: getattr(settings, name) for name in EXPECTED} == EXPECTED


def test_a_resolver_that_is_at_work_follows_too(values):
    found = core_settings.resolver(Network(), values)
    records = found.records
    core_settings.apply_to_resolver(found, {**values, "dns_try_ipv6": not found.try_ipv6, "dns_retr_time": 11,
                                            "dns_try_naptr": not found.try_naptr, "dns_retr_no": 4,
                                            "execdnsthreshold": 20000})
    assert found.records is records  # with what it knows
    assert (found.try_ipv6, found.try_naptr) == (not values["dns_try_ipv6"], not values["dns_try_naptr"])
    assert (records.name_servers.timeout, records.name_servers.attempts) == (11, 4)
    assert records.threshold == 0.02


class Transports:
    """What takes names."""

    def __init__(self):
        self.names = Names()


def test_aliases_are_names_of_ours(values):
    transports = Transports()
    core_settings.aliases(transports, [
        tree.Socket(None, "udp", "sip.example.com", 5070), tree.Socket(None, "any", "other.example.com", 0)])
    assert transports.names.is_local("sip.example.com", 5070, "udp")
    assert not transports.names.is_local("sip.example.com", 5071, "udp")
    assert transports.names.is_local("other.example.com", 5060, "tcp")
    assert not transports.names.is_local("third.example.com", 5060, "tcp")


@pytest.mark.parametrize(("given", "expected"), [
    ({}, f"Server: OpenSIPS-py ({__version__})\r\n".encode()), ({"server_header": "Server: Mine"}, b"Server: Mine\r\n"),
    ({"server_signature": False}, b"")])
def test_the_server_header_is_as_the_script_has_it(values, given, expected):
    assert core_settings.signature({**values, **given}, "Server", "server_header") == expected


def test_names_that_the_dns_has_for_our_addresses_are_ours():
    asked = []

    def lookup(name, kind):
        asked.append((name, kind))
        return Answer([SimpleNamespace(target=dns.name.from_text("edge.example.com."))])

    listeners = [Listener("udp", "192.0.2.9", 5060), Listener("udp", "127.0.0.1", 5060)]
    transports = SimpleNamespace(listeners=listeners, names=Names())
    core_settings.aliases_by_dns(transports, SimpleNamespace(lookup=lookup))
    assert asked == [("9.2.0.192.in-addr.arpa", "PTR")]
    assert transports.names.is_local("edge.example.com", 5060, "udp")


def test_transactions_follow_the_core_parameters(values):
    settings = TransactionSettings()
    given = {"disable_503_translation": True, "sip_warning": True, "user_agent_header": "User-Agent: Mine",
             "tcp_no_new_conn_bflag": "stay", "tcp_no_new_conn_rplflag": "keep", "disable_dns_failover": True}
    core_settings.apply_to_transactions(settings, {**values, **given}, lambda scope, name: {"stay": 2, "keep": 3}[name])
    assert (settings.translate_503, settings.warns, settings.request_headers, settings.dns_failover) == (
        False, True, b"User-Agent: Mine\r\n", False)
    assert (settings.stay_connected_branch, settings.stay_connected_reply) == (4, 8)
