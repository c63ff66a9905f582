"""cfg/nat.cfg on a real server with a real rtpengine: phones that know themselves by private addresses alone."""
from __future__ import annotations

import pathlib
import re
import socket
import time

import pytest

from opensips_py.sip import Request, Response, SessionDescription, parse
from opensips_py.testing import request, response
from tests.live import HOST, ROOT, Server
from tests.modules.rtpengine.engines import Daemon, ask, needs_rtpengine

pytestmark = needs_rtpengine

PRIVATE = "10.11.12.13"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    with Daemon(tmp_path_factory.mktemp("rtpengine")) as started:
        yield started


@pytest.fixture
def server(daemon):
    text = pathlib.Path(ROOT, "cfg", "nat.cfg").read_text()
    text = text.replace(":5060", ":@PORT@").replace("/tmp/opensips_py_fifo", "@RUN@/fifo")
    text = text.replace(":2223", f":{daemon.port}").replace('"natping_interval", 30', '"natping_interval", 1')
    text = text.replace("log_level=3\n", "log_level=3\nudp_workers=2\n")
    with Server(text) as started:
        yield started
        assert "Traceback" not in started.log, started.log


class Phone:
    """A phone behind NAT: what it writes names a private address, what it sends comes from another."""

    def __init__(self, server: Server, user: str) -> None:
        self.server, self.user = server, user
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sip.bind((HOST, 0))
        self.media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.media.bind((HOST, 0))
        self.contact = f"sip:{user}@{PRIVATE}:5070"
        port = self.media.getsockname()[1]
        self.sdp = (f"v=0\r\no=- 1 1 IN IP4 {PRIVATE}\r\ns=-\r\nc=IN IP4 {PRIVATE}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0"
                    "\r\na=rtpmap:0 PCMU/8000\r\n")
        self.pings = 0
        self.cseq = 0

    def __enter__(self) -> Phone:
        return self

    def __exit__(self, *_: object) -> None:
        self.sip.close()
        self.media.close()

    def send(self, data: bytes) -> None:
        """Send a message to the server."""
        self.sip.sendto(data, (HOST, self.server.port))

    def request(self, method: str, uri: str, **how) -> bytes:
        """A request of this phone."""
        self.cseq += 1
        given = {"sender": f"sip:{self.user}@localhost", "via": f"{PRIVATE}:5070", "contact": self.contact,
                 "from_tag": f"tag-{self.user}", "cseq": self.cseq, **how}
        return request(method, uri, **given)

    def receive(self, what: str | int, seconds: float = 5) -> Request | Response:
        """The next message of that method or status; pings are answered."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.sip.settimeout(left)
            try:
                message = parse(self.sip.recv(65535))
            except TimeoutError:
                break
            if isinstance(message, Request) and message.from_.uri == "sip:pinger@localhost":
                self.pings += 1
                self.send(response(message, 200))
            elif what in (message.method, 0) if isinstance(message, Request) else what == message.status:
                return message
        raise AssertionError(f"{self.user} has not received {what}: {self.server.log[-3000:]}")

    def register(self) -> None:
        """Register here."""
        self.send(self.request("REGISTER", "sip:localhost", to=f"sip:{self.user}@localhost",
                               call_id=f"reg-{self.user}", headers={"Expires": "600"}))
        self.receive(200)

    def hears(self, other: Phone, to: tuple[str, int]) -> bool:
        """Whether media that *other* sends there come here."""
        self.media.settimeout(0.1)
        for number in range(20):
            other.media.sendto(b"\x80\x00\x00" + bytes((number,)) + bytes(8) + b"x" * 160, to)
            try:
                if self.media.recv(2000):
                    return True
            except TimeoutError:
                continue
        return False


def place(body: bytes) -> tuple[str, int]:
    """Where a description sends media."""
    found = SessionDescription.parse(body)
    assert PRIVATE.encode() not in body
    return found.address or "", found.media[0].port


def routes(message: Request | Response) -> list[str]:
    """The Record-Route values of a message."""
    found = [message.data[each.start:each.end].decode() for each in message.record_routes]
    return found[::-1] if isinstance(message, Response) else found


def test_phones_behind_nat_call_each_other(server, daemon):
    with Phone(server, "alice") as alice, Phone(server, "bob") as bob:
        alice.register()
        bob.register()
        invite = alice.request("INVITE", "sip:bob@localhost", body=alice.sdp)
        call_id = parse(invite).call_id
        alice.send(invite)
        offered = bob.receive("INVITE")
        at_bob = f"{HOST}:{bob.sip.getsockname()[1]}"
        at_alice = f"{HOST}:{alice.sip.getsockname()[1]}"
        assert offered.contacts[0].uri == f"sip:alice@{at_alice}" and "nat=yes" in routes(offered)[0]
        bob.send(response(offered, 200, to_tag="tag-bob", contact=bob.contact, body=bob.sdp))
        answered = alice.receive(200)
        assert answered.contacts[0].uri == f"sip:bob@{at_bob}"
        alice_sends, bob_sends = place(answered.body), place(offered.body)
        within = {"to": "sip:bob@localhost", "to_tag": "tag-bob", "call_id": call_id,
                  "headers": {"Route": routes(answered)}}
        alice.send(alice.request("ACK", answered.contacts[0].uri, **{**within, "cseq": parse(invite).cseq}))
        bob.receive("ACK")
        alice.media.sendto(b"\x80\x00\x00\x01" + bytes(168), alice_sends)  # the engine learns where they are by that
        bob.media.sendto(b"\x80\x00\x00\x01" + bytes(168), bob_sends)
        assert bob.hears(alice, alice_sends) and alice.hears(bob, bob_sends)
        assert ask(daemon.port, {"command": "query", "call-id": call_id})["result"] == "ok"
        alice.send(alice.request("BYE", answered.contacts[0].uri, **within))
        bob.send(response(bob.receive("BYE"), 200))
        alice.receive(200)
        assert ask(daemon.port, {"command": "query", "call-id": call_id})["result"] == "error"


def test_a_call_that_is_refused_leaves_nothing_at_the_engine(server, daemon):
    with Phone(server, "alice") as alice, Phone(server, "carol") as carol:
        carol.register()
        invite = alice.request("INVITE", "sip:carol@localhost", body=alice.sdp)
        alice.send(invite)
        offered = carol.receive("INVITE")
        assert ask(daemon.port, {"command": "query", "call-id": parse(invite).call_id})["result"] == "ok"
        carol.send(response(offered, 486, to_tag="c"))
        alice.receive(486)
        assert ask(daemon.port, {"command": "query", "call-id": parse(invite).call_id})["result"] == "error"


def test_phones_are_pinged_and_leave_when_they_do_not_answer(server):
    with Phone(server, "alice") as alice, Phone(server, "dead") as dead:
        alice.register()
        dead.register()
        end = time.monotonic() + 15
        while alice.pings < 3 or len(re.findall("has not answered 3 pings", server.log)) < 1:
            with pytest.raises(AssertionError):
                alice.receive("nothing", 0.3)
            assert time.monotonic() < end, server.log
        invite = alice.request("INVITE", "sip:dead@localhost", body=alice.sdp)
        alice.send(invite)
        assert alice.receive(404)
        assert "alice@" not in "".join(re.findall(r".*has not answered.*", server.log))
