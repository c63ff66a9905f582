from types import SimpleNamespace

import pytest

from opensips_py.errors import TransportError
from opensips_py.script.functions_send import destination_uri
from opensips_py.sip import address_host, address_key, parse
from opensips_py.transport.blacklists import rule
from opensips_py.transport.listener import Listener


class Wire:
    """Transports, resolver and slots, as far as stateless sending needs them."""

    def __init__(self, world):
        self.sent, self.spawned, self.names = [], [], {}
        self.listeners = [world.listener, world.other]
        world.services.transports = self
        world.services.resolver = self
        world.services.slots = self
        world.services.spawn = lambda function, *arguments: self.spawned.append((function, arguments))

    def literal(self, uri):
        return None if uri.host in self.names or uri.host.isalpha() else self.at(uri)

    def at(self, uri):
        host = self.names.get(uri.host, uri.host)
        return self.target(uri.transport or "udp", address_key(host, uri.port or 5060), None, None, host)

    def resolve(self, uri):
        return [self.at(uri)] if uri.host in self.names else []

    def choose_listener(self, protocol, address):
        return next((each for each in self.listeners if each.protocol == protocol), None)

    def target(self, protocol, address, listener=None, connection=None, host=""):
        return SimpleNamespace(protocol=protocol, address=address, listener=listener, host=host)

    def send(self, target, data):
        if address_host(target.address) == "192.0.2.66":
            raise TransportError("no way there")
        self.sent.append((target, data))

    def slot_of_call_id(self, call_id):
        return 7

    def via_branch(self, *parts):
        return "z9hG4bKown"

    def is_local(self, host, port, protocol):
        return host == "here" and port in (0, 5060)


@pytest.fixture
def wire(world):
    return Wire(world)


def test_forward_where_the_request_uri_says(world, wire):
    world.assign("$ru", "sip:bob@192.0.2.9:5070")
    assert world.call("forward") is True
    target, data = wire.sent[0]
    message = parse(data)
    assert (address_host(target.address), target.listener) == ("192.0.2.9", world.listener)
    assert (message.uri, message.vias[0].branch, message.max_forwards) == ("sip:bob@192.0.2.9:5070", "z9hG4bKown", 70)
    assert message.vias[1].received == "192.0.2.7"


def test_forward_prefers_argument_then_destination_uri(world, wire):
    world.assign("$du", "sip:192.0.2.10;transport=tcp")
    world.call("forward")
    world.call("forward", "udp:192.0.2.11:5090")
    assert [(address_host(target.address), target.protocol, target.listener.protocol) for target, _ in wire.sent] == [
        ("192.0.2.10", "tcp", "tcp"), ("192.0.2.11", "udp", "udp")]
    assert all(parse(data).uri == world.request.uri for _, data in wire.sent)


def test_forward_waits_for_dns_beside_the_script(world, wire):
    wire.names["proxy"] = "192.0.2.12"
    assert world.call("forward", "proxy") is True and not wire.sent
    function, arguments = wire.spawned[0]
    function(*arguments)
    assert address_host(wire.sent[0][0].address) == "192.0.2.12"
    assert world.call("forward", "nowhere") is True
    function, arguments = wire.spawned[1]
    function(*arguments)
    assert len(wire.sent) == 1


def test_forward_carries_edits_and_leaves_by_the_chosen_socket(world, wire):
    world.request.append_header("X-New: 1\r\n")
    second = Listener("udp", "192.0.2.77", 5060)
    world.request.send_socket = second
    world.call("forward", "192.0.2.9")
    assert wire.sent[0][0].listener is second and parse(wire.sent[0][1]).header("X-New") == "1"


def test_forward_refuses(world, wire):
    world.run.variables["hop"] = "not a host"
    assert world.call("forward", "$var(hop)") is False
    assert world.call("forward", "tls:192.0.2.9") is False
    assert world.on_ringing().call("forward", "192.0.2.9") is False
    assert not wire.sent


def test_send_passes_the_message_on_as_it_came(world, wire):
    assert world.call("send", "udp:192.0.2.9") is True
    assert world.call("send", "192.0.2.9", "Server: me\r\n") is True
    assert wire.sent[0][1] == world.request.data
    assert parse(wire.sent[1][1]).header("Server") == "me" and len(wire.sent[1][1]) == len(world.request.data) + 12
    assert world.on_ringing().call("send", "192.0.2.9") is True
    assert world.call("send", "a b") is False
    wire.names["proxy"] = "192.0.2.12"
    assert world.call("send", "proxy") is True
    function, arguments = wire.spawned[0]
    function(*arguments)
    assert address_host(wire.sent[-1][0].address) == "192.0.2.12"


@pytest.mark.parametrize(("text", "uri"), [
    ("10.0.0.1", "sip:10.0.0.1"), ("tcp:host:5070", "sip:host:5070;transport=tcp"), ("sip:u@h", "sip:u@h"),
    ("host:5070", "sip:host:5070"), ("[::1]:5070", "sip:[::1]:5070"), ("a b", None)])
def test_destinations(text, uri):
    found = destination_uri(text)
    assert (found if found is None else str(found)) == uri


def test_is_myself(world, wire):
    assert world.call("is_myself", "here") is True and world.call("is_myself", "here", 5060) is True
    assert world.call("is_myself", "here", 5070) is False and world.call("is_myself", "there") is False


def test_force_send_socket(world):
    assert world.call("force_send_socket", "tcp:127.0.0.1:5060") is True
    assert world.request.send_socket is world.other
    assert world.call("force_send_socket", "udp:1.1.1.1:5060") is False


def test_force_rport(world):
    assert world.request.force_rport is False
    assert world.call("force_rport") is True and world.request.force_rport is True
    world.request.force_rport = False
    assert world.call("add_rport") is True and world.request.force_rport is True


def test_timestamp_and_printf(world):
    assert world.call("get_timestamp", world.writable("$avp(s)"), world.writable("$var(u)")) is True
    assert world.value("$avp(s)") >= 1_700_000_000 and 0 <= world.value("$var(u)") < 1_000_000
    assert world.call("pv_printf", world.writable("$var(x)"), "text") is True and world.value("$var(x)") == "text"
    assert world.call("avp_printf", world.writable("$ru"), "sip:new@x") is True
    assert world.request.uri == "sip:new@x"


def test_what_cannot_be_sent_is_false(world, wire, caplog):
    assert world.call("forward", "192.0.2.66") is False and world.call("send", "192.0.2.66") is False
    assert "no way there" in caplog.text


def test_the_via_says_what_the_script_wants(world, wire):
    world.call("set_advertised_address", "sip.example.org")
    world.call("forward", "192.0.2.9")
    world.call("set_advertised_port", "5099")
    assert world.call("add_local_rport") is True
    world.call("forward", "192.0.2.9")
    first, second = (parse(data).vias[0] for _, data in wire.sent)
    assert (first.host, first.port, first.rport) == ("sip.example.org", 5060, None)
    assert (second.host, second.port, second.rport) == ("sip.example.org", 5099, 0)
    wire.sent.clear()
    world.on_invite()
    assert world.call("force_local_rport") is True
    world.call("forward", "192.0.2.9")
    assert parse(wire.sent[0][1]).vias[0].rport == 0


def test_via_handling(world):
    assert world.call("set_via_handling", "force-rport, reply-to-via,add-local-rport,force-tcp-alias") is True
    assert world.request.force_rport and set(world.request.context) == {"reply to via", "local rport"}
    assert world.call("set_via_handling", "nonsense") is False


class Pool:
    def __init__(self, protocol, *connections):
        self.protocol, self.aliases = protocol, []
        self.connections = {each.id: each for each in connections}

    def find(self, key):
        return next((each for each in self.connections.values() if each.key == key), None)

    def alias(self, connection, port):
        self.aliases.append((connection, port))


def connection(number, address, port):
    made = SimpleNamespace(id=number, key=address_key(address, port), reasons=[])
    made.close = made.reasons.append
    return made


def test_tcp_alias(world):
    assert world.call("force_tcp_alias") is True, "over UDP there is nothing to do"
    made = connection(1, "192.0.2.7", 40000)
    made.pool = Pool("tcp", made)
    world.request.connection = made
    assert world.call("force_tcp_alias", 5070) is True and world.call("add_tcp_alias") is True
    assert made.pool.aliases == [(made, 5070), (made, 5061)]


def test_closing_a_connection(world, wire):
    one, two = connection(1, "10.0.0.1", 5060), connection(2, "::1", 5061)
    wire.pools = {"tcp": Pool("tcp", one), "tls": Pool("tls", two)}
    assert world.call("tcp_close_conn", "1") is True and one.reasons
    assert world.call("tcp_close_conn", "tls:[::1]:5061") is True and two.reasons
    assert world.call("tcp_close_conn", "10.0.0.1:5060") is True and len(one.reasons) == 2
    for missing in ("9", "tls:10.0.0.1:5060", "10.0.0.1:1", "nonsense", "tcp:host:5060"):
        assert world.call("tcp_close_conn", missing) is False


def test_blacklists_forbid(world, wire):
    world.core.blacklists.define("no", ["default"], [rule("192.0.2.9")])
    assert world.call("forward", "192.0.2.9") is False and world.call("send", "192.0.2.9") is False
    assert world.call("forward", "192.0.2.10") is True and len(wire.sent) == 1
