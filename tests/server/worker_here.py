"""A real worker with real sockets in the process of the test: what a script sets can be seen in the kernel."""
from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import gevent
from gevent import socket

from opensips_py.module import life
from opensips_py.script.preprocessor import read_text
from opensips_py.server import check, generation, sources
from opensips_py.server.boot import Boot
from opensips_py.server.heartbeat import Pulse
from opensips_py.server.sources import Recorder
from opensips_py.server.worker import Worker, listener_of
from opensips_py.statistics import Statistics
from opensips_py.transport import bind
from tests.live import free_ports

HOST, PATH, WORDS = "127.0.0.1", "/here.cfg", 16 << 20
MODULES = "".join(f'loadmodule "{name}.so"\n' for name in ("proto_udp", "proto_tcp", "sl", "signaling", "tm"))
ROUTE = 'route { if ($rU == "here") sl_send_reply(200, "Here"); else t_relay(); exit; }\n'


class Here(ExitStack):
    """The core parameters *text* and *route* on UDP and TCP sockets of 127.0.0.1, in one worker of *dialect*."""

    def __init__(self, text: str = "", route: str = ROUTE, dialect: str = "4.0", sockets: str = "",
                 modules: str = "") -> None:
        super().__init__()
        self.port = free_ports()[0]
        word = "listen" if dialect == "2.1" else "socket"
        sockets = sockets or f"{word}=udp:{HOST}:{self.port}\n{word}=tcp:{HOST}:{self.port}\n"
        self.told: list[tuple[str, dict[str, Any]]] = []
        try:
            self.begin(f"dialect={dialect}\n{sockets}{text}\n{MODULES}{modules}{route}")
        except BaseException:
            self.close()
            raise

    def begin(self, text: str) -> None:
        """Start the worker on *text*."""
        root = logging.getLogger()
        self.callback(root.handlers.__setitem__, slice(None), root.handlers[:])
        logger = logging.getLogger("opensips_py")
        self.callback(logger.setLevel, logger.level)
        recorder = Recorder(lambda path: text if path == PATH else read_text(path))
        self.description = check.described(generation.read(PATH, {}, recorder))
        assert not self.description.errors, "\n".join(self.description.errors)
        control: Any = SimpleNamespace(set_writing=lambda writing: None, pulse=self.pulse())
        self.worker = Worker(self.boot(recorder), control)
        self.worker.begin()
        self.callback(self.end)
        self.hear()
        self.worker.transports.loop_end.start()
        self.worker.transports.start()
        self.worker.routes.begin(first=True, restarted=False)
        gevent.sleep(0)

    def pulse(self) -> Pulse:
        """Heartbeats of a worker and a management process."""
        fd = Pulse.create(2)
        made = Pulse(fd, 2)
        os.close(fd)
        self.callback(made.close)
        return made

    def boot(self, recorder: Recorder) -> Boot:
        """What a supervisor would tell the worker, sockets among it."""
        texts, words, numbers = sources.create(), os.memfd_create("words"), Statistics.create(2)
        os.ftruncate(words, WORDS)
        for fd in (*texts, words, numbers):
            self.callback(os.close, fd)
        sources.place(texts, 1, recorder.texts)
        listeners = self.description.listeners
        for each in listeners:
            each.fd = bind(listener_of(each), backlog=self.description.backlog or 10).detach()
        state = self.enter_context(tempfile.TemporaryDirectory())
        return Boot(PATH, 0, 1, sources=texts, listeners=listeners, statistics_fd=numbers, words_fd=words,
                    words_size=WORDS, state_dir=state, started=time.time(), supervisor=os.getppid(),
                    logging=self.description.logging)

    def hear(self) -> None:
        """Keep every event that is raised."""
        publisher: Any = self.worker.events
        tell = publisher.raise_event

        def noted(event: str, values: Any) -> None:
            if event != "E_CORE_SR_STATUS_CHANGED":  # that the server starts
                self.told.append((event, dict(values)))
            tell(event, values)
        publisher.raise_event = noted
        publisher.is_heard = lambda event: True

    def end(self) -> None:
        """End the worker."""
        life.stop(self.worker.generation.registry)
        self.worker.environment.commits.flush()
        self.worker.ticker.stop()
        self.worker.transports.close()
        self.worker.environment.close()

    # What a client does

    def udp(self, connect: bool = True) -> Any:
        """A phone's socket."""
        made = self.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        made.bind((HOST, 0))
        made.settimeout(5)
        if connect:
            made.connect((HOST, self.port))
        return made

    def tcp(self) -> Any:
        """A connection to the worker."""
        made = self.enter_context(socket.create_connection((HOST, self.port), 5))
        gevent.sleep(0.001)
        return made

    def taken(self, protocol: str) -> Any:
        """The worker's own socket for *protocol*."""
        return next(each for each, listener in self.worker.transports.sockets if listener.protocol == protocol)

    def counted(self, name: str) -> int:
        """The statistic *name*."""
        found: Any = self.worker.statistics.get(name)
        return int(found.value)


def request(port: int, own: int, method: str = "OPTIONS", uri: str = "", protocol: str = "UDP", headers: str = "",
            call_id: str = "c1") -> bytes:
    """A request for the worker itself, or for *uri*."""
    target = uri or f"sip:here@{HOST}:{port}"
    return (f"{method} {target} SIP/2.0\r\nVia: SIP/2.0/{protocol} {HOST}:{own};branch=z9hG4bK{call_id};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:alice@{HOST}>;tag=a\r\nTo: <sip:bob@{HOST}>\r\nCall-ID: {call_id}\r\n"
            f"CSeq: 1 {method}\r\n{headers}Content-Length: 0\r\n\r\n").encode()


def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Let the loop run until *condition* holds."""
    with gevent.Timeout(seconds):
        while not condition():
            gevent.sleep(0.002)
