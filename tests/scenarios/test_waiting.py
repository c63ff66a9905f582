"""Routes that wait for HTTP or a program hold up nobody: one worker answers others while four kinds of route wait.

How much later the others are answered is measured by loadtest/waiting.py.
"""
from __future__ import annotations

import http.server
import os
import pathlib
import socket
import threading
from collections.abc import Iterator
from multiprocessing.connection import wait

import pytest

from loadtest.waiting import message
from tests.live import Server

SCRIPT = """
socket=udp:127.0.0.1:@PORT@
udp_workers=1
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "rest_client.so"
loadmodule "exec.so"
route {
	if ($rU == "http") rest_get("http://127.0.0.1:@HTTP@/", $avp(out));
	else if ($rU == "program") exec("cat @PIPES@/$rU", , $avp(out));
	else if ($rU == "http_async") async(rest_get("http://127.0.0.1:@HTTP@/", $avp(out)), answer);
	else if ($rU == "program_async") async(exec("cat @PIPES@/$rU", , $avp(out)), answer);
	else $avp(out) = "quick";
	sl_send_reply(200, "$avp(out)");
}
route[answer] {
	sl_send_reply(200, "$avp(out)");
}
"""
SLOW = ("http", "program", "http_async", "program_async")
OTHERS = 100


class Held(http.server.BaseHTTPRequestHandler):
    """Answers when it may."""

    def do_GET(self) -> None:
        asked, released = self.server.held  # type: ignore[attr-defined]
        asked.release()
        released.wait(30)
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"late")

    def log_message(self, *_: object) -> None:
        """Nothing."""


class Client:
    """Asks the server, and knows who has been answered."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))

    def ask(self, user: str, number: int) -> None:
        self.socket.send(message(user, number, self.socket.getsockname()[1]))

    def answers(self, count: int) -> dict[str, str]:
        """The next answers: reason phrases by Call-ID, all that come in ten seconds."""
        found: dict[str, str] = {}
        while len(found) < count and wait([self.socket], 10):
            first, _, rest = self.socket.recv(65536).decode().partition("\r\n")
            found[rest.partition("Call-ID: ")[2].partition("\r\n")[0]] = first.removeprefix("SIP/2.0 200 ")
        return found


@pytest.fixture
def held() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Held) as serving:
        serving.held = threading.Semaphore(0), threading.Event()  # type: ignore[attr-defined]
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving
        serving.held[1].set()  # type: ignore[attr-defined]
        serving.shutdown()


def test_others_are_answered_meanwhile(held: http.server.ThreadingHTTPServer, tmp_path: pathlib.Path) -> None:
    programs = [tmp_path / "program", tmp_path / "program_async"]
    for each in programs:
        os.mkfifo(each)
    asked, released = held.held  # type: ignore[attr-defined]
    with Server(SCRIPT, HTTP=held.server_port, PIPES=tmp_path) as server:
        client = Client(server.port)
        for user in SLOW:
            client.ask(user, 1)
        assert asked.acquire(timeout=10) and asked.acquire(timeout=10)  # both have reached the HTTP server
        for number in range(OTHERS):
            client.ask("quick", number)
        assert client.answers(OTHERS) == {f"quick-{number}": "quick" for number in range(OTHERS)}
        released.set()
        for each in programs:
            each.write_text("late")  # as soon as its program reads
        assert client.answers(len(SLOW)) == {f"{user}-1": "late" for user in SLOW}
