"""Relays and servers for the tests of rtpproxy."""
from __future__ import annotations

import contextlib
import importlib.util
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from opensips_py.testing import Server
from tests.live import HOST, free_ports

SCRIPT = """
log_level=3
dialect=@dialect@
socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "sipmsgops.so"
loadmodule "nathelper.so"
loadmodule "rtpproxy.so"
modparam("rtpproxy", "rtpproxy_retr", 1)
modparam("rtpproxy", "rtpproxy_timeout", "0.3")
@settings@
route {
@body@
}
@routes@
"""
Answering = Callable[[str], str | bytes | None]


class Fake:
    """A relay that answers as *answering* says; *asked* holds the commands, *cookies* what stood before them."""

    def __init__(self, answering: Answering | None = None, family: int = socket.AF_INET, place: Any = None) -> None:
        self.answering = answering or usual
        self.asked: list[str] = []
        self.cookies: list[bytes] = []
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind(place if place is not None else (HOST, free_ports()[0]))
        self.port = self.socket.getsockname()[1]
        self.url = f"udp:{HOST}:{self.port}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        """Answer one command after the other."""
        while True:
            try:
                data, sender = self.socket.recvfrom(65535)
            except OSError:
                return
            cookie, _, command = data.partition(b" ")
            if not cookie:
                return
            if command != b"V":
                self.asked.append(command.decode())
                self.cookies.append(cookie)
            answer = self.answering(command.decode())
            if answer is not None:
                raw = answer if isinstance(answer, bytes) else cookie + b" " + answer.encode() + b"\n"
                self.socket.sendto(raw, sender)

    def close(self) -> None:
        """Be gone."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(5)


def usual(command: str) -> str:
    """What a relay that works says: ports that tell which stream they are for."""
    if command == "V":
        return "20040107"
    if command[0] in "UL":
        return f"{30000 + 2 * int(command.split(';')[1].split(' ')[0])} 198.51.100.1"
    return "0"


@pytest.fixture
def fake() -> Iterator[Callable[..., Fake]]:
    """Makes relays that end with the test."""
    made: list[Fake] = []

    def make(answering: Answering | None = None, **how: Any) -> Fake:
        made.append(Fake(answering, **how))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Starts servers with *body* as the request route, and relays in set 0; they end with the test."""
    with contextlib.ExitStack() as stack:
        def begin(body: str, *relays: Any, settings: str = "", routes: str = "", dialect: str = "4.0") -> Server:
            text = SCRIPT
            if relays:
                urls = " ".join(each if isinstance(each, str) else each.url for each in relays)
                settings += f'\nmodparam("rtpproxy", "rtpproxy_sock", "{urls}")'
            if "onreply_route[r]" not in routes:
                routes += "\nonreply_route[r] { $var(r) = 1; }"
            for name, value in (("settings", settings), ("body", body), ("routes", routes), ("dialect", dialect)):
                text = text.replace(f"@{name}@", value)
            server = stack.enter_context(Server(text=text))
            server.script = text
            return server
        yield begin


class Relay:
    """The real RTPProxy in a process of its own."""

    def __init__(self) -> None:
        self.port, self.notify = free_ports(2)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="rtpproxy-"))
        self.path = str(self.folder / "control")
        self.url = f"udp:{HOST}:{self.port}"

    def start(self, notify: bool = False) -> None:
        """Start it, and wait until it is ready, or until it waits for go()."""
        program = pathlib.Path(__file__).with_name("relay.py")
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(program), str(self.port), self.path, str(self.notify if notify else 0)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=self.folder)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == (b"waiting\n" if notify else b"ready\n"), self.log

    def go(self) -> None:
        """Let one that waits for a listener connect to it."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == b"ready\n"

    @property
    def log(self) -> str:
        """What it has said."""
        return (self.folder / "log").read_text(errors="replace")

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        for each in (self.process.stdin, self.process.stdout):
            assert each is not None
            each.close()
        pathlib.Path(self.path).unlink(missing_ok=True)


@pytest.fixture
def relay() -> Iterator[Relay]:
    """A real RTPProxy, not started."""
    if importlib.util.find_spec("rtp") is None or importlib.util.find_spec("rtp.io") is None:
        pytest.skip("rtp.io is not installed")
    made = Relay()
    yield made
    if hasattr(made, "process"):
        made.stop()
    shutil.rmtree(made.folder, ignore_errors=True)
