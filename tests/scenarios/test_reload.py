"""Reloads of a running server: what changes is told, calls never notice, what cannot be taken over is refused."""
from __future__ import annotations

import contextlib
import pathlib
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from loadtest.reloads import BLOCKS, PER_CALL, Reloads, part, probe
from opensips_py.errors import MIError
from tests.live import HOST, ROOT, SIPP, Server, Sipp, bound, descendants, free_ports
from tests.scenarios.flows import mi, serve, until

SOME = 4  # reloads at a time
pytestmark = pytest.mark.skipif(SIPP is None, reason="sipp is not installed")


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with serve(2, FR=10, WAIT=1) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    before = running.config.read_text()
    yield running
    if running.config.read_text() != before:
        running.config.write_text(before)
        mi(running, "reload")


def change(server: Server, old: str, new: str) -> None:
    text = server.config.read_text()
    assert old in text
    server.config.write_text(text.replace(old, new, 1))


def tool(server: Server, *arguments: str) -> tuple[int, str, str]:
    ran = subprocess.run([sys.executable, "-m", "opensips_py", "reload", *arguments, "-f", str(server.config)],
                         cwd=ROOT, capture_output=True, text=True, timeout=60)
    return ran.returncode, ran.stdout, ran.stderr


def listener(server: Server, port: int, protocol: str = "udp") -> None:
    change(server, "\nsocket=udp:[::1]", f"\nsocket={protocol}:{HOST}:{port}\nsocket=udp:[::1]")


def test_the_tool_says_what_would_change_and_does_it(server: Server) -> None:
    port, = free_ports()
    listener(server, port)
    change(server, 'sl_send_reply(200, "OK")', 'sl_send_reply(200, "Other")')
    told = f"route is changed\nlistener udp:{HOST}:{port} is added\n"
    assert tool(server, "--dry-run") == (0, told, "")
    assert probe(server.port, 1).startswith(b"SIP/2.0 200 OK"), "a dry run changed something"
    status, shown, refused = tool(server, "--routes")
    assert status == 1 and "refused" in shown and f"listener udp:{HOST}:{port} is added (not a route" in refused
    status, shown, _ = tool(server, "--routes", "--dry-run")
    assert status == 1 and f"refused: listener udp:{HOST}:{port} is added (not a route" in shown
    assert tool(server) == (0, told + "reloaded\n", "")
    assert probe(server.port, 2).startswith(b"SIP/2.0 200 Other")
    assert {probe(port, number)[:17] for number in range(8)} == {b"SIP/2.0 200 Other"}
    assert tool(server, "--dry-run") == (0, "nothing is different\n", "")


def test_what_takes_a_restart_is_refused_with_the_reason(server: Server) -> None:
    change(server, "workers=2", "workers=3\ntos=8")
    status, shown, refused = tool(server)
    assert status == 1 and shown == "refused; the server goes on with what it has:\n"
    assert "the number of workers is 3, was 2" in refused and "rolling_restart brings it" in refused
    assert mi(server, "reload", 1)["refused"], "a dry run does not say what would be refused"


def roll(server: Server) -> None:
    """A rolling restart, to its end."""
    before = processes(server)
    mi(server, "rolling_restart")
    until(lambda: len(processes(server)) == 3 and not before & processes(server), 30)
    until(lambda: (server.folder / "fifo").exists())


def processes(server: Server) -> set[int]:
    """Workers and management, no checking process among them."""
    found = set()
    for pid in descendants(server.process.pid):
        with contextlib.suppress(OSError):
            if b".check" not in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(pid)
    return found


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_a_call_goes_on_though_its_listener_is_removed_and_comes_back(server: Server, protocol: str,
                                                                      tmp_path: pathlib.Path) -> None:
    port, target, own = free_ports(3)
    without = server.config.read_text()
    listener(server, port, protocol)
    mi(server, "reload")
    answering = Sipp("answer.xml", target, calls=4, folder=tmp_path)
    until(lambda: bound(target), 30)
    calling = Sipp("call.xml", own, "-d", "3000", target=port, calls=4, rate=20, folder=tmp_path,
                   transport=protocol[0] + "1", keys={"user": f"to-{target}"})
    until(lambda: calling.counts().get("done") is not None, 10)
    server.config.write_text(without)
    assert mi(server, "reload")["changes"] == [f"listener {protocol}:{HOST}:{port} is removed"]
    if protocol == "tcp":
        with socket.socket() as late, pytest.raises(OSError):
            late.settimeout(0.3)
            late.connect((HOST, port))
            late.sendall(b"\r\n\r\n")
            assert late.recv(4), "a connection was accepted at a listener that is no more"
    assert calling.finish() == {"done": 4, "failed": 0, "retransmissions": 0}
    answering.finish()
    listener(server, port, protocol)
    assert mi(server, "reload")["changes"] == [f"listener {protocol}:{HOST}:{port} is added"]
    if protocol == "udp":
        assert probe(port, 3).startswith(b"SIP/2.0 200")


def test_an_address_that_is_taken_is_refused(server: Server) -> None:
    port, = free_ports()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, port))
        listener(server, port)
        with pytest.raises(MIError, match=f"udp:{HOST}:{port}: the port is in use by another program"):
            mi(server, "reload")
    assert probe(server.port, 4).startswith(b"SIP/2.0 200")
    assert mi(server, "reload")["changes"] == [f"listener udp:{HOST}:{port} is added"]


def test_reloads_under_calls_fail_none_and_leave_nothing_behind(server: Server, tmp_path: pathlib.Path) -> None:
    """The short form of `python -m loadtest.reloads`."""
    reloads = Reloads(server)
    first, last = part(reloads, SOME, 30, tmp_path), part(reloads, SOME, 30, tmp_path)
    assert first.calls > 30 and last.calls > 30 and first.failed == last.failed == 0
    assert last.blocks - first.blocks < BLOCKS * SOME + PER_CALL * last.calls
    assert last.generations == 1, "a generation that is over is kept until somebody searches for it"
    assert "Traceback" not in server.log


def test_a_rolling_restart_brings_what_a_reload_cannot(running: Server) -> None:
    """The last one: there is no way back but another such restart."""
    change(running, "workers=2", "workers=2\ntos=8")
    with pytest.raises(MIError, match="tos is 8"):
        mi(running, "reload")
    roll(running)
    assert mi(running, "reload", 1) == {"changes": [], "refused": []}
    assert mi(running, "reload") == {"changes": []}
