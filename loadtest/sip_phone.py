"""A small SIP user agent over UDP for Locust: it registers, calls, answers and reports each transaction's time."""
from __future__ import annotations

import itertools
import re
import secrets
import time
from typing import Any

import gevent
from gevent import socket
from gevent.event import AsyncResult

T1, T2 = 0.5, 4.0  # RFC 3261, 17: seconds before the first retransmission, and at most between two
_numbers = itertools.count(1)
_SDP = "v=0\r\no=load 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"


class Refused(Exception):
    """A final answer other than 2xx."""


def header(text: str, name: str) -> list[str]:
    """The values of all header fields called *name*, in order."""
    return re.findall(rf"^{name}\s*:\s*(.*?)\r?$", text, re.I | re.M)


class Phone:
    """One user agent on a socket of its own; *events* is Locust's environment.events."""

    def __init__(self, user: str, proxy: tuple[str, int], events: Any) -> None:
        self.user, self.proxy, self.events = user, proxy, events
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.host, self.port = self.socket.getsockname()
        self.domain = proxy[0]
        self.calls_answered = 0
        self._waiting: dict[tuple[str, str], AsyncResult[str]] = {}
        self._answered: dict[str, str] = {}
        self._acks: dict[str, str] = {}  # by Call-ID, for 200s that are repeated
        self._registration = self._fresh(user)
        self._reader = gevent.spawn(self._read)

    def close(self) -> None:
        self._reader.kill()
        self.socket.close()

    # -- as a client ---------------------------------------------------------------------------------------

    def register(self, expires: int = 3600) -> None:
        """Bind this phone's contact to its address-of-record, or refresh it (RFC 3261, 10.2.4)."""
        self._registration["cseq"] += 1
        self.transact("REGISTER", f"sip:{self.domain}", self._registration, f"Expires: {expires}\r\n")

    def options(self) -> None:
        """Ask the server what it can do."""
        self.transact("OPTIONS", f"sip:{self.domain}:{self.proxy[1]}", self._fresh(self.domain))

    def call(self, callee: str, seconds: float) -> None:
        """Call *callee*, stay for *seconds*, hang up."""
        dialog = self._fresh(callee)
        answer = self.transact("INVITE", f"sip:{callee}@{self.domain}:{self.proxy[1]}", dialog,
                               "Content-Type: application/sdp\r\n", _SDP.format(host=self.host))
        dialog["to"] = header(answer, "To")[0]
        dialog["routes"] = "".join(f"Route: {value}\r\n" for value in reversed(
            [v.strip() for line in header(answer, "Record-Route") for v in line.split(",")]))
        target = re.search(r"<([^>]*)>", header(answer, "Contact")[0])
        uri = target.group(1) if target else f"sip:{callee}@{self.domain}"
        self._acks[dialog["id"]] = self._request("ACK", uri, dialog, self._branch())
        self._send(self._acks[dialog["id"]])
        gevent.sleep(seconds)
        dialog["cseq"] += 1
        try:
            self.transact("BYE", uri, dialog)
        finally:
            del self._acks[dialog["id"]]

    def transact(self, method: str, uri: str, dialog: dict[str, Any], headers: str = "", body: str = "") -> str:
        """Send a request with retransmissions; returns the 2xx and reports the time to Locust."""
        branch = self._branch()
        message = self._request(method, uri, dialog, branch, headers, body)
        waiting = self._waiting[branch, method] = AsyncResult()
        began, answer = time.perf_counter(), ""
        try:
            answer = self._final(message, waiting)
            if int(answer.split(" ", 2)[1]) >= 300:
                if method == "INVITE":
                    refused = dict(dialog, to=header(answer, "To")[0])
                    self._send(self._request("ACK", uri, refused, branch))
                raise Refused(answer.split("\r\n", 1)[0])
        except (Refused, TimeoutError) as error:
            self._report(method, began, answer, error)
            raise
        finally:  # of a user whom the end of the load stops nothing is reported
            del self._waiting[branch, method]
        self._report(method, began, answer)
        return answer

    def _report(self, method: str, began: float, answer: str, error: Exception | None = None) -> None:
        self.events.request.fire(request_type="SIP", name=method, response_length=len(answer), exception=error,
                                 response_time=(time.perf_counter() - began) * 1000, context={})

    def _final(self, message: str, waiting: AsyncResult[str]) -> str:
        pause, limit = T1, time.monotonic() + 64 * T1
        while time.monotonic() < limit:
            self._send(message)
            try:
                return waiting.get(timeout=pause)
            except gevent.Timeout:
                pause = min(pause * 2, T2)
        raise TimeoutError("no final answer in 32 s")

    def _fresh(self, callee: str) -> dict[str, Any]:
        number = next(_numbers)
        to = f"<sip:{callee}@{self.domain}>" if callee != self.domain else f"<sip:{self.domain}>"
        return {"id": f"{number}-{secrets.token_hex(8)}@{self.host}", "cseq": 1, "to": to, "routes": "",
                "from": f"<sip:{self.user}@{self.domain}>;tag={secrets.token_hex(4)}"}

    def _branch(self) -> str:
        return "z9hG4bK" + secrets.token_hex(8)

    def _request(self, method: str, uri: str, dialog: dict[str, Any], branch: str, headers: str = "",
                 body: str = "") -> str:
        return (f"{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {self.host}:{self.port};branch={branch};rport\r\n"
                f"Max-Forwards: 70\r\n{dialog['routes']}From: {dialog['from']}\r\nTo: {dialog['to']}\r\n"
                f"Call-ID: {dialog['id']}\r\nCSeq: {dialog['cseq']} {method}\r\n"
                f"Contact: <sip:{self.user}@{self.host}:{self.port}>\r\n{headers}"
                f"Content-Length: {len(body)}\r\n\r\n{body}")

    # -- as a server ---------------------------------------------------------------------------------------

    def _read(self) -> None:
        while True:
            data, source = self.socket.recvfrom(65535)
            text = data.decode(errors="replace")
            if text.startswith("SIP/2.0 "):
                self._response(text)
            elif text.strip():
                self._serve(text, source)

    def _response(self, text: str) -> None:
        branch = re.search(r"branch=([^;,\s]+)", header(text, "Via")[0])
        method, status = header(text, "CSeq")[0].split()[1], int(text.split(" ", 2)[1])
        waiting = self._waiting.get((branch.group(1) if branch else "", method))
        if waiting is None and method == "INVITE" and 200 <= status < 300:
            ack = self._acks.get(header(text, "Call-ID")[0])  # RFC 3261, 13.2.2.4: each 2xx gets its ACK
            if ack is not None:
                self._send(ack)
        elif waiting is not None and status >= 200 and not waiting.ready():
            waiting.set(text)

    def _serve(self, text: str, source: tuple[str, int]) -> None:
        method, call = text.split(" ", 1)[0], header(text, "Call-ID")[0]
        if method == "ACK":
            self._answered.pop(call, None)
        elif method == "INVITE" and call not in self._answered:
            self._answered[call] = self._answer(text, 200, "OK", _SDP.format(host=self.host))
            self._send(self._answer(text, 180, "Ringing"), source)
            gevent.spawn(self._until_ack, call, source)
            self.calls_answered += 1
        elif method != "INVITE":
            self._send(self._answer(text, 200, "OK"), source)

    def _until_ack(self, call: str, source: tuple[str, int]) -> None:
        pause = T1
        while call in self._answered and pause < 32 * T1:
            self._send(self._answered[call], source)
            gevent.sleep(pause)
            pause *= 2
        self._answered.pop(call, None)

    def _answer(self, request: str, status: int, reason: str, body: str = "") -> str:
        copied = "".join(f"{name}: {value}\r\n" for name in ("Via", "Record-Route", "From", "Call-ID", "CSeq")
                         for value in header(request, name))
        to = header(request, "To")[0]
        to += "" if "tag=" in to else f";tag={self.port:x}"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        contact = f"Contact: <sip:{self.user}@{self.host}:{self.port}>\r\n"
        return (f"SIP/2.0 {status} {reason}\r\n{copied}To: {to}\r\n{contact}{kind}"
                f"Content-Length: {len(body)}\r\n\r\n{body}")

    def _send(self, text: str, to: tuple[str, int] | None = None) -> None:
        self.socket.sendto(text.encode(), to or self.proxy)
