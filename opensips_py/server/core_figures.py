"""Statistics and events of the processes themselves: how busy they are, their memory, what waits in their sockets."""
from __future__ import annotations

import fcntl
import os
import socket
import struct
import termios
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from opensips_py.module import Event, Module, process_state, statistic, timer
from opensips_py.server import memory
from opensips_py.server.core_events import Stopwatch
from opensips_py.server.heartbeat import Pulse
from opensips_py.server.load import TURN, LoadMeter
from opensips_py.sip import address_host, address_port

if TYPE_CHECKING:
    from opensips_py.transport import Connection

SO_MEMINFO, MEMINFO = 55, struct.Struct("9I")  # the first number: bytes in the receive queue
LOADS = ("load", "load1m", "load10m")  # by period, see LoadMeter
STREAMS = frozenset(("tcp", "ws"))  # over TCP without TLS
ATTENDANT = 0  # the ID of the supervisor, as `ps` has it


class E_CORE_TCP_DISCONNECT(Event):
    """A connection ended, whoever closed it; *src* is the peer's end, *dst* ours."""

    src_ip: str
    src_port: int
    dst_ip: str
    dst_port: int
    proto: str


class E_CORE_PKG_THRESHOLD(Event):
    """A process takes more of the memory it may have than event_pkg_threshold says, in percent; sizes are bytes."""

    usage: int
    threshold: int
    used: int
    size: int
    pid: int


class E_CORE_SHM_THRESHOLD(Event):
    """More of the shared memory is given out than event_shm_threshold says, in percent; sizes are bytes."""

    usage: int
    threshold: int
    used: int
    size: int


class CoreFigures(Module, name="core_figures",
                  events=[E_CORE_TCP_DISCONNECT, E_CORE_PKG_THRESHOLD, E_CORE_SHM_THRESHOLD]):
    """How busy the processes of the server are, what memory they take, and what waits to be read."""

    meter: LoadMeter = process_state()
    reported: dict[str, int] = process_state(dict)  # kind of memory -> the usage that an event told last

    def start(self) -> None:
        """List the statistics of each process, and hear of connections that end."""
        services: Any = self.services
        self.pulse: Pulse = services.control.pulse
        self.measure()
        for number in range(services.workers + 2):
            self.list_process(number)
        self.list_sockets(services.transports.listeners)
        services.transports.on_disconnect = self.disconnected
        threshold = services.globals["tcpthreshold"]
        watch = Stopwatch(services.events, threshold, "tcp", lambda: None)
        for pool in services.transports.pools.values():
            pool.sent_after = watch.report if threshold else None

    # Load

    @timer(TURN)
    def measure(self) -> None:
        """Tell the other processes how busy this one is, and warn where memory runs short."""
        self.pulse.note(self.services.index, os.getpid(), self.meter.read())
        self.watch_private()
        if self.services.index == 0:
            self.watch_shared()

    def average(self, period: int, everything: bool = False) -> int:
        """The load of the workers, or of *everything* that works, in percent."""
        loads = [self.pulse.load(index, period) for index in range(self.services.workers + everything)]
        return round(sum(loads) / len(loads))

    @statistic("load", group="load", scope="any")
    def load_now(self) -> int:
        """How busy the workers were in the last second, in percent: the processor time of an average one."""
        return self.average(0)

    @statistic(group="load", scope="any")
    def load1m(self) -> int:
        """The same over the last minute."""
        return self.average(1)

    @statistic(group="load", scope="any")
    def load10m(self) -> int:
        """The same over the last ten minutes."""
        return self.average(2)

    @statistic("load-all", group="load", scope="any")
    def load_all(self) -> int:
        """How busy workers and management were in the last second, in percent."""
        return self.average(0, everything=True)

    @statistic("load1m-all", group="load", scope="any")
    def load1m_all(self) -> int:
        """The same over the last minute."""
        return self.average(1, everything=True)

    @statistic("load10m-all", group="load", scope="any")
    def load10m_all(self) -> int:
        """The same over the last ten minutes."""
        return self.average(2, everything=True)

    @statistic("tcp-load", group="load", scope="any")
    def tcp_load(self) -> int:
        """The load of what serves TCP: all the workers, for each serves all protocols."""
        return self.average(0)

    @statistic(group="load", scope="any")
    def processes_number(self) -> int:
        """How many processes the server has: the attendant, the workers, management."""
        return int(self.services.workers) + 2

    def list_sockets(self, listeners: Iterable[Any]) -> None:
        """2.1's load by socket: that of all the workers, for each reads every socket."""
        if self.dialect == "2.1":
            for each in listeners:
                if each.protocol == "udp":
                    self.figure("load", f"{each.uri_text}-load", self.tcp_load)

    # Each process

    def list_process(self, number: int) -> None:
        """The statistics of the process with the ID *number*."""
        if number != ATTENDANT:
            for period, name in enumerate(LOADS):
                self.figure("load", f"{name}-proc-{number}", partial(self.pulse.load, number - 1, period))
        figures: dict[str, Callable[[], int]] = {
            "total_size": memory.available, "used_size": lambda: self.private(number).used,
            "real_used_size": lambda: self.private(number).resident,
            "max_used_size": lambda: self.private(number).highest,
            "free_size": lambda: memory.available() - self.private(number).resident,
            "fragments": lambda: memory.areas(self.pid(number))}
        for name, function in figures.items():
            self.figure("pkmem", f"{number}-{name}", function)

    def figure(self, group: str, name: str, function: Callable[[], int]) -> None:
        """List a statistic that every worker works out the same."""
        self.services.statistics.register(group, name, "function", function, shared=True)

    def pid(self, number: int) -> int:
        """The process id of the process with the ID *number*."""
        if number == ATTENDANT:
            return int(self.services.boot.supervisor)
        return int(self.pulse.pid(number - 1))

    def private(self, number: int) -> memory.Private:
        """The memory of the process with the ID *number*."""
        return memory.private(self.pid(number))

    # Memory

    @statistic(group="shmem", scope="any")
    def total_size(self) -> int:
        """The words of memory that all processes share, in bytes."""
        return int(self.words.size)

    @statistic(group="shmem", scope="any")
    def used_size(self) -> int:
        """How much of them is given out, in bytes."""
        return int(self.words.used)

    @statistic(group="shmem", scope="any")
    def real_used_size(self) -> int:
        """The same: giving out costs nothing more."""
        return int(self.words.used)

    @statistic(group="shmem", scope="any")
    def max_used_size(self) -> int:
        """The same: what is given out never comes back."""
        return int(self.words.used)

    @statistic(group="shmem", scope="any")
    def free_size(self) -> int:
        """What is not given out yet, in bytes."""
        return int(self.words.size - self.words.used)

    @statistic(group="shmem", scope="any")
    def fragments(self) -> int:
        """How many pieces are given out."""
        return int(self.words.areas)

    @statistic(group="rpmem", scope="any")
    def rpm_total_size(self) -> int:
        """The file of what outlives the server (bindings, dialogs), in bytes; it grows on demand."""
        return int(self.services.environment.size)

    @statistic(group="rpmem", scope="any")
    def rpm_used_size(self) -> int:
        """How much of it the records take."""
        return self.pages()[0]

    @statistic(group="rpmem", scope="any")
    def rpm_real_used_size(self) -> int:
        """How much of it was ever taken: the pages of the records, and those that became free."""
        return self.pages()[1]

    @statistic(group="rpmem", scope="any")
    def rpm_max_used_size(self) -> int:
        """The same: pages that became free are used again, not given back."""
        return self.pages()[1]

    @statistic(group="rpmem", scope="any")
    def rpm_free_size(self) -> int:
        """What is left of it before it grows."""
        return int(self.services.environment.size) - self.pages()[1]

    @statistic(group="rpmem", scope="any")
    def rpm_fragments(self) -> int:
        """The pages that became free and wait to be used again."""
        _, taken, highest = self.services.environment.pages()
        return int(highest - taken)

    def pages(self) -> tuple[int, int]:
        """What records take of the file, and the most that they ever took, in bytes."""
        size, taken, highest = self.services.environment.pages()
        return size * taken, size * highest

    @property
    def words(self) -> Any:
        """The shared words of this server."""
        services: Any = self.services
        return services.memory

    def watch_private(self) -> None:
        """Raise E_CORE_PKG_THRESHOLD where this process takes too much, once for each change."""
        threshold = self.services.globals["event_pkg_threshold"]
        if threshold:
            used, size = memory.private().used, memory.available()
            usage = used * 100 // size
            if self.is_news("pkg", usage, threshold):
                self.raise_event(E_CORE_PKG_THRESHOLD(usage, threshold, used, size, os.getpid()))

    def watch_shared(self) -> None:
        """The same for the memory that all processes share."""
        threshold = self.services.globals["event_shm_threshold"]
        if threshold:
            used, size = self.words.used, self.words.size
            usage = used * 100 // size
            if self.is_news("shm", usage, threshold):
                self.raise_event(E_CORE_SHM_THRESHOLD(usage, threshold, used, size))

    def is_news(self, kind: str, usage: int, threshold: int) -> bool:
        """Whether *usage* is above *threshold* and another one than told before."""
        before, self.reported[kind] = self.reported.get(kind, 0), usage
        return usage > threshold and usage != before

    # Network

    @statistic(group="net")
    def waiting_udp(self) -> int:
        """Bytes that the kernel holds for our UDP sockets, its own overhead included."""
        return sum(queued(each.fd) for each in self.services.transports.datagrams.values())

    @statistic(group="net")
    def waiting_tcp(self) -> int:
        """Bytes that have come over our connections and are not read yet."""
        return self.unread(lambda protocol: protocol in STREAMS)

    @statistic(group="net")
    def waiting_tls(self) -> int:
        """The same over TLS, as it came."""
        return self.unread(lambda protocol: protocol not in STREAMS)

    def unread(self, wanted: Callable[[str], bool]) -> int:
        """What connections of the protocols that are *wanted* have not read."""
        return sum(waiting(each.fd) for protocol, pool in self.services.transports.pools.items() if wanted(protocol)
                   for each in pool.connections.values())

    def disconnected(self, connection: Connection, reason: str) -> None:
        """A connection ended."""
        listener = connection.listener
        if self.services.events.is_heard("E_CORE_TCP_DISCONNECT"):
            event = E_CORE_TCP_DISCONNECT(address_host(connection.key), address_port(connection.key), listener.host,
                                          listener.port, connection.protocol)
            self.services.spawn(self.raise_event, event)  # an event route may wait, whoever closes may not


def queued(fd: int) -> int:
    """The bytes in the receive queue of a socket of datagrams."""
    with socket.socket(fileno=os.dup(fd)) as probe:
        return int(MEMINFO.unpack(probe.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, MEMINFO.size))[0])


def waiting(fd: int) -> int:
    """The bytes of a stream that are not read."""
    return int(struct.unpack("i", fcntl.ioctl(fd, termios.FIONREAD, bytes(4)))[0])
