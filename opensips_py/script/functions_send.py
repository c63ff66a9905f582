"""Core functions that send: statelessly, through a socket of choice, and what the Via says of it."""
from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module.kinds import Writable
from opensips_py.module.marks import script
from opensips_py.module.run import Route
from opensips_py.sip import Request, Uri, forward_request

if TYPE_CHECKING:
    import logging

    from opensips_py.module.services import Services
    from opensips_py.sip import Message

PROTOCOLS = ("udp", "tcp", "tls", "sctp", "ws", "wss")


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


class SendFunctions:
    """Functions that send, and that choose the socket."""

    log: logging.Logger
    services: Services

    def socket_named(self, text: str) -> Any:
        """The socket that *text* describes."""
        raise NotImplementedError

    @script(Route.ANY)
    def forward(self, request: Request, destination: str | None = None) -> bool:
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
        via = target.listener.via_prefix + branch.encode() + b"\r\n"
        edits = (request.edits,) if request.has_edits else ()
        self.services.transports.send(target, forward_request(request, via, request.uri, edits))
        return True

    def through(self, message: Message, target: Any) -> Any:
        """*target* with the socket that the message leaves by; None where none of ours leads there."""
        transports = self.services.transports
        socket = message.send_socket if isinstance(message, Request) else None
        if socket is None or socket.protocol != target.protocol:
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
        self.services.transports.send(target, data)
        return True

    @script(Route.ANY)
    def force_send_socket(self, request: Request, socket: str) -> bool:
        """Send the request through the socket protocol:host:port, or the one with that tag."""
        found = self.socket_named(socket)
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
