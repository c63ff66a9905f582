"""All transports of one worker: the listeners, sending to a target, and which addresses are our own."""
from __future__ import annotations

import _socket
import itertools
import logging
import os
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import gevent

from opensips_py.errors import TransportError
from opensips_py.restraint import Restraint
from opensips_py.sip._scan import Request
from opensips_py.timers import Wheel
from opensips_py.transport._udp import LoopEnd, UdpSocket
from opensips_py.transport.bonds import BOND
from opensips_py.transport.connection import Connection, Report
from opensips_py.transport.directory import ConnectionGone
from opensips_py.transport.listener import IPV6, AddressKey, Listener, Port
from opensips_py.transport.names import Names
from opensips_py.transport.pool import Pool
from opensips_py.transport.routing import local_address, read_peer
from opensips_py.transport.settings import Counters, Settings
from opensips_py.transport.sharing import RemoteConnection, Sharing
from opensips_py.transport.sockets import adopt, is_datagram, set_multicast
from opensips_py.transport.target import Target

log = logging.getLogger("opensips_py.transport")
complaints = Restraint(log)

OnDatagrams = Callable[[Listener, list[tuple[bytes, int]]], object]
OnMessage = Callable[[bytes, int, Listener, Connection], object]
Retired = list[tuple[Listener, int]]
Submit = Callable[[Callable[[Any], object], Any], object]


class Transports:
    """What a worker sends and receives with.

    *on_datagrams* gets (listener, batch), *on_message* one message of a stream; both are called in the event loop and
    must not wait. Reports of streams go through *submit*, which runs them where they may. *on_unreachable*, when set,
    gets (listener, address key, errno) for datagrams that the kernel or an ICMP error refused; *on_disconnect* gets
    (connection, reason).
    """

    target = Target

    def __init__(self, settings: Settings, wheel: Wheel, on_datagrams: OnDatagrams, on_message: OnMessage,
                 submit: Submit | None = None, counters: Counters | None = None) -> None:
        self.settings = settings
        self.wheel = wheel
        self.on_datagrams = on_datagrams
        self.on_message = on_message
        self.counters = counters if counters is not None else Counters()
        self.on_unreachable: Callable[[Listener, int, int], object] | None = None
        self.on_disconnect: Callable[[Connection, str], object] | None = None
        self.on_sent: Callable[[Target, bytes], object] | None = None  # while calls are traced
        self.listeners: list[Listener] = []
        self.numbered: dict[int, Listener] = {}  # by index, those included that come or go
        self._reserved: list[Listener] = []
        self._retired: dict[int, int] = {}  # by index: which time it was
        self.names = Names()
        self.loop = gevent.get_hub().loop
        self.loop_end = LoopEnd(self.loop, settings.pause)
        self.datagrams: dict[int, UdpSocket] = {}  # by index of the listener
        self.pools: dict[str, Pool] = {}
        self.sharing: Sharing | None = None
        self._submit: Submit = submit if submit is not None else self.loop.run_callback
        self.sockets: list[tuple[_socket.socket, Listener]] = []
        self._choices: dict[tuple[str, bool, bool], Listener | None] = {}
        self._identifiers = itertools.count(1)

    # Listeners

    def add(self, listener: Listener, fd: int, number: Port = -1) -> Listener:
        """Take over *fd*, which is bound to *listener*'s address; reading begins with start().

        *number* is the index by which all workers know it, -1: its place in the list.
        """
        self._take(listener, fd, len(self.listeners) if number < 0 else number)
        self._admit(listener)
        return listener

    def _admit(self, listener: Listener) -> None:
        self.listeners.append(listener)
        self.names.add_listener(listener)
        self._choices.clear()

    def _take(self, listener: Listener, fd: int, number: Port) -> None:
        settings = self.settings
        taken = adopt(fd, listener, settings.tos, settings.receive_buffer)
        listener.index = number
        self.numbered[number] = listener
        self.sockets.append((taken, listener))
        if is_datagram(listener.protocol):
            set_multicast(taken, listener, settings.multicast_ttl, settings.multicast_loopback)
            receive = partial(self.on_datagrams, listener)
            made = UdpSocket(taken.fileno(), listener, receive, self.loop_end, settings.udp_queue, listener.is_ipv6)
            made.on_error = partial(self._unreachable, listener)
            self.datagrams[listener.index] = made
        else:
            self.pool(listener.protocol)

    def pool(self, protocol: str) -> Pool:
        """The connections over *protocol*."""
        found = self.pools.get(protocol)
        if found is None:
            found = Pool(protocol, self.settings, self.counters, self.wheel, self.loop, self.loop_end, self.tell,
                         self.on_message, self._disconnected, self._identifiers)
            found.directory = self.sharing.directory if self.sharing is not None else None
            self.pools[protocol] = found
        return found

    def share(self, sharing: Sharing) -> None:
        """Let other workers use our connections, and use theirs."""
        self.sharing = sharing
        for pool in self.pools.values():
            pool.directory = sharing.directory

    def remote_connection(self, worker: int, identifier: int, key: int, listener: Listener) -> RemoteConnection:
        """The connection over which another worker read a request that it handed over."""
        assert self.sharing is not None
        return RemoteConnection(self.sharing, worker, identifier, key, listener)

    def start(self) -> None:
        """Read and accept from now on."""
        for taken, listener in self.sockets:
            self._begin(taken, listener)

    def _begin(self, taken: _socket.socket, listener: Listener) -> None:
        if is_datagram(listener.protocol):
            self.datagrams[listener.index].start()
        else:
            self.pools[listener.protocol].listen(taken, listener)

    # Listeners that come and go while the others work

    def reserve(self, listener: Listener, fd: int, number: Port) -> None:
        """Hold a listener ready: other workers may hand over what they read there, we read nothing yet."""
        back = self.numbered.get(number)
        if back is None:
            self._take(listener, fd, number)
        else:  # it was removed a moment ago, and is read to this moment
            os.close(fd)
        self._reserved.append(back or listener)

    def admit_reserved(self) -> None:
        """Read what was reserved, and send from there."""
        reserved, self._reserved = self._reserved, []
        for taken, listener in self.sockets:
            if listener in reserved:
                self._retired.pop(listener.index, None)
                self._admit(listener)
                self._begin(taken, listener)

    def forget_reserved(self) -> None:
        """Close what was reserved."""
        reserved, self._reserved = self._reserved, []
        self._close_sockets([each for each in reserved if each.index not in self._retired])

    def retire(self, numbers: Iterable[int]) -> Retired:
        """Begin nothing more from the listeners with these *numbers*, and accept no connection there; what was begun
        goes on until close_retired(), which is given what this returns."""
        found = [self.numbered[number] for number in numbers if number in self.numbered]
        for each in found:
            self._retired[each.index] = next(self._identifiers)
            if each in self.listeners:
                self.listeners.remove(each)
            if not is_datagram(each.protocol):
                self.pools[each.protocol].stop_accepting_at(each)
        self._choices.clear()
        return [(each, self._retired[each.index]) for each in found]

    def close_retired(self, retired: Retired) -> None:
        """Close the sockets of listeners that have been retired, unless they have come back; their connections stand
        until they end."""
        gone = [each for each, number in retired if self._retired.get(each.index) == number]
        self._close_sockets(gone)
        for each in gone:
            del self._retired[each.index]
            self.names.forget_listener(each, self.listeners)

    def _close_sockets(self, gone: list[Listener]) -> None:
        for taken, listener in [each for each in self.sockets if each[1] in gone]:
            self.sockets.remove((taken, listener))
            self.numbered.pop(listener.index, None)
            if is_datagram(listener.protocol):
                self.datagrams.pop(listener.index).close()
            taken.close()

    def revive(self) -> None:
        """Start again whatever something stopped: a watcher that is not active leaves the worker deaf."""
        self.loop_end.start()
        for each in self.datagrams.values():
            each.start()
        for pool in self.pools.values():
            pool.revive()

    def stop(self) -> None:
        """Read no further datagrams and accept no further connections; sending goes on."""
        for each in self.datagrams.values():
            each.stop()
        for pool in self.pools.values():
            pool.stop_accepting()

    def close(self) -> None:
        """Send what is queued as far as that goes at once, and close everything."""
        self.loop_end.flush()
        for pool in self.pools.values():
            pool.close()
        for each in self.datagrams.values():
            each.close()
        for taken, _ in self.sockets:
            taken.close()
        self.loop_end.close()

    # What arrives

    def _unreachable(self, listener: Listener, key: int, error: int) -> None:
        if self.on_unreachable is not None:
            self.on_unreachable(listener, key, error)

    def _disconnected(self, connection: Connection, reason: str) -> None:
        log.debug("%s: %s", connection, reason)
        if self.on_disconnect is not None:
            self.on_disconnect(connection, reason)

    # What leaves

    def send(self, target: Target, data: bytes, report: Report | None = None) -> None:
        """Send *data* to *target*; of streams *report* is told None, or the error, when that is known.

        Raises TransportError where nothing can be tried: no listener fits, or no connection exists and none may be
        opened. Datagrams leave before the loop waits again.
        """
        listener = target.listener
        if listener is None:
            listener = self.choose_listener(target.protocol, target.address)
            if listener is None:
                raise TransportError(f"no {target.protocol} listener fits to send to {target}")
        if target.protocol == "udp":
            self.datagrams[listener.index].send(data, target.address)
        else:
            self._send_stream(target, listener, data, report)
        if self.on_sent is not None:
            self.on_sent(target, data)

    def _send_stream(self, target: Target, listener: Listener, data: bytes, report: Report | None) -> None:
        connection = target.connection
        if connection is not None and connection.is_open:
            if isinstance(connection, RemoteConnection):  # it may be closed by now: then one is opened, as below
                report = partial(self._sent_elsewhere, target, listener, data, report)
            connection.send(data, report)
            return
        pool = self.pool(target.protocol)
        found = pool.find(target.address)
        if found is not None:
            found.send(data, report)
            return
        elsewhere = self.sharing.directory.find(target.protocol, target.address) if self.sharing is not None else None
        if elsewhere is not None and self.sharing is not None:
            sent = partial(self._sent_elsewhere, target, listener, data, report)
            self.sharing.send(*elsewhere, target.address, data, sent)
            return
        self._open(target, listener, data, report)

    def _sent_elsewhere(self, target: Target, listener: Listener, data: bytes, report: Report | None,
                        error: TransportError | None) -> None:
        """Another worker tells what became of *data*; one whose connection is gone leaves it to us to open one."""
        if isinstance(error, ConnectionGone):
            try:
                self._open(target, listener, data, report)
            except TransportError as refused:
                self.tell(report, refused)
        elif report is not None:
            report(error)

    def _open(self, target: Target, listener: Listener, data: bytes, report: Report | None) -> None:
        if not target.may_connect:
            raise TransportError(f"{target}: no connection, and none may be opened")
        try:
            connection = self.pool(target.protocol).open(listener, target.address)
        except TransportError as error:
            if report is None:
                complaints.say("%s", error)
            self.tell(report, error)
            return
        connection.send(data, report)

    def deliver(self, identifier: int, key: int, data: bytes, report: Report | None) -> None:
        """Send *data* over one of our connections on behalf of another worker."""
        found = self.owned(identifier, key)
        if found is None:
            self.tell(report, ConnectionGone(f"connection {identifier} is closed"))
        else:
            found.send(data, report)

    def owned(self, identifier: int, key: int) -> Connection | None:
        """Our connection with that *identifier*, if it is still the one to *key*."""
        found = self.connection(identifier)
        return found if found is not None and found.is_open and (key == found.key or key in found.aliases) else None

    def tell(self, report: Report | None, error: TransportError | None) -> None:
        """Have *report* called with *error*, not before our caller has returned."""
        if report is not None:
            self._submit(report, error)

    # Connections

    def connections(self) -> Iterable[Connection]:
        """All connections of this worker."""
        return itertools.chain.from_iterable(tuple(pool.connections.values()) for pool in self.pools.values())

    def connection(self, identifier: int) -> Connection | None:
        """The connection with that *identifier*."""
        for pool in self.pools.values():
            if identifier in pool.connections:
                return pool.connections[identifier]
        return None

    def find_connection(self, protocol: str, key: int) -> Connection | None:
        """This worker's connection to an address; '' as *protocol* means any."""
        pools = [pool for name, pool in self.pools.items() if protocol in ("", name)]
        return next((found for pool in pools if (found := pool.find(key)) is not None), None)

    def close_connection(self, text: str) -> bool:
        """Close one connection by identifier, ``ip:port`` or ``proto:ip:port``; whether there was one."""
        if text.isdigit():
            found = self.connection(int(text))
        else:
            protocol, key = read_peer(text)
            found = self.find_connection(protocol, key)
        if found is None:
            return False
        found.close("closed on request")
        return True

    def accept_alias(self, request: Request) -> None:
        """RFC 5923: with tcp_accept_aliases, have requests to the sent-by port of a Via with ;alias come this way."""
        connection = request.connection
        if not self.settings.tcp_accept_aliases or connection is None:
            return
        via = request.top_via
        if via.parameter("alias") is not None:
            connection.alias(via.port or self.settings.ports.get(connection.protocol, 5060))

    # Addresses

    def choose_listener(self, protocol: str, address: AddressKey, preferred: Listener | None = None,
                        received: Listener | None = None) -> Listener | None:
        """The listener to leave by towards *address*: *preferred*, or of a bond the member that can get there, if one
        can; with mhomed that which the kernel's routes lead to; else *received*, if it can; else the first that can."""
        ipv6 = address >= IPV6
        loopback = is_loopback(address)
        if preferred is not None and preferred.protocol == BOND:
            preferred = self._of_bond(preferred, protocol, ipv6, loopback)
        if preferred is not None and preferred.protocol == protocol and preferred.is_ipv6 == ipv6 \
                and is_loopback(preferred.address) <= loopback:
            return preferred
        if self.settings.mhomed:
            found = self._by_route(protocol, address)
            if found is not None:
                return found
        if received is not None and received.protocol == protocol and received.is_ipv6 == ipv6 \
                and is_loopback(received.address) <= loopback:
            return received
        choice = (protocol, ipv6, loopback)
        if choice not in self._choices:
            self._choices[choice] = self._first_fit(*choice)
        return self._choices[choice]

    def _of_bond(self, bond: Any, protocol: str, ipv6: bool, loopback: bool) -> Listener | None:
        """The member of *bond* that leads there; None where none does."""
        members: list[Listener] = bond.members
        for each in members:
            if each.protocol == protocol and each.is_ipv6 == ipv6 and is_loopback(each.address) <= loopback:
                return each
        return None

    def _first_fit(self, protocol: str, ipv6: bool, loopback: bool) -> Listener | None:
        """A loopback address reaches nothing else, so it serves loopback destinations alone, and those first."""
        fit = [each for each in self.listeners if each.protocol == protocol and each.is_ipv6 == ipv6]
        same = [each for each in fit if is_loopback(each.address) == loopback]
        return next(iter(same or fit), None)

    def _by_route(self, protocol: str, address: int) -> Listener | None:
        """mhomed: the listener on the address that the kernel would leave by."""
        host = local_address(address)
        return next((each for each in self.listeners if each.protocol == protocol and each.host == host), None)

    def listener_named(self, text: str) -> Listener | None:
        """The listener that *text*, protocol:host:port, means; None where we have it no more."""
        return next((each for each in self.listeners if each.uri_text == text), None)

    def is_local(self, host: str, port: Port = 0, protocol: str | None = None) -> bool:
        """Whether *host* and *port* (0: any) are ours: a listener, an advertised address, or an alias."""
        return self.names.is_local(host, port, protocol or "")


def is_loopback(address: int) -> bool:
    """Whether an address key is one of this machine's loopback addresses."""
    return address >> 16 == IPV6 >> 16 | 1 if address >= IPV6 else address >> 40 == 127
