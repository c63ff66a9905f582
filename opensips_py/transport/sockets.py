"""Sockets of listeners: binding them, and the options of those a worker inherits. Nothing here needs gevent."""
from __future__ import annotations

import _socket
import contextlib
import errno
import os
import socket

from opensips_py.errors import TransportError
from opensips_py.transport.listener import Listener

IP_MTU_DISCOVER, IP_PMTUDISC_DONT, IP_RECVERR, IPV6_RECVERR, SO_SNDBUFFORCE, SO_RCVBUFFORCE = 10, 0, 11, 25, 32, 33
RECEIVE_BUFFER = 4 << 20  # bytes; a stall of 0.1 s at 10,000 messages a second must not lose any
SEND_BUFFER = 4 << 20  # bytes; what waits for a neighbour that does not answer ARP must not hold up all others
BACKLOG = 1024


def is_datagram(protocol: str) -> bool:
    """Whether *protocol* sends datagrams; all others run over TCP."""
    return protocol == "udp"


def bind(listener: Listener, reuse_port: bool = True, backlog: int = BACKLOG) -> socket.socket:
    """A socket bound to *listener*'s address; *reuse_port* lets further workers bind it as well.

    Port 0 is replaced in *listener* by the one that the system chose.
    """
    family = socket.AF_INET6 if listener.is_ipv6 else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_DGRAM if is_datagram(listener.protocol) else socket.SOCK_STREAM)
    try:
        bound.setblocking(False)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if bound.type == socket.SOCK_STREAM:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((listener.host, listener.port))
        if bound.type == socket.SOCK_STREAM:
            bound.listen(backlog)
    except OSError as error:
        bound.close()
        raise TransportError(reason(error, listener)) from error
    if not listener.port:
        listener.rename(bound.getsockname()[1])
    return bound


def reason(error: OSError, listener: Listener) -> str:
    """One line that says why *listener* cannot be bound."""
    why = {errno.EADDRINUSE: "the port is in use by another program",
           errno.EACCES: "no permission to use this port",
           errno.EADDRNOTAVAIL: "this machine has no such address"}
    return f"{listener}: {why.get(error.errno or 0, os.strerror(error.errno or 0))}"


def adopt(fd: int, listener: Listener, tos: int = 0, receive_buffer: int = 0) -> _socket.socket:
    """Take over an inherited descriptor of *listener* and set its options, which need no privileges.

    The socket is the bare one of the C library: we wait for it ourselves, also where gevent has patched the rest.
    """
    taken = _socket.socket(fileno=fd)
    taken.setblocking(False)
    os.set_inheritable(fd, False)
    if not listener.port:
        listener.rename(taken.getsockname()[1])
    set_tos(taken, listener, tos)
    if is_datagram(listener.protocol):
        grow_buffer(taken, receive_buffer or RECEIVE_BUFFER, socket.SO_RCVBUF, SO_RCVBUFFORCE)
        grow_buffer(taken, SEND_BUFFER, socket.SO_SNDBUF, SO_SNDBUFFORCE)
        report_errors(taken, listener)
    return taken


def report_errors(taken: _socket.socket, listener: Listener) -> None:
    """Let the kernel tell us of ICMP errors (RFC 3261, 18.4); `frag` lets routers fragment what we send."""
    if listener.is_ipv6:
        taken.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
        return
    taken.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
    if listener.options.get("frag"):
        taken.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)


def set_tos(taken: _socket.socket, listener: Listener, tos: int) -> None:
    """Mark what leaves with the listener's own type of service, else with *tos*; 0 leaves it as it is."""
    value = int(listener.options.get("tos") or tos)
    if not value:
        return
    with contextlib.suppress(OSError):  # the highest precedences are for CAP_NET_ADMIN; SIP works without
        if listener.is_ipv6:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, value)
        else:
            taken.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, value)


def set_multicast(taken: _socket.socket, listener: Listener, ttl: int, loopback: bool) -> None:
    """Say how far multicast goes (*ttl* -1: as the system has it), and join the group that *listener* is."""
    group = socket.inet_pton(socket.AF_INET6 if listener.is_ipv6 else socket.AF_INET, listener.host)
    if listener.is_ipv6:
        taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, int(loopback))
        taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, ttl)
        if group[0] == 0xFF:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + bytes(4))
        return
    taken.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, int(loopback))
    taken.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl if ttl >= 0 else 1)
    if group[0] >> 4 == 0xE:
        taken.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group + bytes(4))


def grow_buffer(taken: _socket.socket, size: int, option: int, forced: int) -> None:
    """Enlarge a buffer to *size* bytes: past the system's limit (*forced*) where we may, else up to it."""
    if taken.getsockopt(socket.SOL_SOCKET, option) >= 2 * size:  # the kernel counts its own needs twice
        return
    try:
        taken.setsockopt(socket.SOL_SOCKET, forced, size)
    except OSError:
        taken.setsockopt(socket.SOL_SOCKET, option, size)
