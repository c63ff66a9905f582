"""RFC 3263 against name servers on loopback."""
from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import dns.rdata
import pytest

from opensips_py.sip import Uri
from opensips_py.transport import NameServers, Records, Resolver
from opensips_py.transport.resolver import ordered
from tests.transport.conftest import World
from tests.transport.name_server import NameServer

ZONE = """
@           300 SOA ns hostmaster 1 3600 600 86400 60
@           300 NAPTR 20 10 "s" "SIP+D2U" "" _sip._udp
@           300 NAPTR 10 20 "s" "SIP+D2T" "" _sip._tcp
@           300 NAPTR 10 10 "s" "SIPS+D2T" "" _sips._tcp
@           300 A 127.0.1.1
_sip._udp   300 SRV 20 0 5070 two
_sip._udp   300 SRV 10 0 5060 one
_sip._tcp   300 SRV 10 0 5062 one
one         300 A 127.0.0.11
pair        300 A 127.0.0.12
pair        300 A 127.0.0.13
two         300 A 127.0.0.21
both        300 A 127.0.0.31
both        300 AAAA ::1
alias       300 CNAME one
srvonly     300 A 127.0.0.41
_sip._tcp.srvonly 300 SRV 1 1 5099 one
nosuch      300 A 127.0.0.51
_sip._udp.nosuch 300 SRV 0 0 0 .
brief         0 A 127.0.0.61
plain       300 A 127.0.0.71
"""

Resolve = Callable[..., list[str]]


@pytest.fixture
def server() -> Iterator[NameServer]:
    made = NameServer(ZONE)
    yield made
    made.close()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def resolver(world: World, server: NameServer, clock: Clock) -> Resolver:
    world.listen("udp")
    world.listen("tcp")
    records = Records(NameServers([server.address], timeout=0.5, attempts=1), clock, hosts="/nonexistent")
    return Resolver(world.transports, records, chance=random.Random(1))


def found(resolver: Resolver, uri: str) -> list[str]:
    return [str(target) for target in resolver.resolve(Uri.parse(uri))]


def literal(resolver: Resolver, uri: str) -> str | None:
    target = resolver.literal(Uri.parse(uri))
    return None if target is None else str(target)


@pytest.mark.parametrize(("uri", "expected"), [
    ("sip:127.0.0.1", "udp:127.0.0.1:5060"),
    ("sip:bob@127.0.0.1:5080;transport=tcp", "tcp:127.0.0.1:5080"),
    ("sip:bob@[::1]:5080", "udp:[::1]:5080"),
    ("sip:bob@example.com;maddr=127.0.0.9;transport=TCP", "tcp:127.0.0.9:5060"),
    ("sip:bob@127.0.0.1;maddr=example.com", None),
    ("sips:bob@127.0.0.1", "tls:127.0.0.1:5061"),
    ("sips:bob@127.0.0.1:5071;transport=tcp", "tls:127.0.0.1:5071"),
    ("sip:example.com", None),
    ("tel:+123", None),
])
def test_addresses_need_no_dns(resolver: Resolver, server: NameServer, uri: str, expected: str | None) -> None:
    assert literal(resolver, uri) == expected
    assert server.asked == []


def test_default_ports_are_those_of_the_settings(resolver: Resolver, world: World) -> None:
    world.transports.settings.ports["tcp"] = 5065
    assert literal(resolver, "sip:127.0.0.1;transport=tcp") == "tcp:127.0.0.1:5065"
    assert found(resolver, "sip:plain.example.com;transport=tcp") == ["tcp:127.0.0.71:5065"]


def test_naptr_decides_the_protocol_then_srv_the_order(resolver: Resolver, server: NameServer) -> None:
    # TLS would be first, but no listener could send that.
    assert found(resolver, "sip:bob@example.com") == [
        "tcp:127.0.0.11:5062", "udp:127.0.0.11:5060", "udp:127.0.0.21:5070"]
    assert server.asked[0] == ("example.com", "NAPTR")


def test_without_naptr_every_protocol_we_have_is_tried(resolver: Resolver, server: NameServer) -> None:
    resolver.try_naptr = False
    assert found(resolver, "sip:bob@example.com")[0] == "udp:127.0.0.11:5060"
    assert ("example.com", "NAPTR") not in server.asked
    assert found(resolver, "sip:srvonly.example.com") == ["tcp:127.0.0.11:5099"]


def test_a_transport_parameter_skips_naptr(resolver: Resolver, server: NameServer) -> None:
    assert found(resolver, "sip:example.com;transport=udp") == [
        "udp:127.0.0.11:5060", "udp:127.0.0.21:5070"]
    assert {kind for _, kind in server.asked} == {"SRV", "A"}


def test_a_port_asks_for_addresses_alone(resolver: Resolver, server: NameServer) -> None:
    assert found(resolver, "sip:example.com:5099") == ["udp:127.0.1.1:5099"]
    assert {kind for _, kind in server.asked} == {"A"}


def test_a_name_without_services_is_a_host(resolver: Resolver) -> None:
    assert found(resolver, "sip:plain.example.com") == ["udp:127.0.0.71:5060"]
    assert found(resolver, "sip:alias.example.com:5060") == ["udp:127.0.0.11:5060"]
    assert sorted(found(resolver, "sip:pair.example.com")) == ["udp:127.0.0.12:5060", "udp:127.0.0.13:5060"]


def test_a_service_that_does_not_exist_is_not_replaced_by_the_host(resolver: Resolver) -> None:
    assert found(resolver, "sip:nosuch.example.com") == []


def test_targets_remember_the_name(resolver: Resolver) -> None:
    targets = resolver.resolve(Uri.parse("sip:alias.example.com:5060"))
    assert [target.host for target in targets] == ["alias.example.com"]


def test_ipv6_is_asked_for_where_wanted_and_usable(resolver: Resolver, world: World) -> None:
    assert found(resolver, "sip:both.example.com:5060") == ["udp:127.0.0.31:5060"]
    resolver.try_ipv6 = True
    assert found(resolver, "sip:both.example.com:5060") == ["udp:127.0.0.31:5060"]
    world.listen("udp", "::1")
    assert found(resolver, "sip:both.example.com:5060") == ["udp:127.0.0.31:5060", "udp:[::1]:5060"]


def test_with_ipv6_listeners_alone_nobody_has_to_ask_for_it(world: World, server: NameServer) -> None:
    world.listen("udp", "::1")
    resolver = Resolver(world.transports, Records(NameServers([server.address]), hosts="/nonexistent"))
    assert found(resolver, "sip:both.example.com:5060") == ["udp:[::1]:5060"]


def test_sips_is_refused_without_tls(resolver: Resolver, caplog: pytest.LogCaptureFixture) -> None:
    assert found(resolver, "sips:example.com") == found(resolver, "sips:127.0.0.1") == []
    assert "no tls listener to send by (a sips URI asks for TLS)" in caplog.text


def test_a_protocol_without_a_listener_is_refused(resolver: Resolver, caplog: pytest.LogCaptureFixture) -> None:
    assert found(resolver, "sip:example.com;transport=sctp") == []
    assert "no sctp listener" in caplog.text


def test_the_listener_that_received_the_request_is_preferred(resolver: Resolver, world: World) -> None:
    second = world.listen("udp")
    uri = Uri.parse("sip:127.0.0.1")
    first = resolver.literal(uri)
    chosen = resolver.literal(uri, second)
    assert first is not None and first.listener is world.transports.listeners[0]
    assert chosen is not None and chosen.listener is second
    assert [each.listener for each in resolver.resolve(Uri.parse("sip:plain.example.com:1"), second)] == [second]


def test_a_chosen_listener_means_its_protocol_where_the_uri_asks_for_none(resolver: Resolver, world: World) -> None:
    udp, tcp = world.transports.listeners[:2]
    for host in ("127.0.0.1:5070", "plain.example.com:5070"):
        protocols = [[each.protocol for each in resolver.resolve(Uri.parse(f"sip:{host}{more}"), tcp, udp)]
                     for more in ("", ";transport=udp")]
        assert protocols == [["tcp"], ["udp"]]
    received = resolver.literal(Uri.parse("sip:127.0.0.1:5070"), None, tcp)
    assert received is not None and received.protocol == "udp"  # how the request came says nothing


# The cache

def test_answers_are_kept_for_their_ttl(resolver: Resolver, server: NameServer, clock: Clock) -> None:
    for clock.now in (0, 299):
        found(resolver, "sip:plain.example.com:5060")
    assert len(server.asked) == 1
    clock.now = 301
    found(resolver, "sip:plain.example.com:5060")
    assert len(server.asked) == 2


def test_names_that_do_not_exist_are_kept_as_their_soa_says(resolver: Resolver, server: NameServer,
                                                            clock: Clock) -> None:
    for clock.now in (0, 59):
        assert found(resolver, "sip:missing.example.com:5060") == []
    assert len(server.asked) == 1
    clock.now = 61
    found(resolver, "sip:missing.example.com:5060")
    assert len(server.asked) == 2


def test_a_server_that_does_not_answer_is_not_asked_for_every_call(resolver: Resolver, server: NameServer,
                                                                   clock: Clock) -> None:
    server.twist = lambda response, wire: None
    resolver.records.name_servers.timeout = 0.05
    for clock.now in (0, 9):
        assert found(resolver, "sip:plain.example.com:5060") == []
    assert len(server.asked) == 1
    server.twist = lambda response, wire: wire
    clock.now = 11
    assert found(resolver, "sip:plain.example.com:5060") == ["udp:127.0.0.71:5060"]


def test_the_same_question_is_asked_once(resolver: Resolver, server: NameServer) -> None:
    import gevent
    waiting = [gevent.spawn(found, resolver, "sip:brief.example.com:5060") for _ in range(20)]
    gevent.joinall(waiting)
    assert {tuple(each.value) for each in waiting} == {("udp:127.0.0.61:5060",)}
    assert len(server.asked) == 1


def test_the_cache_is_bounded(resolver: Resolver) -> None:
    resolver.records.limit = 20
    for i in range(100):
        resolver.records.lookup(f"n{i}.example.com", "A")
    assert len(resolver.records) <= 20


def test_the_hosts_file_comes_first(world: World, server: NameServer, tmp_path) -> None:  # type: ignore[no-untyped-def]
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.99 plain.example.com other # comment\n::1 plain.example.com\n")
    world.listen("udp")
    resolver = Resolver(world.transports, Records(NameServers([server.address]), hosts=str(hosts)))
    assert found(resolver, "sip:PLAIN.example.com") == ["udp:127.0.0.99:5060"]
    assert server.asked == []


def test_a_slow_query_is_told(resolver: Resolver, server: NameServer, clock: Clock) -> None:
    told: list[tuple[str, str, float]] = []
    resolver.records.threshold = 0.5
    resolver.records.slow = lambda *what: told.append(what)

    def take_long(response: object, wire: bytes) -> bytes:
        clock.now += 1
        return wire

    server.twist = take_long  # type: ignore[assignment]
    found(resolver, "sip:plain.example.com:5060")
    assert told == [("plain.example.com", "A", 1.0)]


# RFC 2782

def srv(priority: int, weight: int, name: str) -> dns.rdata.Rdata:
    return dns.rdata.from_text("IN", "SRV", f"{priority} {weight} 5060 {name}.")


def test_priorities_come_before_weights() -> None:
    records = [srv(20, 100, "c"), srv(10, 0, "a"), srv(15, 1, "b")]
    assert [str(each.target) for each in ordered(records, random.Random(0))] == ["a.", "b.", "c."]


def test_weights_share_the_load() -> None:
    records = [srv(1, 10, "small"), srv(1, 30, "large"), srv(1, 0, "spare")]
    chance = random.Random(7)
    firsts = [str(next(iter(ordered(records, chance))).target) for _ in range(4000)]
    assert 2700 < firsts.count("large.") < 3100
    assert 850 < firsts.count("small.") < 1150
    assert firsts.count("spare.") < 200
    assert len(list(ordered(records, chance))) == 3
