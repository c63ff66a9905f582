"""A phone of few words: one UDP socket that plays any number of callers or callees, step by step as a test says."""
from __future__ import annotations

import itertools
import re
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import wait

HOST = "127.0.0.1"
_serial = itertools.count(1)


@dataclass(slots=True)
class Message:
    """What came in: first line and headers, each value as it stood."""

    data: bytes
    source: tuple[str, int]
    first: str = ""
    lines: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.first, *lines = self.data.partition(b"\r\n\r\n")[0].decode(errors="surrogateescape").split("\r\n")
        self.lines = [(name.strip(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.lines if each.lower() == name.lower()]

    def get(self, name: str) -> str:
        return (self.all(name) or [""])[0]

    @property
    def method(self) -> str:
        """Of a request; empty for a response."""
        return "" if self.first.startswith("SIP/") else self.first.split()[0]

    @property
    def status(self) -> int:
        """Of a response; 0 for a request."""
        return int(self.first.split()[1]) if self.first.startswith("SIP/") else 0

    @property
    def uri(self) -> str:
        return self.first.split()[1]

    @property
    def kind(self) -> str:
        """`200 INVITE` or `BYE`."""
        return self.method or f"{self.status} {self.get('CSeq').split()[1]}"

    @property
    def call_id(self) -> str:
        return self.get("Call-ID") or self.get("i")

    def answer(self, status: int, tag: str = "", *lines: str) -> bytes:
        """A response to this request."""
        to = self.get("To")
        out = [f"SIP/2.0 {status} Whatever", *(f"Via: {each}" for each in self.all("Via")),
               *(f"Record-Route: {each}" for each in self.all("Record-Route")), f"From: {self.get('From')}",
               f"To: {to}" + (f";tag={tag}" if tag and ";tag=" not in to else ""), f"Call-ID: {self.call_id}",
               f"CSeq: {self.get('CSeq')}", *lines, "Content-Length: 0", "", ""]
        return "\r\n".join(out).encode(errors="surrogateescape")


@dataclass(slots=True)
class Call:
    """One call as its caller knows it."""

    user: str
    id: str
    branch: str
    tag: str
    invite: bytes = b""
    invited: Message | None = None  # what the callee received
    answer: Message | None = None  # the last response to the INVITE that the caller received
    cseq: int = 1


class Phone:
    """One socket towards the server at *port*; *heard* keeps what came in and was not asked for yet."""

    def __init__(self, port: int) -> None:
        self.server = (HOST, port)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((HOST, 0))
        self.port: int = self.socket.getsockname()[1]
        self.heard: list[Message] = []
        self.rename = (b"", b"")  # a header name, and what is sent in its place

    def close(self) -> None:
        self.socket.close()

    def __enter__(self) -> Phone:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, data: bytes, to: tuple[str, int] | None = None) -> None:
        self.socket.sendto(data.replace(*self.rename, 1) if self.rename[0] else data, to or self.server)

    def hear(self, seconds: float = 0.0) -> None:
        """Take in what is there, waiting up to *seconds* for the first."""
        while wait([self.socket], seconds):
            self.heard.append(Message(*self.socket.recvfrom(65535)))
            seconds = 0.0

    def take(self, kind: str, call_ids: Iterable[str], timeout: float = 10.0,
             again: Callable[[str], object] | None = None) -> dict[str, Message]:
        """One message of *kind* for each of the *call_ids*; *again* is called every half second for what is missing."""
        missing, found = set(call_ids), {}
        deadline, repeat = time.monotonic() + timeout, time.monotonic() + 0.5
        while True:
            rest = []
            for each in self.heard:
                if each.kind == kind and each.call_id in missing:
                    missing.discard(each.call_id)
                    found[each.call_id] = each
                else:
                    rest.append(each)
            self.heard = rest
            if not missing:
                return found
            now = time.monotonic()
            if now > deadline:
                raise AssertionError(f"no {kind} for {len(missing)} of {len(missing) + len(found)} calls; heard "
                                     f"{sorted({each.kind for each in self.heard})}")
            if again is not None and now > repeat:
                repeat = now + 0.5
                for call_id in missing:
                    again(call_id)
            self.hear(0.1)

    # What it says

    def request(self, method: str, uri: str, call_id: str, cseq: int, *lines: str, to: str, tag: str, branch: str = "",
                user: str = "phone") -> bytes:
        """A request; *to* is the whole To value."""
        branch = branch or f"z9hG4bK{self.port}x{next(_serial)}"
        out = [f"{method} {uri} SIP/2.0", f"Via: SIP/2.0/UDP {HOST}:{self.port};branch={branch}", "Max-Forwards: 70",
               f"From: <sip:{user}@{HOST}>;tag={tag}", f"To: {to}", f"Call-ID: {call_id}", f"CSeq: {cseq} {method}",
               *lines, "Content-Length: 0", "", ""]
        return "\r\n".join(out).encode(errors="surrogateescape")

    def register(self, user: str, cseq: int, contact: str = "", call_id: str = "") -> bytes:
        """A REGISTER; without *contact* it only asks."""
        lines = [f"Contact: {contact}"] if contact else []
        return self.request("REGISTER", f"sip:{HOST}", call_id or f"reg-{user}", cseq, *lines, tag=f"r{user}",
                            to=f"<sip:{user}@{HOST}>", user=user)

    def contact(self, user: str) -> str:
        return f"<sip:{user}@{HOST}:{self.port}>"

    def call(self, user: str) -> Call:
        """An INVITE for *user*, not sent yet."""
        number = next(_serial)
        call = Call(user, f"call-{self.port}-{number}", f"z9hG4bK{self.port}y{number}", f"a{number}")
        call.invite = self.request("INVITE", f"sip:{user}@{HOST}:{self.server[1]}", call.id, 1,
                                   f"Contact: {self.contact('caller')}", tag=call.tag, branch=call.branch,
                                   to=f"<sip:{user}@{HOST}>")
        return call

    def cancel(self, call: Call) -> bytes:
        return self.request("CANCEL", f"sip:{call.user}@{HOST}:{self.server[1]}", call.id, 1, tag=call.tag,
                            branch=call.branch, to=f"<sip:{call.user}@{HOST}>")

    def within(self, call: Call, method: str) -> bytes:
        """An ACK or a new request of the caller in the dialog that the answer began."""
        assert call.answer is not None
        if method != "ACK":
            call.cseq += 1
        route = [f"Route: {each}" for each in reversed(call.answer.all("Record-Route"))]
        return self.request(method, uri_of(call.answer.get("Contact")), call.id, call.cseq, *route, tag=call.tag,
                            to=call.answer.get("To"))

    def back(self, call: Call, method: str, tag: str) -> bytes:
        """A request of the callee in the dialog."""
        assert call.invited is not None
        route = [f"Route: {each}" for each in call.invited.all("Record-Route")]
        data = self.request(method, uri_of(call.invited.get("Contact")), call.id, 1, *route, tag=tag,
                            to=call.invited.get("From"))
        return data.replace(f"From: <sip:phone@{HOST}>".encode(), f"From: <sip:{call.user}@{HOST}>".encode(), 1)


class TcpPhone(Phone):
    """The same over one connection to the server."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.socket.close()
        self.socket = socket.create_connection(self.server, 5)
        self.port = self.socket.getsockname()[1]
        self._rest = b""

    def send(self, data: bytes, to: tuple[str, int] | None = None) -> None:
        self.socket.sendall(data.replace(b"SIP/2.0/UDP", b"SIP/2.0/TCP", 1))

    def hear(self, seconds: float = 0.0) -> None:
        while wait([self.socket], seconds):
            read = self.socket.recv(65535)
            if not read:
                raise ConnectionError("the server has closed the connection")
            *whole, self._rest = (self._rest + read).split(b"Content-Length: 0\r\n\r\n")
            self.heard += [Message(each + b"\r\n", self.server) for each in whole]
            seconds = 0.0


def uri_of(value: str) -> str:
    found = re.search("<([^>]*)>", value)
    return found[1] if found else value


def calls_to(caller: Phone, callee: Phone, users: Iterable[str], *, answer: bool) -> list[Call]:
    """Calls that ring, and with *answer* are established."""
    calls = {}
    for user in users:
        call = caller.call(user)
        calls[call.id] = call
        caller.send(call.invite)
    again = {each.id: each.invite for each in calls.values()}
    for call_id, invite in callee.take("INVITE", calls, again=lambda each: caller.send(again[each])).items():
        calls[call_id].invited = invite
        callee.send(invite.answer(180, f"b{call_id}", f"Contact: {callee.contact('callee')}"))
    for call_id, message in caller.take("180 INVITE", calls).items():
        calls[call_id].answer = message
    if answer:
        answered(caller, callee, list(calls.values()))
    return list(calls.values())


def answered(caller: Phone, callee: Phone, calls: list[Call]) -> None:
    """The callee answers *calls*, the caller acknowledges."""
    by_id = {each.id: each for each in calls}

    def say(call_id: str) -> None:
        invite = by_id[call_id].invited
        assert invite is not None
        callee.send(invite.answer(200, f"b{call_id}", f"Contact: {callee.contact('callee')}"))

    for call_id in by_id:
        say(call_id)
    for call_id, message in caller.take("200 INVITE", by_id, again=say).items():
        by_id[call_id].answer = message
        caller.send(caller.within(by_id[call_id], "ACK"))
    callee.take("ACK", by_id, again=say)


def cancel(caller: Phone, callee: Phone, calls: list[Call]) -> None:
    """The caller gives up: the CANCEL reaches the callee, whose 487 is acknowledged and reaches the caller."""
    by_id = {each.id: each for each in calls}
    for each in calls:
        caller.send(caller.cancel(each))
    caller.take("200 CANCEL", by_id)
    for call_id, heard in callee.take("CANCEL", by_id).items():
        invite = by_id[call_id].invited
        assert invite is not None
        assert heard.get("Via") == invite.get("Via")  # or the callee finds no INVITE for it
        assert heard.uri == invite.uri
        callee.send(heard.answer(200))
        callee.send(invite.answer(487, f"b{call_id}"))
    callee.take("ACK", by_id)
    for call_id in caller.take("487 INVITE", by_id):
        caller.send(caller.request("ACK", f"sip:{by_id[call_id].user}@127.0.0.1:{caller.server[1]}", call_id, 1,
                                   tag=by_id[call_id].tag, branch=by_id[call_id].branch,
                                   to=f"<sip:{by_id[call_id].user}@127.0.0.1>;tag=b{call_id}"))
