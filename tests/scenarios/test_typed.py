"""cfg/typed.cfg: a dial plan with locals, typed routes and Python, on the virtual network and on a real server."""
from __future__ import annotations

import pathlib
import signal
import socket
import time

import pytest

from opensips_py.testing import Phone
from tests.live import HOST, ROOT, Server, free_ports

CONFIG = ROOT / "cfg" / "typed.cfg"
PYTHON = ROOT / "cfg" / "typed_routing.py"


@pytest.fixture
def office(opensips):
    server = opensips(CONFIG)
    server.alice = Phone(server, "alice", "192.0.2.1")
    server.bob = Phone(server, "bob", "192.0.2.2")
    server.first = Phone(server, "gateway", "127.0.0.1", 5070)
    server.second = Phone(server, "gateway", "127.0.0.1", 5071)
    return server


@pytest.mark.parametrize(("dialled", "number", "cents", "gateway"), [
    ("123456", "+4930123456", "0", 5070), ("030123456", "+4930123456", "0", 5070), ("089123", "+4989123", "1", 5070),
    ("0012125550100", "+12125550100", "2", 5071), ("+33123", "+33123", "50", 5071)])
def test_numbers(office, dialled, number, cents, gateway):
    office.alice.call(dialled)
    phone = office.first if gateway == 5070 else office.second
    invite = phone.last("INVITE").message
    assert invite.uri == f"sip:{number}@127.0.0.1:{gateway}"
    assert [each.value for each in invite.headers("X-Price")] == [cents]
    assert not office.log.matching("Traceback|failed")


def test_a_price_that_only_some_may_pay(office):
    office.bob.call("+33123")
    assert office.bob.last(403).message.reason == "Too Expensive"
    office.bob.call("+12125550100")
    assert office.second.last("INVITE")


def test_a_caller_cannot_set_the_price(office):
    office.alice.call("123456", {"X-Price": "-5"})
    assert [each.value for each in office.first.last("INVITE").message.headers("X-Price")] == ["0"]


def test_the_next_gateway_is_tried(office):
    office.alice.call("123456")
    office.first.answer(office.first.last("INVITE"), 503)
    invite = office.second.last("INVITE")
    assert invite.message.uri == "sip:+4930123456@127.0.0.1:5071"
    office.second.answer(invite, 503)
    assert office.alice.last(500) and not [each for each in office.first.inbox if each.method == "INVITE"]


def test_names(office):
    assert office.bob.register().status == 200
    office.alice.call("bob")
    assert office.bob.last("INVITE")
    office.alice.call("carol")
    assert office.alice.last(404)
    voicemail = Phone(office, "voicemail", "192.0.2.9")
    voicemail.register()
    office.alice.call("carol")
    assert voicemail.last("INVITE").message.uri.startswith("sip:voicemail@192.0.2.9")
    assert office.log.matching("carol is not there, voicemail answers")


def test_a_whole_call(office):
    call = office.alice.call("123456")
    office.first.answer(office.first.last("INVITE"))
    call.ack()
    call.bye()
    office.first.answer(office.first.last("BYE"))
    assert office.alice.last(200).method == "BYE"


# On a real server


class Gateway:
    """Answers INVITE with its own port in the reason, as the telephone network would with a tone."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
        self.socket.settimeout(5)
        self.port = self.socket.getsockname()[1]

    def invite(self) -> str:
        """The next INVITE; it is refused."""
        while True:
            data, source = self.socket.recvfrom(65535)
            text = data.decode()
            if text.startswith("INVITE "):
                kept = [each for each in text.split("\r\n")[1:] if each.split(":")[0] in
                        ("Via", "From", "To", "Call-ID", "CSeq")]
                self.socket.sendto("\r\n".join(["SIP/2.0 486 Busy Here", *kept, "Content-Length: 0", "", ""]).encode(),
                                   source)
                return text


def invite(server: Server, own: socket.socket, number: str, call: str) -> None:
    port = own.getsockname()[1]
    own.sendto((
        f"INVITE sip:{number}@{HOST}:{server.port} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST}:{port};branch=z9hG4bK{call}\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:alice@{HOST}>;tag={call}\r\nTo: <sip:{number}@{HOST}>\r\nCall-ID: {call}\r\n"
        f"CSeq: 1 INVITE\r\nContact: <sip:alice@{HOST}:{port}>\r\nContent-Length: 0\r\n\r\n").encode(),
        (HOST, server.port))


def final(own: socket.socket) -> str:
    """The first line of the next final response."""
    while True:
        line = own.recv(65535).decode().partition("\r\n")[0]
        if not line.startswith("SIP/2.0 1"):
            return line


def test_on_a_real_server_and_through_a_reload(tmp_path):
    gateway = Gateway()
    python = PYTHON.read_text().replace(":5070", f":{gateway.port}").replace(":5071", f":{gateway.port}")
    pathlib.Path(tmp_path, "typed_routing.py").write_text(python)
    text = CONFIG.read_text().replace("127.0.0.1:5060", "127.0.0.1:@PORT@")
    with Server(text, folder=tmp_path, PORT=free_ports()[0]) as server, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((HOST, 0))
        own.settimeout(5)
        invite(server, own, "089123", "one")
        sent = gateway.invite()
        assert sent.startswith(f"INVITE sip:+4989123@127.0.0.1:{gateway.port} SIP/2.0\r\n") and "X-Price: 1\r\n" in sent
        assert final(own) == "SIP/2.0 486 Busy Here"

        pathlib.Path(tmp_path, "typed_routing.py").write_text(f"{python}\nthis is no Python\n")
        server.process.send_signal(signal.SIGHUP)
        until(lambda: "cannot import this: invalid syntax" in server.log)
        invite(server, own, "089123", "two")
        assert "X-Price: 1\r\n" in gateway.invite()

        dearer = python.replace('Destination("+49", 1', 'Destination("+49", 2')
        pathlib.Path(tmp_path, "typed_routing.py").write_text(dearer)
        server.process.send_signal(signal.SIGHUP)
        until(lambda: "generation 2 is in use" in server.log)
        invite(server, own, "089123", "three")
        assert "X-Price: 2\r\n" in gateway.invite()
        assert "Traceback" not in server.log


def until(holds, seconds=15.0):
    """Wait for what the server does by itself."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)
