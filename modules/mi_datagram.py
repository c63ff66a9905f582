"""Management over datagrams: a UDP or a Unix socket takes requests, the answer goes back to the sender."""
from __future__ import annotations

import os
import stat
from typing import Annotated, Any

import gevent
import gevent.pool
from gevent import socket

from opensips_py.mi import carrier, jsonrpc
from opensips_py.mi.requests import JsonRequest, of_datagram
from opensips_py.module import Between, ConfigError, Module, param, process_state

TOO_LONG = "the answer does not fit into a datagram"
LONGEST = 65_457  # bytes of a datagram, as upstream has it

Address = str | tuple[Any, ...]


class Socket:
    """The socket of this process; the module of each generation in turn serves it."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.name = ""
        self.owner: MiDatagram | None = None
        self.workers = gevent.pool.Pool(1)
        self.reader: gevent.Greenlet[..., Any] | None = None


class MiDatagram(Module, name="mi_datagram", provides=("management",)):
    """Management commands over datagrams, in JSON-RPC and in the lines of 2.1, told apart by each request."""

    socket_name: str = param("", "udp:address:port, or the path of a Unix socket.")
    children_count: Annotated[int, Between(1, 1000)] = param(1, "How many requests are worked on at once.")
    unix_socket_mode: int = param(0o660, "Permissions of the Unix socket.")
    unix_socket_user: int | str = param("", "Owner of the Unix socket, number or name; as the server, if not given.")
    unix_socket_group: int | str = param("", "Group of the Unix socket, number or name; as the server, if not given.")
    socket_timeout: int = param(2000, "Milliseconds after which an answer that cannot be sent is given up.")
    socket_buf_size: int = param(LONGEST, "Longest request and answer, in bytes.")
    reply_indent: str = param("\t", "What a level of an answer in lines is indented by.")
    pretty_printing: bool = param(0, "Whether JSON answers take several lines.")

    shared: Socket = process_state(Socket)

    def load(self) -> None:
        """Check the parameters."""
        if not self.socket_name:
            raise ConfigError("the socket has no name", self.name, "socket_name")
        carrier.check_owner(self.name, ("unix_socket_user", self.unix_socket_user),
                            ("unix_socket_group", self.unix_socket_group))
        if self.udp_address() is None and not carrier.has_folder(self.path):
            folder = os.path.dirname(self.path)
            raise ConfigError(f"the folder {folder} of the socket does not exist", self.name, "socket_name")

    @property
    def path(self) -> str:
        """Where a Unix socket lies."""
        return self.socket_name.removeprefix("unix:")

    def start(self) -> None:
        """Open the socket, or go on with the one that the generation before has."""
        shared = self.shared
        shared.owner = self
        if shared.name != self.socket_name:
            self.end()
            shared.socket, shared.name = self.opened(), self.socket_name
            shared.reader = gevent.spawn(serve, shared)
        shared.workers = gevent.pool.Pool(self.children_count)

    def stop(self) -> None:
        """Close the socket, unless the next generation has taken it over."""
        if self.shared.owner is self:
            self.end()

    def end(self) -> None:
        """Close the socket and take its path away."""
        shared = self.shared
        if shared.reader is not None:
            shared.reader.kill()
        if shared.socket is not None:
            shared.socket.close()
            if not shared.name.startswith("udp:") and os.path.exists(shared.name):
                os.unlink(shared.name)
        shared.socket, shared.name = None, ""

    def udp_address(self) -> tuple[str, int] | None:
        """The UDP address of the socket; None for a Unix socket."""
        if not self.socket_name.startswith("udp:"):
            return None
        host, _, port = self.socket_name.removeprefix("udp:").rpartition(":")
        if not host or not port.isdigit() or not 0 <= int(port) < 65536:
            raise ConfigError(f"{self.socket_name}: udp:address:port is needed", self.name, "socket_name")
        return host.strip("[]"), int(port)

    def opened(self) -> socket.socket:
        """The socket, bound."""
        address = self.udp_address()
        try:
            if address is None:
                return self.unix_socket()
            bound = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
            bound.bind(address)
            return bound
        except OSError as error:
            raise ConfigError(f"{self.socket_name} cannot be bound: {error.strerror or error}", self.name,
                              "socket_name") from None

    def unix_socket(self) -> socket.socket:
        """The Unix socket, with its owner and permissions; one that a dead server left is replaced."""
        path = self.path
        carrier.make_folder(path)
        if os.path.exists(path):
            if not stat.S_ISSOCK(os.stat(path).st_mode):
                raise ConfigError(f"{path} is there and is no socket", self.name, "socket_name")
            os.unlink(path)
        bound = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        bound.bind(path)
        os.chmod(path, self.unix_socket_mode)
        carrier.hand_over(path, self.unix_socket_user, self.unix_socket_group)
        return bound

    def answer(self, data: bytes, sender: Address) -> None:
        """Answer one request."""
        try:
            request = of_datagram(data)
            reply = carrier.respond(self.services.mi, request, self.reply_indent, self.pretty_printing)
        except ValueError as error:
            request, reply = None, f"400 {error}\n"
        if reply is None or not sender:
            return
        encoded = reply.encode("utf-8", "surrogateescape")
        if len(encoded) > self.socket_buf_size:
            encoded = too_long(request)
        try:
            with gevent.Timeout(self.socket_timeout / 1000, TimeoutError("nobody takes it")):
                assert self.shared.socket is not None
                # Nothing tells when a full Unix socket has room again: it counts as writable, and 0 bytes leave.
                while not self.shared.socket.sendto(encoded, sender):
                    gevent.sleep(0.005)
        except OSError as error:
            self.log.error("no answer to %s: %s", sender, error)


def serve(shared: Socket) -> None:
    """Have the current generation answer one request after the other, for ever."""
    bound = shared.socket
    assert bound is not None
    while True:
        owner = shared.owner
        assert owner is not None
        try:
            data, sender = bound.recvfrom(owner.socket_buf_size)
        except OSError as error:
            owner.log.debug("%s: %s", shared.name, error)  # an answer before this met a closed port
            continue
        shared.workers.spawn((shared.owner or owner).answer, data, sender)


def too_long(request: Any) -> bytes:
    """What a client gets in place of an answer that no datagram holds."""
    if isinstance(request, JsonRequest):
        return jsonrpc.dump(jsonrpc.failure(None, jsonrpc.SERVER_ERROR, TOO_LONG), pretty=False).encode()
    return f"500 {TOO_LONG}\n\n".encode()
