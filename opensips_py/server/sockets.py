"""The sockets of all workers, bound once by the supervisor: not by transport.sockets, which needs gevent."""
from __future__ import annotations

import errno
import logging
import os
import socket
from collections.abc import Callable, Sequence

from opensips_py.errors import ConfigError
from opensips_py.server.boot import BoundListener

log = logging.getLogger(__name__)

BACKLOG = 1024
DATAGRAM = {"udp"}  # every other protocol runs over TCP's sockets


def kind(protocol: str) -> int:
    """The socket type of a SIP transport *protocol*."""
    return socket.SOCK_DGRAM if protocol in DATAGRAM else socket.SOCK_STREAM


def family(host: str) -> int:
    """The address family of the IP address *host*."""
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def reason(error: OSError, listener: BoundListener) -> str:
    """One line that says why *listener* cannot be bound."""
    where = f"{listener.protocol}:{listener.host}:{listener.port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where}: the port is in use by another program"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"{where}: no permission to bind it (ports below 1024 take root or CAP_NET_BIND_SERVICE)"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{where}: this machine has no such address"
    return f"{where}: {os.strerror(error.errno) if error.errno else error}"


def bound(listener: BoundListener, shared: bool) -> socket.socket:
    """One socket for *listener*; *shared* ones may be as many as there are workers."""
    result = socket.socket(family(listener.host), kind(listener.protocol))
    try:
        if result.family == socket.AF_INET6:
            result.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if result.type == socket.SOCK_STREAM:
            result.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            result.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        result.bind((listener.host, listener.port))
        return result
    except OSError:
        result.close()
        raise


def bind(listener: BoundListener, workers: int, receive_buffer: int = 0, backlog: int = 0,
         steer: Callable[[socket.socket, int], object] | None = None) -> list[socket.socket]:
    """One socket per worker for *listener*, in the order of the workers; *steer* attaches a program to the group."""
    try:
        # SO_REUSEPORT would let us share the port with another server of the same user: nobody may have it before us.
        # Port 0 has no owner: the system gives the first socket one, which the others then share.
        first = bound(listener, shared=False)
        listener.port = first.getsockname()[1]
        first.close()
        group = [bound(listener, shared=True) for _ in range(workers)]
        for each in group:
            each.setblocking(False)
            if each.type == socket.SOCK_STREAM:
                each.listen(max(backlog, BACKLOG))
            elif receive_buffer:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    except OSError as error:
        raise ConfigError(reason(error, listener)) from None
    if steer is not None and workers > 1 and group[0].type == socket.SOCK_DGRAM:
        steer(group[0], workers)
    return group


def close(groups: Sequence[Sequence[socket.socket]]) -> None:
    """Close all sockets."""
    for group in groups:
        for each in group:
            each.close()
