"""Messages to send: requests and responses, right as they are, with whatever a test wants to be different."""
from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Protocol

from opensips_py.sip import Request, Response, build_response, scan

SDP = ("v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 8\r\n"
       "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n")
SERIAL = itertools.count(1)
Headers = Mapping[str, str | list[str]]


def lines_of(headers: Headers) -> str:
    """Header lines; a list stands for a header that comes more than once."""
    found = [(name, each) for name, value in headers.items() for each in ([value] if isinstance(value, str) else value)]
    return "".join(f"{name}: {value}\r\n" for name, value in found)


def sdp(host: str, port: int = 40000) -> str:
    """An offer of G.711 to *host* and *port*."""
    return SDP.format(host=host, port=port)


def request(method: str, uri: str, *, sender: str = "sip:alice@example.com", to: str = "", call_id: str = "",
            cseq: int = 1, from_tag: str = "a", to_tag: str = "", via: str = "192.0.2.1:5060", protocol: str = "udp",
            branch: str = "", contact: str = "", max_forwards: int | None = 70, headers: Headers | None = None,
            body: str = "", content_type: str = "application/sdp") -> bytes:
    """A request; *via* is the sent-by of its one Via. Two calls without *call_id* make two calls."""
    number = next(SERIAL)
    tag = f";tag={to_tag}" if to_tag else ""
    lines = {"Via": f"SIP/2.0/{protocol.upper()} {via};branch={branch or f'z9hG4bK-test-{number}'};rport"}
    if max_forwards is not None:
        lines["Max-Forwards"] = str(max_forwards)
    lines.update({"From": f"<{sender}>;tag={from_tag}", "To": f"<{to or uri}>{tag}",
                  "Call-ID": call_id or f"call-{number}@test", "CSeq": f"{cseq} {method}"})
    if contact:
        lines["Contact"] = contact if contact.startswith(("<", "*")) else f"<{contact}>"
    if body:
        lines["Content-Type"] = content_type
    text = lines_of(lines) + lines_of(headers or {}) + f"Content-Length: {len(body.encode())}\r\n\r\n{body}"
    return f"{method} {uri} SIP/2.0\r\n{text}".encode("utf-8", "surrogateescape")


class Carrier(Protocol):
    """What carries a message, such as one that left a server."""

    @property
    def message(self) -> Request | Response: ...


def response(to: Request | Carrier | bytes, status: int, reason: str = "", *, to_tag: str = "b", contact: str = "",
             headers: Headers | None = None, body: str = "", content_type: str = "application/sdp") -> bytes:
    """A response to the request *to*, as its receiver sends it: Vias, Record-Routes, From, To and CSeq are copied."""
    asked = scan(to) if isinstance(to, bytes) else to if isinstance(to, Request) else to.message
    if not isinstance(asked, Request):
        raise TypeError(f"only a request is answered, not {asked!r}")
    lines = dict(headers or {})
    if contact:
        lines["Contact"] = contact if contact.startswith("<") else f"<{contact}>"
    return build_response(asked, status, reason or REASONS.get(status, "Whatever"), to_tag if status > 100 else "",
                          lines_of(lines).encode("utf-8", "surrogateescape"), body.encode(),
                          content_type if body else "")


REASONS = {100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 202: "Accepted",
           301: "Moved Permanently", 302: "Moved Temporarily", 400: "Bad Request", 401: "Unauthorized",
           403: "Forbidden", 404: "Not Found", 407: "Proxy Authentication Required", 408: "Request Timeout",
           480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist", 486: "Busy Here",
           487: "Request Terminated", 488: "Not Acceptable Here", 500: "Server Internal Error",
           503: "Service Unavailable", 600: "Busy Everywhere", 603: "Decline"}


def received(message: Request | Response | bytes) -> Request | Response:
    """*message*, read where it is bytes."""
    read = scan(message) if isinstance(message, bytes) else message
    if read is None:
        raise ValueError("that is no SIP message")
    return read
