"""Core functions that send: statelessly, through a socket of choice, and what the Via says of it."""
from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.errors import MalformedMessage, TransportError
from opensips_py.module.kinds import Between, Kind, Known, Nullable, Text, Writable, shown
from opensips_py.module.marks import script
from opensips_py.module.run import Route, Run
from opensips_py.script.functions_log import text_of
from opensips_py.script.message_context import context_of
from opensips_py.sip import Request, Uri, address_key, forward_request, is_ip
from opensips_py.transport.blacklists import Blacklists
from opensips_py.transport.bonds import BOND
from opensips_py.transport.via import ADVERTISED_HOST, ADVERTISED_PORT, LOCAL_RPORT, REPLY_TO_VIA, via_line

if TYPE_CHECKING:
    import logging
    from collections.abc import Sequence

    from opensips_py.module.services import Services
    from opensips_py.sip import Message

Port = Annotated[int, Between(0, 65535)]


class QuotedPortKind(Kind):
    """A port, which scripts of 4.0 write in quotes, and those of 2.1 with or without."""

    name = "string"

    def convert(self, value: Any) -> int:
        return Between(0, 65535).convert(value)


QuotedPort = Annotated[int, QuotedPortKind()]
PROTOCOLS = ("udp", "tcp", "tls", "sctp", "ws", "wss")


def connection_to(pool: Any, peer: str) -> Any:
    """The connection of *pool* with a number, or to an address; None where it has none."""
    if peer.isdecimal():
        return pool.connections.get(int(peer))
    protocol, _, rest = peer.partition(":")
    if protocol.lower() in PROTOCOLS:
        if protocol.lower() != pool.protocol:
            return None
        peer = rest
    host, _, port = peer.rpartition(":")
    host = host.strip("[]")
    return pool.find(address_key(host, int(port))) if is_ip(host) and port.isdecimal() else None


def destination_uri(text: str) -> Uri | None:
    """[protocol:]host[:port] as a URI; None where it is none."""
    protocol, colon, rest = text.strip().partition(":")
    if colon and protocol.lower() in PROTOCOLS:
        text = f"sip:{rest};transport={protocol.lower()}"
    elif protocol.lower() not in ("sip", "sips"):
        text = f"sip:{text.strip()}"
    try:
        return Uri.parse(text)
    except MalformedMessage:
        return None


ADDRESS = re.compile(r"(?:(?P<protocol>[a-z_]+):)?(?P<host>[\d.]+)(?::(?P<port>\d+))?", re.IGNORECASE)
ANYWHERE = ("0.0.0.0", "::")


@dataclass(frozen=True)
class DestinationKind(Text):
    """[protocol:]host[:port], where a request may go."""

    def constant(self, value: int | str) -> str:
        text = str(value)
        host, colon, rest = text.partition(":")
        is_address = host.lower() in PROTOCOLS or text.startswith("[") or not colon or rest.isdigit()
        if isinstance(value, int) or not is_address or destination_uri(text) is None:
            raise ValueError(f"[protocol:]host[:port] is needed, not {shown(value)}")
        return text


class SendFunctions:
    """Functions that send, and that choose the socket."""

    log: logging.Logger
    sockets: Sequence[Any] = ()  # of the script, where the command line names no others
    services: Services
    blacklists: Blacklists

    def socket_named(self, text: str) -> Any:
        """The socket that *text* describes."""
        raise NotImplementedError

    @script(Route.ANY)
    def forward(self, request: Request, destination: Annotated[str | None, Nullable(DestinationKind())] = None) -> bool:
        """Send the request on without a transaction: to *destination*, [protocol:]host[:port], else to its destination
        URI, else where its Request-URI says."""
        if not request.is_request:
            return False
        hop = destination_uri(destination or request.destination or request.uri)
        if hop is None:
            self.log.error("forward: %r is no destination", destination)
            return False
        target = self.services.resolver.literal(hop)
        if target is None:  # DNS: beside the script, which has nothing to wait for
            self.services.spawn(self.forward_resolved, request, hop)
            return True
        return self.forward_to(request, target)

    def forward_resolved(self, request: Request, hop: Uri) -> None:
        """Look *hop* up and send the request on to the first address."""
        targets = self.services.resolver.resolve(hop)
        if not targets:
            self.log.error("forward: %s has no address", hop)
        else:
            self.forward_to(request, targets[0])

    def forward_to(self, request: Request, target: Any) -> bool:
        """Send the request on to *target*; retransmissions get the same Via branch (RFC 3261, 16.11)."""
        target = self.through(request, target)
        if target is None:
            return False
        slots = self.services.slots
        branch = slots.via_branch(request.via_branch, request.call_id, request.from_tag, request.cseq, 0,
                                  slots.slot_of_call_id(request.call_id))
        via = via_line(target.listener, branch, request.context)
        edits = (request.edits,) if request.has_edits else ()
        done = self.put(request, target, forward_request(request, via, request.uri, edits, target))
        if done:
            self.services.statistics.counter("core", "fwd_requests").add()
        return done

    def through(self, message: Message, target: Any) -> Any:
        """*target* with the socket that the message leaves by; None where none of ours leads there."""
        transports = self.services.transports
        socket = message.send_socket if isinstance(message, Request) else None
        if socket is not None and socket.protocol == BOND:
            socket = transports.choose_listener(target.protocol, target.address, socket)
        elif socket is None or socket.protocol != target.protocol:
            socket = target.listener or transports.choose_listener(target.protocol, target.address)
        if socket is None:
            self.log.error("no socket of ours leads to %s over %s", target.host, target.protocol)
            return None
        return transports.target(target.protocol, target.address, socket, None, target.host)

    @script(Route.ANY)
    def send(self, message: Message, destination: str, headers: str = "") -> bool:
        """Send the message as it was received to *destination*, [protocol:]host[:port], with *headers* added to it."""
        hop = destination_uri(destination)
        if hop is None:
            self.log.error("send: %r is no destination", destination)
            return False
        data = message.data
        if headers:
            end = data.find(b"\r\n\r\n") + 2
            data = data[:end] + headers.encode("utf-8", "surrogateescape") + data[end:]
        target = self.services.resolver.literal(hop)
        if target is None:
            self.services.spawn(self.send_resolved, message, data, hop)
            return True
        return self.send_to(message, data, target)

    def send_resolved(self, message: Message, data: bytes, hop: Uri) -> None:
        """Look *hop* up and send *data* to the first address."""
        for target in self.services.resolver.resolve(hop)[:1]:
            self.send_to(message, data, target)

    def send_to(self, message: Message, data: bytes, target: Any) -> bool:
        """Send *data* to *target*."""
        target = self.through(message, target)
        if target is None:
            return False
        return self.put(message, target, data)

    def put(self, message: Message, target: Any, data: bytes) -> bool:
        """Send *data* to *target*; False where a blacklist forbids it or it cannot even be tried."""
        if self.blacklists.lists and self.blacklists.blocks(target, data, message.context):
            self.log.info("a blacklist forbids %s", target)
            return False
        try:
            self.services.transports.send(target, data)
        except TransportError as error:
            self.log.error("%s", error)
            return False
        return True

    def no_socket(self, name: str) -> str:
        """Why the script has no socket *name*; empty where it has, or may have on the machine that it is for."""
        found = ADDRESS.fullmatch(name)
        if found is None or not all(is_ip(each.host) and each.host not in ANYWHERE for each in self.sockets):
            return ""
        port = int(found["port"] or 0)
        there = not self.sockets or any(
            found["host"] == each.host and each.protocol in ("", "any", (found["protocol"] or each.protocol).lower())
            and (not port or not each.port or each.port <= port <= max(each.port, each.last_port))
            for each in self.sockets)
        return "" if there else f"the script has no socket {name}: write one that it has, or add socket={name}"

    @script(Route.ANY)
    def force_send_socket(self, run: Run, request: Request, socket: Annotated[str, Known("socket")]) -> bool:
        """Send the request through the socket protocol:host:port, or the one with that tag."""
        found = self.socket_named(text_of(socket, run) or "")
        if found is None:
            self.log.error("force_send_socket: %s is none of the sockets that the server listens on", socket)
            return False
        request.send_socket = found
        return True

    @script(Route.ANY)
    @script(Route.ANY, name="add_rport")
    def force_rport(self, request: Request) -> bool:
        """Send responses to the port that the request came from, even if its Via does not ask so (RFC 3581)."""
        request.force_rport = True
        return True

    @script(Route.ANY)
    @script(Route.ANY, name="force_local_rport")
    def add_local_rport(self, request: Request) -> bool:
        """Ask the next hop for rport in the Via that we add (RFC 3581)."""
        context_of(request)[LOCAL_RPORT] = True
        return True

    @script(Route.ANY)
    def set_advertised_address(self, message: Message, host: str) -> bool:
        """Write *host* into Via and Record-Route of this message instead of our own address."""
        context_of(message)[ADVERTISED_HOST] = host
        return True

    @script(Route.ANY)
    def set_advertised_port(self, message: Message, port: QuotedPort) -> bool:
        """Write *port* into Via and Record-Route of this message instead of our own."""
        context_of(message)[ADVERTISED_PORT] = port
        return True

    @script(Route.ANY)
    def set_via_handling(self, request: Request, flags: str) -> bool:
        """What to do about the Via: force-rport, add-local-rport, reply-to-via, force-tcp-alias, with commas."""
        for flag in filter(None, (each.strip().lower() for each in flags.split(","))):
            if flag == "force-rport":
                self.force_rport(request)
            elif flag == "add-local-rport":
                self.add_local_rport(request)
            elif flag == "reply-to-via":
                context_of(request)[REPLY_TO_VIA] = True
            elif flag == "force-tcp-alias":
                self.force_tcp_alias(request)
            else:
                self.log.error("set_via_handling: there is no flag %s", flag)
                return False
        return True

    @script(Route.ANY)
    @script(Route.ANY, name="add_tcp_alias")
    def force_tcp_alias(self, message: Message, port: Port = 0) -> bool:
        """Send requests for *port* of the peer (by default that in its Via) over the connection that this message came
        by (RFC 5923)."""
        if message.connection is None:
            return True
        port = port or message.top_via.port or (5061 if message.listener.protocol == "tls" else 5060)
        message.connection.pool.alias(message.connection, port)
        return True

    @script(Route.ANY)
    def tcp_close_conn(self, peer: str) -> bool:
        """Close the connection with this number, or to this [protocol:]ip:port."""
        for pool in self.services.transports.pools.values():
            found = connection_to(pool, peer.strip())
            if found is not None:
                found.close("closed by the script")
                return True
        return False

    @script(Route.ANY)
    def is_myself(self, host: str, port: int | None = None) -> bool:
        """Whether *host*, and *port* where it is given, is one of our addresses or names."""
        return bool(self.services.transports.is_local(host, port or 0, None))

    @script(Route.ANY)
    def get_timestamp(self, seconds: Writable, microseconds: Writable) -> bool:
        """Assign the time: seconds since 1970, and microseconds of the second."""
        whole, rest = divmod(time.time_ns() // 1000, 1_000_000)
        seconds.set(whole)
        microseconds.set(rest)
        return True

    @script(Route.ANY)
    @script(Route.ANY, name="avp_printf")
    def pv_printf(self, variable: Writable, text: str) -> bool:
        """Assign a text with pseudo-variables to a variable."""
        variable.set(text)
        return True

    @script(Route.ANY)
    def error(self, what: str, details: str) -> bool:
        """Write both texts to the log."""
        self.log.error("%s: %s", what, details)
        return True
