"""Garbage, slow peers and peers that do not read: the server keeps serving, on time, and says little about it."""
from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.live import HOST, Server, free_ports
from tests.scenarios.phone import Phone, TcpPhone
from tests.scenarios.test_processes import CONFIG, Place, until

FLOOD = 2.0  # seconds
SENDER = """
import random, socket, sys, time
port, seconds, samples = int(sys.argv[1]), float(sys.argv[2]), eval(sys.stdin.buffer.read())
dice, end, sent = random.Random(7), time.monotonic() + seconds, 0
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.connect(("127.0.0.1", port))
    while time.monotonic() < end:
        for sample in samples:
            data = bytearray(sample)
            for _ in range(dice.randrange(4)):
                if data:
                    data[dice.randrange(len(data))] = dice.randrange(256)
            try:
                sock.send(data[:dice.randrange(len(data) + 1)] if dice.randrange(3) == 0 else data)
                sent += 1
            except OSError:
                pass
print(sent)
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    text = CONFIG.read_text().replace("log_level=3", "log_level=3\ntcp_max_msg_time=1")
    with Server(text, WORKERS=2, HTTP=free_ports()[0], WORD="word") as server:
        yield server
        assert "Traceback" not in server.log


@pytest.fixture
def place(running: Server) -> Iterator[Place]:
    made = Place(running)
    yield made
    made.close()


def count(place: Place, name: str) -> int:
    answer: Any = place.mi("get_statistics", [name])
    return int(next(iter(answer.values())))


def samples(phone: Phone) -> list[bytes]:
    """What garbage is made of: nothing that makes sense, and messages that would nearly be right."""
    dice = random.Random(5)
    call = phone.call("nobody")
    ok = phone.request("OPTIONS", f"sip:{HOST}", "garbage", 1, tag="g", to=f"<sip:x@{HOST}>")
    return [bytes(dice.randrange(256) for _ in range(dice.randrange(1, 1200))) for _ in range(10)] + [
        b"", b"\r\n\r\n", b"\0" * 100, b"INVITE", b"SIP/2.0 200 OK\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        ok, ok.replace(b"CSeq: 1", b"CSeq: 99999999999"), ok.replace(b"Call-ID: garbage\r\n", b""),
        ok.replace(b"Via: SIP/2.0/UDP", b"Via: SIP/7.0/@@@"), ok.replace(b"Content-Length: 0", b"Content-Length: -5"),
        ok.replace(b"\r\n", b"\n"), ok.replace(b"From: <", b"From: <<<<" * 50), ok.replace(b"sip:", b"%00:"),
        ok.replace(b"OPTIONS", b"REGISTER").replace(b"Max", b"Contact: <sip:a@b>;q=9;expires=x, *\r\nMax"),
        call.invite, call.invite.replace(b"INVITE", b"CANCEL"), call.invite.replace(b"INVITE", b"ACK"),
        phone.register("g", 1, "<sip:g@h:0>;" + ";".join(f"p{i}=" + "v" * i for i in range(60)))]


def test_a_flood_of_garbage_delays_no_heartbeat_and_no_call(place: Place) -> None:
    workers, before = place.server.workers(), count(place, "err_requests")
    nobody = Phone(place.server.port)
    made = samples(nobody)
    nobody.close()  # answers to garbage come back as ICMP errors
    flood = subprocess.Popen([sys.executable, "-c", SENDER, str(place.server.port), str(FLOOD)], stdout=subprocess.PIPE,
                             stdin=subprocess.PIPE)
    assert flood.stdin is not None
    flood.stdin.write(repr(made).encode())
    flood.stdin.close()
    stop = time.monotonic() + FLOOD
    calls = 0
    while time.monotonic() < stop:
        with contextlib.ExitStack() as phones:
            for tcp in (False, True):
                phone = TcpPhone(place.server.port) if tcp else Phone(place.server.port)
                phones.callback(phone.close)
                call_id = f"in-the-flood-{time.monotonic_ns()}"
                data = phone.request("OPTIONS", f"sip:{HOST}", call_id, 1, tag="t", to=f"<sip:x@{HOST}>")
                phone.send(data)
                phone.take("200 OPTIONS", [call_id], again=None if tcp else lambda _, p=phone, d=data: p.send(d))
                calls += 1
    assert flood.stdout is not None
    sent = int(flood.stdout.read())
    flood.wait()
    place.hang_up(place.calls(5, answer=True))
    assert calls > 4
    assert sent > 5000
    assert count(place, "err_requests") > before + 500
    assert place.server.workers() == workers  # a heartbeat too late would have ended one
    assert "Traceback" not in place.server.log
    assert "stuck" not in place.server.log


def test_garbage_on_connections_closes_those_alone(place: Place) -> None:
    quiet, broken = TcpPhone(place.server.port), count(place, "stream_broken")
    for sample in samples(place.caller)[:20]:
        with socket.create_connection((HOST, place.server.port), 5) as sock:
            sock.sendall(sample + bytes(range(256)) * 40)
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(5)
            with contextlib.suppress(ConnectionResetError):
                while sock.recv(65536):
                    pass  # answered, perhaps, and then closed
    assert count(place, "stream_broken") > broken
    quiet.send(quiet.request("OPTIONS", f"sip:{HOST}", "quiet", 1, tag="t", to=f"<sip:x@{HOST}>"))
    quiet.take("200 OPTIONS", ["quiet"])
    quiet.close()


def test_many_broken_connections_are_a_few_lines(place: Place) -> None:
    lines, broken = len(place.server.log.splitlines()), count(place, "stream_broken")
    for _ in range(300):
        with socket.create_connection((HOST, place.server.port), 5) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    until(lambda: count(place, "stream_broken") == broken + 300)
    assert len(place.server.log.splitlines()) - lines < 200


def test_a_message_that_never_ends_is_given_up(place: Place) -> None:
    slow = count(place, "stream_slow")
    began = time.monotonic()
    with socket.create_connection((HOST, place.server.port), 5) as sock:
        sock.sendall(b"OPTIONS sip:x SIP/2.0\r\nVia: ")
        sock.settimeout(5)
        assert sock.recv(100) == b""
    assert time.monotonic() - began < 4
    with socket.create_connection((HOST, place.server.port), 5) as sock, contextlib.suppress(OSError):
        sock.settimeout(0.05)
        for each in b"OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP":
            sock.send(bytes([each]))
            with contextlib.suppress(TimeoutError):
                assert sock.recv(100) == b""
                break
        else:
            raise AssertionError("it waits for ever")
    assert count(place, "stream_slow") == slow + 2


def test_a_peer_that_does_not_read_is_left_and_counted(place: Place) -> None:
    full = count(place, "stream_queue_full")
    phone = TcpPhone(place.server.port)
    phone.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    phone.socket.settimeout(10)
    line = "X-Fill: " + "x" * 2000  # not answered, but the Via is
    via = ";fill=" + "y" * 4000
    with contextlib.suppress(ConnectionError):
        for number in range(20000):
            data = phone.request("OPTIONS", f"sip:{HOST}", f"full-{number}", 1, line, tag="t", to=f"<sip:x@{HOST}>")
            phone.send(data.replace(b";branch=", via.encode() + b";branch=", 1))
    until(lambda: count(place, "stream_queue_full") == full + 1)
    phone.close()
    place.hang_up(place.calls(3, answer=True))


@pytest.mark.parametrize(("old", "new", "first"), [
    (b"CSeq: 1 OPTIONS", b"CSeq: 1 INVITE", "SIP/2.0 400 "),
    (b"CSeq: 1", b"CSeq: x", "SIP/2.0 400 "),
    (b"SIP/2.0\r\n", b"SIP/7.0\r\n", "SIP/2.0 505 "),
    (b"Max-Forwards: 70", b"Max-Forwards: many", "SIP/2.0 400 "),
])
def test_a_malformed_request_is_answered_and_counted_and_said_once(place: Place, old: bytes, new: bytes,
                                                                   first: str) -> None:
    counted, lines = count(place, "bad_msg_hdr"), len(place.server.log.splitlines())
    call_id = f"malformed-{time.monotonic_ns()}"
    data = place.caller.request("OPTIONS", f"sip:{HOST}", call_id, 1, tag="t", to=f"<sip:x@{HOST}>")
    assert old in data
    place.caller.send(data.replace(old, new, 1))
    until(lambda: place.caller.hear(0.1) or place.caller.heard)
    assert [each.first[:len(first)] for each in place.caller.heard] == [first]
    assert count(place, "bad_msg_hdr") == counted + 1
    said = [line for line in place.server.log.splitlines()[lines:] if f":{place.caller.port}:" in line]
    assert len(said) <= 1  # what others have caused before may be said late
