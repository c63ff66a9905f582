"""Where requests and responses go."""
from __future__ import annotations

import pytest

from opensips_py.sip import address_key, scan
from opensips_py.transaction import response_target
from opensips_py.transaction.targets import first_route, proxy_uri
from tests.transaction.world import World, place, request


@pytest.mark.parametrize(("via", "port"), [
    ("192.0.2.1:5060", ("192.0.2.1", 5060)), ("10.9.9.9:5070", ("192.0.2.1", 5070)), ("10.9.9.9", ("192.0.2.1", 5060)),
    ("10.9.9.9:5070;rport", ("192.0.2.1", 6000)), ("10.9.9.9:5070;maddr=10.8.8.8", ("10.8.8.8", 5070)),
    ("10.9.9.9;maddr=host.example", ("192.0.2.1", 5060))])
def test_response_over_udp(via, port):
    world = World()
    data = request(world=world).data.replace(b"192.0.2.1:5060", via.encode(), 1)
    message = scan(data, world.network.udp, address_key("192.0.2.1", 6000))
    target = response_target(message)
    assert place(target) == port and target.listener is world.network.udp


def test_response_over_a_stream_takes_its_connection_or_the_port_in_via():
    world = World()
    data = request(world=world, tcp=True).data.replace(b"192.0.2.1:5060", b"192.0.2.1:5070", 1)
    for connection, port in (("connection", 5070), (None, 40000)):
        message = scan(data, world.network.tcp, address_key("192.0.2.1", 40000), connection)
        target = response_target(message)
        assert (place(target), target.connection) == (("192.0.2.1", port), connection)


def test_forced_rport_goes_to_the_source():
    world = World()
    message = scan(request(world=world).data, world.network.udp, address_key("192.0.2.1", 6000))
    message.force_rport = True
    assert place(response_target(message)) == ("192.0.2.1", 6000)


@pytest.mark.parametrize(("text", "uri"), [
    ("10.0.0.1", "sip:10.0.0.1"), ("10.0.0.1:5070", "sip:10.0.0.1:5070"), ("sip:a;lr", "sip:a;lr"),
    ("tcp:a.example", "sip:a.example;transport=tcp"),
    ("UDP:10.0.0.1:5070", "sip:10.0.0.1:5070;transport=udp")])
def test_proxies_as_uris(text, uri):
    assert proxy_uri(text) == uri


@pytest.mark.parametrize(("path", "uri"), [
    ("<sip:a;lr>,<sip:b;lr>", "sip:a;lr"), ("sip:a,sip:b", "sip:a"), ('"x" <sip:c;lr>', "sip:c;lr")])
def test_first_route_of_a_path(path, uri):
    assert first_route(path) == uri


def test_path_is_the_way_and_becomes_routes():
    world = World()

    def route(run):
        run.request.path = "<sip:10.0.0.7;lr>,<sip:10.0.0.8;lr>"
        world.layer.relay(run)
    world.script = route
    world.receive(request("OPTIONS", world=world))
    sent = world.only()
    assert world.places == [("10.0.0.7", 5060)]
    assert sent.header("Route") == "<sip:10.0.0.7;lr>,<sip:10.0.0.8;lr>" and sent.uri == "sip:bob@192.0.2.2"
