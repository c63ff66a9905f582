"""Pseudo-variables of where a message came from and which socket it uses."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.module.kinds import OneOf
from opensips_py.module.marks import pvar
from opensips_py.script.operators import Value
from opensips_py.sip import Request
from opensips_py.transport.bonds import BOND

if TYPE_CHECKING:
    import logging

    from opensips_py.sip import Message

PARTS = ("ip", "port", "proto", "advertised_ip", "advertised_port", "tag", "anycast", "af")
SocketPart = Annotated[str, OneOf(*PARTS)]
LeavingPart = Annotated[str, OneOf("forced", *PARTS)]


class SocketVariables:
    """The pseudo-variables of addresses and sockets."""

    log: logging.Logger

    @pvar("si", inline="run.message.source_host")
    def source_host(self, message: Message) -> str | None:
        """IP address that the message came from."""
        return message.source_host

    src_ip = pvar("src_ip", inline="run.message.source_host")(source_host.getter)

    @pvar("sp", inline="run.message.source_port")
    def source_port(self, message: Message) -> int | None:
        """Port that the message came from."""
        return message.source_port

    @pvar("af")
    def address_family(self, message: Message) -> str | None:
        """INET or INET6: the kind of address that the message came from; of versions between 2.1 and 4.0."""
        return family(message.source_host)

    @pvar("Ri")
    def received_host(self, message: Message) -> str | None:
        """IP address of the socket that received the message."""
        return message.listener.host if message.listener is not None else None

    @pvar("Rp")
    def received_port(self, message: Message) -> int | None:
        """Port of the socket that received the message."""
        return message.listener.port if message.listener is not None else None

    @pvar("pr")
    def protocol(self, message: Message) -> str | None:
        """Transport protocol that the message came over."""
        return message.listener.protocol if message.listener is not None else None

    proto = pvar("proto")(protocol.getter)

    @pvar("ml")
    def length(self, message: Message) -> int | None:
        """Length of the message in bytes."""
        return len(message.data)

    @pvar("mb")
    def buffer(self, message: Message) -> str | None:
        """The whole message as it was received."""
        return message.data.decode("utf-8", "surrogateescape")

    @pvar("fs")
    def forced_socket(self, request: Request) -> str | None:
        """Socket that the request leaves by, protocol:host:port; NULL where none was set."""
        socket = request.send_socket if request.is_request else None
        return socket.uri_text if socket is not None else None

    @forced_socket.setter
    def set_forced_socket(self, request: Request, value: Value) -> None:
        self.force(request, value)

    def force(self, request: Request, value: Value) -> None:
        """Make the socket described by *value* the one that *request* leaves by; NULL: none."""
        if not request.is_request:
            return
        if value is None:
            request.send_socket = None
            return
        socket = self.socket_named(str(value))
        if socket is None:
            self.log.error("%s is none of the sockets that the server listens on", value)
        else:
            request.send_socket = socket

    def socket_named(self, text: str) -> Any:
        """The socket that *text* describes: protocol:host:port, or the tag it was given."""
        raise NotImplementedError

    @pvar("socket_in")
    def socket_in(self, message: Message, name: SocketPart = "") -> Value:
        """Socket that received the message, or a part of it: ip, port, proto, advertised_ip, advertised_port, tag,
        anycast, af."""
        return socket_part(message.listener, name)

    @pvar("socket_out")
    def socket_out(self, message: Message, name: LeavingPart = "") -> Value:
        """Socket that the message leaves by, or a part of it as in $socket_in; forced: only where one was set."""
        forced = message.send_socket if isinstance(message, Request) else None
        if name == "forced":
            return socket_part(forced, "")
        return socket_part(forced if forced is not None else message.listener, name)

    @socket_out.setter
    def set_socket_out(self, message: Message, name: str, value: Value) -> None:
        if isinstance(message, Request):
            self.force(message, value)


def socket_part(socket: Any, name: str) -> Value:
    """A part of a socket's description, or all of it."""
    if socket is None:
        return None
    if socket.protocol == BOND and name not in ("", "proto"):
        return None
    if name in ("", "ip", "port", "tag"):
        found: Value = {"": socket.uri_text, "ip": socket.host, "port": socket.port, "tag": socket.name}[name]
        return None if found == "" else found
    if name == "proto":
        return str(socket.protocol)
    if name in ("advertised_ip", "advertised_port"):
        host_or_port: Value = socket.advertised_host if name == "advertised_ip" else socket.advertised_port
        return host_or_port or None
    if name == "af":
        return family(socket.host)
    return 0 if name == "anycast" else None


def family(host: str) -> str:
    """INET or INET6."""
    return "INET6" if ":" in host else "INET"


