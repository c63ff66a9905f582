"""Reloads that meet something else: each other, a death, a configuration that is wrong, calls that wait."""
from __future__ import annotations

import contextlib
import http.server
import os
import pathlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from opensips_py.errors import MIError
from opensips_py.mi import client
from tests.live import HOST, ROOT, Server, descendants
from tests.scenarios.flows import mi, until
from tests.scenarios.phone import Phone

SCRIPT = """
log_level=3
stderror_enabled=yes
syslog_enabled=no
workers=2
socket=udp:127.0.0.1:@PORT@
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "mi_fifo.so"
modparam("mi_fifo", "fifo_name", "@RUN@/fifo")
modparam("mi_fifo", "reply_dir", "@RUN@")
loadmodule "rest_client.so"
loadmodule "cfgutils.so"
route {
	$var(found) = "";
	if ($rU == "sleep")
		usleep(700000);
	if ($rU == "ask" && !rest_get("$hdr(X-Url)", $var(found)))
		$var(found) = "nothing";
	sl_send_reply(200, "First $var(found)");
}
"""
BUSY = "another reload, a start or a stop is on its way"


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with Server(SCRIPT) as server:
        until(lambda: (server.folder / "fifo").exists())
        yield server


class Place:
    """The server, and a phone that asks who it is."""

    def __init__(self, server: Server) -> None:
        self.server, self.phone, self.number = server, Phone(server.port), 0

    def send(self, user: str, count: int = 1, *lines: str) -> list[str]:
        """Send *count* requests for *user*; their Call-IDs."""
        ids = []
        for _ in range(count):
            self.number += 1
            ids.append(f"{user}-{self.phone.port}-{self.number}")
            self.phone.send(self.phone.request("OPTIONS", f"sip:{user}@{HOST}", ids[-1], 1, *lines, tag="t",
                                               to=f"<sip:x@{HOST}>"))
        return ids

    def taken(self, ids: list[str]) -> set[str]:
        """What the answers say."""
        return {each.first.partition(" 200 ")[2].strip() for each in self.phone.take("200 OPTIONS", ids).values()}

    def says(self) -> set[str]:
        """What both workers answer now."""
        return self.taken(self.send("any", 12))

    def write(self, word: str, script: str = "") -> None:
        """Have the configuration say *word*."""
        text = script or self.server.config.read_text()
        said = text.partition('sl_send_reply(200, "')[2].partition(" $var(found)")[0]
        self.server.config.write_text(text.replace(f'(200, "{said}', f'(200, "{word}'))


@pytest.fixture
def place(running: Server) -> Iterator[Place]:
    made = Place(running)
    before = running.config.read_text()
    yield made
    made.phone.close()
    running.config.write_text(before)
    until(lambda: settled(running))
    assert "Traceback" not in running.log, running.log[-3000:]


def settled(server: Server) -> bool:
    """Whether a reload comes through."""
    with contextlib.suppress(MIError):
        mi(server, "reload")
        return True
    return False


class Asked(threading.Thread):
    """Asks for something beside; *outcome* is what came of it."""

    def __init__(self, function: Callable[[], object]) -> None:
        super().__init__()
        self.function, self.outcome = function, ""
        self.start()

    def run(self) -> None:
        try:
            self.outcome = str(self.function())
        except MIError as error:
            self.outcome = error.message

    def end(self) -> str:
        self.join(20)
        return self.outcome


def is_checking(server: Server) -> bool:
    """Whether the checking process is at work."""
    for pid in descendants(server.process.pid):
        with contextlib.suppress(OSError):
            if b"opensips_py.server.check\0" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                return True
    return False


def test_a_signal_a_command_and_the_tool_at_once(place: Place) -> None:
    def tool() -> str:
        ran = subprocess.run([sys.executable, "-m", "opensips_py", "reload", "-f", str(place.server.config)],
                             cwd=ROOT, capture_output=True, text=True, timeout=60)
        return ran.stdout + ran.stderr
    place.write("Second")
    beside = Asked(tool)
    place.server.process.send_signal(signal.SIGHUP)
    commands = [Asked(lambda: mi(place.server, "reload")) for _ in range(3)]
    outcomes = [each.end() for each in commands]
    assert all(each == BUSY or each.startswith("{'changes': ") for each in outcomes), outcomes
    shown = beside.end()
    assert BUSY in shown or "reloaded" in shown
    until(lambda: place.says() == {"Second"})
    assert all(each == BUSY or each == "{'changes': []}" or "route is changed" in each for each in outcomes), outcomes


def test_a_configuration_that_becomes_wrong_while_one_is_taken_over(place: Place) -> None:
    place.write("Third")
    asked = Asked(lambda: mi(place.server, "reload"))
    until(lambda: is_checking(place.server))
    until(lambda: not is_checking(place.server))
    right = place.server.config.read_text()
    place.server.config.write_text(right.replace("sl_send_reply", "sl_sent_reply"))
    place.server.process.send_signal(signal.SIGHUP)  # whether that one is over or not
    assert asked.end() == "{'changes': ['route is changed']}"
    until(lambda: "sl_sent_reply" in place.server.log)
    assert place.says() == {"Third"}
    with pytest.raises(MIError, match=f"sl_sent_reply|{BUSY}"):
        mi(place.server, "reload")
    place.server.config.write_text(right)


def test_a_worker_killed_in_the_middle(place: Place) -> None:
    """Whether before or after the others have swapped: all go by the same configuration."""
    for word in ("Fourth", "Fifth"):
        place.write(word)
        asked = Asked(lambda: mi(place.server, "reload"))
        until(lambda: is_checking(place.server))
        until(lambda: not is_checking(place.server))
        os.kill(place.server.workers()[0], signal.SIGKILL)
        outcome = asked.end()
        died = "it died" in outcome or "it cannot be told anything" in outcome  # nobody has noticed its death yet
        assert died or "route is changed" in outcome, outcome
        if died:
            assert word not in place.says()
            until(lambda: settled(place.server))
        until(lambda: len(place.server.workers()) == 2)
        assert place.says() == {word}


def test_management_killed_in_the_middle_who_asked_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "LAST_WORDS", 0.2)
    place.write("Sixth")
    management = next(row["PID"] for row in mi(place.server, "ps")["Processes"] if row["Type"] == "management")
    asked = Asked(lambda: mi(place.server, "reload"))
    until(lambda: is_checking(place.server))
    os.kill(management, signal.SIGKILL)
    assert asked.end() == "the server went away before it answered"
    until(lambda: settled(place.server))
    assert place.says() == {"Sixth"}


class Slow(http.server.BaseHTTPRequestHandler):
    """Answers when it may."""

    may, asked = threading.Event(), threading.Event()

    def do_GET(self) -> None:
        self.asked.set()
        self.may.wait(10)
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"found")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def test_calls_that_wait_end_as_they_began_though_their_modules_are_gone(place: Place) -> None:
    web = http.server.ThreadingHTTPServer((HOST, 0), Slow)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    try:
        place.write("Seventh")
        mi(place.server, "reload")
        asking = place.send("ask", 1, f"X-Url: http://{HOST}:{web.server_port}/")
        assert Slow.asked.wait(5)
        sleeping = place.send("sleep", 4)
        without = "\n".join(line for line in place.server.config.read_text().split("\n") if not any(
            word in line for word in ("cfgutils", "rest_client", "rest_get", "usleep", '"sleep"', '"nothing"')))
        place.write("Eighth", without)
        changes = mi(place.server, "reload")["changes"]
        assert {"module rest_client is removed", "module cfgutils is removed"} <= set(changes)
        assert place.says() == {"Eighth"}
        Slow.may.set()
        assert place.taken(asking) == {"Seventh found"}
        assert place.taken(sleeping) == {"Seventh"}
    finally:
        web.shutdown()
        web.server_close()
