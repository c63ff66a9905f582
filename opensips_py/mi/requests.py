"""Requests out of a stream of bytes, in either format, each recognised by its own first line."""
from __future__ import annotations

import json
from dataclasses import dataclass

from opensips_py.mi import text

LIMIT = 1 << 20  # bytes of one request


@dataclass(slots=True)
class JsonRequest:
    """A JSON-RPC request as it came, and the name of the file that the response goes to."""

    body: str
    reply: str


Request = JsonRequest | text.Request


class Reader:
    """Cuts what was written to a FIFO into requests; what is no request is skipped up to the next line."""

    def __init__(self) -> None:
        self._buffer = ""
        self._rest = b""

    @property
    def is_waiting(self) -> bool:
        """Whether a request has begun and not ended."""
        return bool(self._buffer.strip() or self._rest)

    def clear(self) -> None:
        """Give up what has begun: nobody will end it."""
        self._buffer, self._rest = "", b""

    def feed(self, data: bytes) -> list[Request]:
        """The requests that are complete now."""
        whole, self._rest = complete_text(self._rest + data)
        self._buffer += whole
        found: list[Request] = []
        while True:
            self._buffer = self._buffer.lstrip("\r\n")
            if not self._buffer:
                return found
            if len(self._buffer) > LIMIT:
                self.clear()
                return found
            request, taken = self._next()
            if not taken:
                return found
            self._buffer = self._buffer[taken:]
            if request is not None:
                found.append(request)

    def _next(self) -> tuple[Request | None, int]:
        """The first request and how much it takes; (None, n) skips n, (None, 0) waits for more."""
        buffer = self._buffer
        if not buffer.startswith(":"):
            return None, line_end(buffer)
        head, colon, body = buffer[1:].partition(":")
        if not colon or "\n" in head:
            return None, line_end(buffer)
        start = body.lstrip(" \t")
        if start[:1] in ("{", "["):
            return json_request(head, start, len(buffer) - len(start))
        return text_request(buffer)


def line_end(buffer: str) -> int:
    """How much the first line takes; 0 while it is incomplete."""
    return buffer.find("\n") + 1


def json_request(reply: str, body: str, offset: int) -> tuple[Request | None, int]:
    """The JSON value that *body* begins with."""
    try:
        _, end = json.JSONDecoder().raw_decode(body)
        return JsonRequest(body[:end], reply), offset + end
    except json.JSONDecodeError as error:
        line = body.find("\n")
        if error.pos >= len(body.rstrip()) or "Unterminated" in error.msg or line < 0:
            return None, 0
        return JsonRequest(body[:line], reply), offset + line + 1  # answered with what is wrong in it


def text_request(buffer: str) -> tuple[Request | None, int]:
    """The lines up to the empty one; a quoted value may hold such as end with CR LF."""
    lines: list[str] = []
    position = 0
    opened = False
    while True:
        end = buffer.find("\n", position)
        if end < 0:
            return None, 0
        line = buffer[position:end]
        position = end + 1
        if not line or not (opened or line.strip()):
            break
        opened = text.goes_on(line, opened)
        lines.append(line)
    try:
        return text.parse(lines), position
    except ValueError:
        return None, line_end(buffer)


def complete_text(data: bytes) -> tuple[str, bytes]:
    """*data* as text, without the beginning of a character that has not come whole."""
    for kept in range(min(3, len(data)) + 1):
        try:
            return data[:len(data) - kept].decode(), data[len(data) - kept:]
        except UnicodeDecodeError as error:
            if error.end < len(data) - kept or error.reason != "unexpected end of data":
                break
    return data.decode("utf-8", "surrogateescape"), b""


def of_datagram(data: bytes) -> Request:
    """The one request in a datagram; ValueError where it is none."""
    content = data.decode("utf-8", "surrogateescape")
    body = content.lstrip()
    if body[:1] in ("{", "["):
        return JsonRequest(body, "")
    if body.startswith("::"):
        return JsonRequest(body[2:], "")
    lines = content.split("\n")
    while lines and not lines[-1].strip():
        lines.pop()
    return text.parse(lines or [""])
