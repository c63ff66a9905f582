"""cfg/http-routing.cfg and cfg/forwarding.cfg on real servers: a web service and a program say where calls go."""
from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.live import ROOT, Server
from tests.scenarios.phone import Message, Phone

Phones = Callable[[Server], Phone]  # a phone that is closed when the test ends


class Service(http.server.ThreadingHTTPServer):
    """Answers with *files* by their paths."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.files: dict[str, str] = {}


class Answer(http.server.BaseHTTPRequestHandler):
    server: Service

    def do_GET(self) -> None:
        text = self.server.files.get(self.path)
        self.send_response(404 if text is None else 200)
        self.send_header("Content-Length", str(len(text or "")))
        self.end_headers()
        self.wfile.write((text or "").encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with Service() as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving
        serving.shutdown()


@pytest.fixture(scope="module")
def routing(service: Service) -> Iterator[Server]:
    text = (ROOT / "cfg" / "http-routing.cfg").read_text().replace("logger -t calls", "echo >> @RUN@/calls")
    assert text.count(":5060") == 1 and text.count("127.0.0.1:8080/") == 1
    with Server(text.replace(":5060", ":@PORT@").replace(":8080/", f":{service.server_port}/")) as running:
        yield running
        assert "Traceback" not in running.log


@pytest.fixture
def phones() -> Iterator[Phones]:
    made: list[Phone] = []

    def make(server: Server) -> Phone:
        made.append(Phone(server.port))
        return made[-1]
    yield make
    for each in made:
        each.close()


def invite(phone: Phone, user: str, call_id: str) -> None:
    uri = f"sip:{user}" if "@" in user else f"sip:{user}@127.0.0.1"
    phone.send(phone.request("INVITE", uri, call_id, 1, f"Contact: {phone.contact('alice')}", to=f"<{uri}>", tag="a1"))


def answered(caller: Phone, status: int, call_id: str) -> Message:
    return caller.take(f"{status} INVITE", [call_id])[call_id]


def accept(callee: Phone, call_id: str) -> Message:
    """The INVITE that reaches *callee*, which accepts it."""
    came = callee.take("INVITE", [call_id])[call_id]
    callee.send(came.answer(200, "b1", f"Contact: {callee.contact('bob')}"), came.source)
    return came


def test_a_web_service_says_where_a_call_goes(routing: Server, service: Service, phones: Phones) -> None:
    caller, first, second = (phones(routing) for _ in range(3))
    service.files["/bob.1"] = json.dumps({"uri": f"sip:desk@127.0.0.1:{first.port}",
                                          "also": [f"sip:mobile@127.0.0.1:{second.port}"]})
    invite(caller, "bob.1", "http-1")
    came = second.take("INVITE", ["http-1"])["http-1"]
    assert came.uri == f"sip:mobile@127.0.0.1:{second.port}"
    second.send(came.answer(180, "m1"), came.source)  # only what has rung is cancelled
    answered(caller, 180, "http-1")
    assert accept(first, "http-1").uri == f"sip:desk@127.0.0.1:{first.port}"
    assert "<sip:127.0.0.1:" in answered(caller, 200, "http-1").get("Record-Route")
    second.take("CANCEL", ["http-1"])


@pytest.mark.parametrize(("user", "content", "status"), [
    ("nobody", None, 404), ("", None, 404), ("a;b", "{}", 404), ("empty", "{}", 502), ("broken", "no JSON", 502)])
def test_what_the_service_does_not_know(routing: Server, service: Service, phones: Phones, user: str,
                                        content: str | None, status: int) -> None:
    caller = phones(routing)
    if content is not None:
        service.files[f"/{user}"] = content
    invite(caller, user or "!", f"http-{user}")
    answered(caller, status, f"http-{user}")


@pytest.fixture(scope="module")
def desks() -> Iterator[tuple[Phone, Phone]]:
    first, second = Phone(0), Phone(0)
    yield first, second
    first.close()
    second.close()


@pytest.fixture(scope="module")
def forwarding(desks: tuple[Phone, Phone]) -> Iterator[Server]:
    text = (ROOT / "cfg" / "forwarding.cfg").read_text()
    assert (text.count(":5060"), text.count(":5071"), text.count(":5072")) == (1, 2, 1)
    text = text.replace(":5071", f":{desks[0].port}").replace(":5072", f":{desks[1].port}")
    with Server(text.replace(":5060", ":@PORT@")) as running:
        yield running
        assert "Traceback" not in running.log


def test_two_desks_ring_at_once(forwarding: Server, desks: tuple[Phone, Phone], phones: Phones) -> None:
    caller = phones(forwarding)
    invite(caller, "101", "both")
    assert desks[1].take("INVITE", ["both"])["both"].uri == f"sip:101@127.0.0.1:{desks[1].port}"
    assert accept(desks[0], "both").uri == f"sip:101@127.0.0.1:{desks[0].port}"
    answered(caller, 200, "both")


def test_a_program_names_the_desk(forwarding: Server, desks: tuple[Phone, Phone], phones: Phones) -> None:
    caller = phones(forwarding)
    invite(caller, "102", "named")
    assert accept(desks[0], "named").uri == f"sip:102@127.0.0.1:{desks[0].port}"
    answered(caller, 200, "named")


def test_others_go_where_they_are_meant_to(forwarding: Server, desks: tuple[Phone, Phone],
                                           phones: Phones) -> None:
    caller = phones(forwarding)
    invite(caller, f"103@127.0.0.1:{desks[1].port}", "plain")
    assert accept(desks[1], "plain").uri.startswith("sip:103@")
    answered(caller, 200, "plain")
