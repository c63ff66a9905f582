"""The connections of one stream protocol: accepting, opening, finding them again by address or alias."""
from __future__ import annotations

import _socket
import errno
import itertools
import logging
import os
import socket
from collections.abc import Callable
from typing import Any

from opensips_py.errors import TransportError
from opensips_py.restraint import Restraint
from opensips_py.sip import address_host, address_key, address_port
from opensips_py.timers import Wheel
from opensips_py.transport._udp import LoopEnd
from opensips_py.transport.connection import Connection, Report
from opensips_py.transport.directory import Directory
from opensips_py.transport.listener import Listener
from opensips_py.transport.settings import Counters, Settings
from opensips_py.transport.sockets import set_tos

log = logging.getLogger("opensips_py.transport")

ACCEPTS = 64  # connections taken in one callback
IP_BIND_ADDRESS_NO_PORT = 24
OnMessage = Callable[[bytes, int, Listener, Connection], object]
OnClose = Callable[[Connection, str], object]


class Pool:
    """All connections of one worker over *protocol*.

    A remote address has one connection that requests use: the one that was opened or was used for an alias last.
    """

    log = log
    complaints = Restraint(log)  # about peers, who may be many

    def __init__(self, protocol: str, settings: Settings, counters: Counters, wheel: Wheel, loop: Any,
                 loop_end: LoopEnd, tell: Callable[[Report | None, TransportError | None], object],
                 on_message: OnMessage, on_close: OnClose, identifiers: itertools.count[int]) -> None:
        self.protocol = protocol
        self.settings = settings
        self.counters = counters
        self.wheel = wheel
        self.loop = loop
        self.loop_end = loop_end
        self.tell = tell
        self.on_message = on_message
        self.on_close = on_close
        self.sent_after: Callable[[float, str], object] | None = None  # told how long each message took to leave
        self.directory: Directory | None = None  # what other workers know of our connections
        self.connections: dict[int, Connection] = {}  # by identifier
        self.by_address: dict[int, Connection] = {}  # by address key, aliases included
        self.inbound = 0
        self._identifiers = identifiers
        self._spare = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        self._acceptors: list[tuple[_socket.socket, Listener, Any]] = []

    def now(self) -> float:
        """The time, as the timers have it."""
        return self.wheel.now

    # Accepting

    def listen(self, taken: _socket.socket, listener: Listener) -> None:
        """Accept connections from *taken*, which is bound and listens."""
        self.prepare(taken, listener)  # what is accepted inherits the options
        watcher = self.loop.io(taken.fileno(), 1)
        watcher.start(self._acceptable, taken, listener)
        self._acceptors.append((taken, listener, watcher))

    def prepare(self, taken: _socket.socket, listener: Listener) -> None:
        """Set the options of a stream."""
        settings = self.settings
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # we write whole messages
        set_tos(taken, listener, settings.tos)
        if not (settings.tcp_keepalive or settings.tcp_keepidle or settings.tcp_keepinterval or settings.tcp_keepcount):
            return
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in ((socket.TCP_KEEPIDLE, settings.tcp_keepidle),
                              (socket.TCP_KEEPINTVL, settings.tcp_keepinterval),
                              (socket.TCP_KEEPCNT, settings.tcp_keepcount)):
            if value:
                taken.setsockopt(socket.IPPROTO_TCP, option, value)

    def _acceptable(self, taken: _socket.socket, listener: Listener) -> None:
        try:
            for _ in range(ACCEPTS):
                self.accept(taken, listener)
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            pass
        except BaseException:  # gevent stops a watcher whose callback raises
            log.exception("%s: accepting failed", listener)

    def accept(self, taken: _socket.socket, listener: Listener) -> None:
        """Take one connection."""
        try:
            fd, address = taken._accept()  # type: ignore[attr-defined]
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            self._shed(taken)
            return
        limit = self.settings.tcp_max_connections
        if limit and self.inbound >= limit:
            os.close(fd)
            self.counters.refused.add(1)
            return
        os.set_blocking(fd, False)
        self.counters.accepted.add(1)
        self.inbound += 1
        connection = Connection(self, next(self._identifiers), fd, address_key(address[0], address[1]), listener, True)
        self._register(connection)
        connection.start()

    def _shed(self, taken: _socket.socket) -> None:
        """Out of descriptors: refuse one connection with the spare one, else accept() would be ready for ever."""
        os.close(self._spare)
        try:
            os.close(taken._accept()[0])  # type: ignore[attr-defined]
        finally:
            self._spare = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        self.counters.refused.add(1)

    def _register(self, connection: Connection) -> None:
        self.connections[connection.id] = connection
        self._publish(connection, connection.key)

    def _publish(self, connection: Connection, key: int) -> None:
        self.by_address[key] = connection
        if self.directory is not None:
            self.directory.publish(self.protocol, key, connection.id)

    # Opening

    def open(self, listener: Listener, key: int) -> Connection:
        """Begin to connect to *key* from *listener*'s address; raises TransportError where that fails at once."""
        family = socket.AF_INET6 if listener.is_ipv6 else socket.AF_INET
        made = _socket.socket(family, socket.SOCK_STREAM)
        try:
            made.setblocking(False)
            self.prepare(made, listener)
            self._leave_by(made, listener)
            error = made.connect_ex((address_host(key), address_port(key)))
        except OSError as problem:
            error = problem.errno or errno.EIO
        if error not in (0, errno.EINPROGRESS):
            made.close()
            self.counters.unconnected.add(1)
            raise TransportError(f"{self.protocol}:{address_host(key)}:{address_port(key)}: {os.strerror(error)}")
        connection = Connection(self, next(self._identifiers), made.detach(), key, listener, False)
        self._register(connection)
        connection.connect(error != 0)
        return connection

    def _leave_by(self, made: _socket.socket, listener: Listener) -> None:
        """Bind to the listener's address, and with its `reuse_port` option to its port, too."""
        if listener.options.get("reuse_port"):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            made.bind((listener.host, listener.port))
            return
        made.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        made.bind((listener.host, 0))

    def error_of(self, fd: int) -> int:
        """The pending error of a descriptor."""
        probe = _socket.socket(fileno=os.dup(fd))
        try:
            error: int = probe.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        finally:
            probe.close()
        return error

    def finish_writing(self, fd: int) -> None:
        """Tell the peer that nothing more comes."""
        half = _socket.socket(fileno=os.dup(fd))
        try:
            half.shutdown(socket.SHUT_WR)
        except OSError as error:
            log.debug("shutdown: %s", error)
        finally:
            half.close()

    # Finding

    def find(self, key: int) -> Connection | None:
        """The connection that requests to *key* may use."""
        return self.by_address.get(key)

    def alias(self, connection: Connection, port: int) -> None:
        """RFC 5923: requests to *port* of the peer's address use this connection as well."""
        key = connection.key >> 16 << 16 | port
        if key in connection.aliases or not connection.is_reusable:
            return
        connection.aliases.append(key)
        self._publish(connection, key)

    def withdraw(self, connection: Connection) -> None:
        """Let no further request find *connection*."""
        for key in (connection.key, *connection.aliases):
            if self.by_address.get(key) is connection:
                del self.by_address[key]
                if self.directory is not None:
                    self.directory.withdraw(self.protocol, key, connection.id)

    def closed(self, connection: Connection, reason: str) -> None:
        """*connection* closed itself."""
        self.withdraw(connection)
        if self.connections.pop(connection.id, None) is not None:
            self.inbound -= connection.inbound
            self.on_close(connection, reason)

    def revive(self) -> None:
        """Start again whatever watcher something stopped."""
        for taken, listener, watcher in self._acceptors:
            if not watcher.active:
                watcher.start(self._acceptable, taken, listener)

    def stop_accepting(self) -> None:
        """Take no further connections; those that stand go on."""
        for _, _, watcher in self._acceptors:
            watcher.stop()
            watcher.close()
        self._acceptors.clear()

    def stop_accepting_at(self, listener: Listener) -> None:
        """Take no further connections at *listener*."""
        for each in [each for each in self._acceptors if each[1] is listener]:
            self._acceptors.remove(each)
            each[2].stop()
            each[2].close()

    def close(self) -> None:
        """Close all connections and stop accepting."""
        self.stop_accepting()
        for connection in list(self.connections.values()):
            connection.flush()
            connection.close("shutting down")
        os.close(self._spare)
