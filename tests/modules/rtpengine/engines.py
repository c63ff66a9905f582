"""Engines to ask: Debian's rtpengine in user space, and one that says what a test wants."""
from __future__ import annotations

import contextlib
import pathlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from opensips_py.modules.rtpengine import bencode
from tests.live import HOST, free_ports

RTPENGINE = shutil.which("rtpengine") or shutil.which("rtpengine", path="/usr/sbin:/usr/bin")
needs_rtpengine = pytest.mark.skipif(RTPENGINE is None, reason="rtpengine is not installed")
MEDIA_PORTS = 60
Answering = Callable[[dict[str, Any]], Any]


def ask(port: int, question: dict[str, Any], seconds: float = 1.0) -> dict[str, Any] | None:
    """The answer of an engine; None where it gives none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(seconds)
        with contextlib.suppress(OSError):
            sock.connect((HOST, port))
            sock.send(b"%d " % time.perf_counter_ns() + bencode.encode(question))
            answer: dict[str, Any] = bencode.decode(sock.recv(65535).partition(b" ")[2])
            return answer
    return None


class Daemon:
    """A running rtpengine; *port* is that of its ng protocol."""

    def __init__(self, folder: pathlib.Path, *arguments: str) -> None:
        self.port, first = free_ports(2)
        self.folder = folder
        first = 30000 + first % 500 * MEDIA_PORTS
        assert RTPENGINE is not None
        self.command = [
            RTPENGINE, "-f", "-E", "--config-file=none", "--table=-1", f"--interface={HOST}",
            f"--listen-ng={HOST}:{self.port}", f"--port-min={first}", f"--port-max={first + MEDIA_PORTS}",
            f"--recording-dir={folder}", "--recording-method=pcap", "--recording-format=eth", "--log-level=6",
            "--num-threads=2", "--media-num-threads=1", "--delete-delay=0", *arguments]

    def __enter__(self) -> Daemon:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.log = open(self.folder / "rtpengine.log", "ab")  # noqa: SIM115
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        end = time.perf_counter() + 20
        while ask(self.port, {"command": "ping"}, 0.1) is None:
            if time.perf_counter() > end or self.process.poll() is not None:
                self.stop()
                raise AssertionError((self.folder / "rtpengine.log").read_text()[-3000:])
            time.sleep(0.02)

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        self.log.close()


class Fake:
    """An engine that answers as *answering* says: with a dictionary, with bytes as they are, or with nothing.

    *asked* holds the questions, each with its cookie.
    """

    def __init__(self, answering: Answering | None = None, family: int = socket.AF_INET, place: Any = None) -> None:
        self.answering = answering or (lambda question: PONG if question["command"] == "ping" else OK)
        self.asked: list[dict[str, Any]] = []
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind(place if place is not None else (HOST, free_ports()[0]))
        self.port = self.socket.getsockname()[1] if place is None or family != socket.AF_UNIX else 0
        self.url = f"udp:{HOST}:{self.port}"
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        """Answer one question after the other."""
        while True:
            try:
                data, sender = self.socket.recvfrom(65535)
            except OSError:
                return
            cookie, _, rest = data.partition(b" ")
            if not cookie:
                return
            question = bencode.decode(rest)
            self.asked.append({**question, "cookie": cookie})
            answer = self.answering(question)
            if answer is not None:
                raw = answer if isinstance(answer, bytes) else cookie + b" " + bencode.encode(answer)
                self.socket.sendto(raw, sender)

    def commands(self) -> list[str]:
        """What was asked, pings left out."""
        return [each["command"] for each in self.asked if each["command"] != "ping"]

    def close(self) -> None:
        """Be gone."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(5)


PONG = {"result": "pong"}
SDP = "v=0\r\no=- 1 1 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\nm=audio 30000 RTP/AVP 0\r\n"
OK = {"result": "ok", "sdp": SDP}


@pytest.fixture
def fake() -> Iterator[Callable[..., Fake]]:
    """Makes engines that end with the test."""
    made: list[Fake] = []

    def make(answering: Answering | None = None, **how: Any) -> Fake:
        made.append(Fake(answering, **how))
        return made[-1]

    yield make
    for each in made:
        each.close()
