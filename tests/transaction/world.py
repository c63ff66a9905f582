"""A transaction layer between a client and a callee that are lists, on a clock turned by hand."""
from __future__ import annotations

from typing import Any

from opensips_py.errors import TransportError
from opensips_py.sip import Request, Response, Uri, address_host, address_key, address_port, parse, scan
from opensips_py.state.slots import Slots
from opensips_py.timers import Wheel
from opensips_py.transaction import TransactionLayer
from opensips_py.transaction.user import NoUser
from opensips_py.transport.listener import AddressKey, Listener
from opensips_py.transport.resolver import Resolver
from opensips_py.transport.target import Target
from opensips_py.transport.transports import Transports

CLIENT, CALLEE = ("192.0.2.1", 5060), ("192.0.2.2", 5060)


def place(target: Target) -> tuple[str, int]:
    """Where *target* is, readable."""
    return address_host(target.address), address_port(target.address)


class Network(Transports):
    """Transports without sockets: keeps what is sent. *hosts* are the names that Hosts knows."""

    def __init__(self) -> None:
        self.udp = Listener("udp", "192.0.2.9", 5060)
        self.tcp = Listener("tcp", "192.0.2.9", 5060, index=1)
        self.listeners = [self.udp, self.tcp]
        self.numbered = dict(enumerate(self.listeners))
        self.sent: list[tuple[Target, bytes]] = []
        self.reports: list[Any] = []
        self.hosts: dict[str, list[Target]] = {}
        self.broken: set[tuple[str, int]] = set()
        self.while_resolving: Any = None

    target = Target

    def choose_listener(self, protocol: str, address: AddressKey, preferred: Listener | None = None,
                        received: Listener | None = None) -> Listener | None:
        return {"udp": self.udp, "tcp": self.tcp}.get(protocol)

    def accept_alias(self, request: Request) -> None:
        """Without sockets, nothing is sent over a connection with another address."""

    def send(self, target: Target, data: bytes, report: Any = None) -> None:
        if place(target) in self.broken:
            raise TransportError("unreachable")
        self.sent.append((target, data))
        if report is not None:
            self.reports.append(report)


class Hosts(Resolver):
    """A resolver that knows the hosts in a table of the network, and addresses."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def literal(self, uri: Uri, preferred: Listener | None = None, received: Listener | None = None) -> Target | None:
        if not uri.host.replace(".", "").isdigit():
            return None
        protocol = uri.parameter("transport") or (preferred.protocol if preferred is not None else "udp")
        preferred = preferred or received
        listener = preferred if preferred is not None and preferred.protocol == protocol else \
            self.network.choose_listener(protocol, 0)
        return Target(protocol, address_key(uri.host, uri.port or 5060), listener)

    def resolve(self, uri: Uri, preferred: Listener | None = None, received: Listener | None = None) -> list[Target]:
        if self.network.while_resolving is not None:
            self.network.while_resolving()
        found = list(self.network.hosts.get(uri.host, []))
        for each in found:
            each.listener = self.network.choose_listener(each.protocol, each.address)
        return found


class Generation:
    """Stands for the configuration that a transaction pins."""


class Run:
    """What the layer needs of a run."""

    def __init__(self, request: Request) -> None:
        self.message = self.request = request
        self.generation = Generation()
        self.transaction: Any = None
        self.extra: dict[str, Any] = {}

    def attach(self, transaction: Any) -> None:
        self.transaction = transaction


class World:
    """One layer, and whoever talks to it."""

    def __init__(self, user: Any = None) -> None:
        self.network = Network()
        self.transports = self.network
        self.resolver = Hosts(self.network)
        self.index, self.workers = 0, 1
        self.timers = Wheel(lambda callback, argument: callback(argument))
        self.slots = Slots.random()
        self.layer = TransactionLayer(self, user or NoUser())
        self.script = self.relay

    # --- from outside

    def receive(self, message: Request | Response) -> bool:
        """Give a message to the layer and, if it is a new request, to the route."""
        if not message.is_request:
            return self.layer.receive_response(message)
        if self.layer.receive_request(message):
            return True
        run = Run(message)
        try:
            self.script(run)
        finally:
            self.layer.route_done(run)
        return False

    def relay(self, run: Run) -> None:
        self.code = self.layer.relay(run)

    def pass_time(self, seconds: float) -> None:
        self.timers.advance(self.timers.now + seconds)

    # --- what left

    def take(self) -> list[Any]:
        """All messages sent since the last call, parsed."""
        sent = [parse(data) for _, data in self.network.sent]
        self.places = [place(target) for target, _ in self.network.sent]
        self.network.sent.clear()
        return sent

    def lines(self) -> list[str]:
        """What left since the last call, in short: ``INVITE 192.0.2.2``, ``200 192.0.2.1``."""
        sent = self.take()
        return [f"{each.method if each.is_request else each.status} {place[0]}"
                for each, place in zip(sent, self.places, strict=True)]

    def only(self) -> Any:
        """The one message that left."""
        sent = self.take()
        assert len(sent) == 1, sent
        return sent[0]


def request(method: str = "INVITE", *, world: World, branch: str = "z9hG4bKc1", to_tag: str = "", cseq: int = 1,
            uri: str = "sip:bob@192.0.2.2", call_id: str = "call-1", headers: str = "", tcp: bool = False,
            from_tag: str = "a1") -> Request:
    """A request from the client."""
    to = f"<sip:bob@example.com>;tag={to_tag}" if to_tag else "<sip:bob@example.com>"
    text = (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{'TCP' if tcp else 'UDP'} 192.0.2.1:5060"
            f"{';branch=' + branch if branch else ''}\r\n"
            f"From: <sip:alice@example.com>;tag={from_tag}\r\nTo: {to}\r\nCall-ID: {call_id}\r\n"
            f"CSeq: {cseq} {method}\r\n"
            f"Max-Forwards: 70\r\nContact: <sip:alice@192.0.2.1>\r\n{headers}Content-Length: 0\r\n\r\n")
    listener = world.network.tcp if tcp else world.network.udp
    message = scan(text.encode(), listener, address_key(*CLIENT), "connection" if tcp else None)
    assert isinstance(message, Request) and message.fault is None, message and message.fault
    return message


def response(to: Request, status: int, reason: str = "Whatever", *, tag: str = "b1", headers: str = "") -> Response:
    """The callee's response to what it received."""
    vias = "".join(f"Via: {each.value}\r\n" for each in to.headers("Via"))
    to_header = str(to.header("To")) + ("" if to.to_tag or status == 100 else f";tag={tag}")
    text = (f"SIP/2.0 {status} {reason}\r\n{vias}From: {to.header('From')}\r\nTo: {to_header}\r\n"
            f"Call-ID: {to.call_id}\r\nCSeq: {to.cseq} {to.method}\r\n{headers}Content-Length: 0\r\n\r\n")
    message = scan(text.encode(), to.listener, address_key(*CALLEE))
    assert isinstance(message, Response) and message.fault is None, message and message.fault
    return message
