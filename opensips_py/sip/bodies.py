"""The parts of a body (RFC 2046, 5.1)."""
from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from opensips_py.sip.splitting import parameter_pairs

if TYPE_CHECKING:
    from opensips_py.sip import Message


class Part(NamedTuple):
    """One part: its Content-Type as written, what it holds, and where in the body that begins.

    *head* is where the line that separates it from what stands before begins; the body's own only part has none.
    """

    content_type: str
    content: bytes
    head: int = 0
    start: int = 0

    @property
    def media_type(self) -> str:
        """type/subtype in lower case."""
        return media_type(self.content_type)

    @property
    def end(self) -> int:
        """Where in the body the content ends."""
        return self.start + len(self.content)


def media_type(content_type: str) -> str:
    """type/subtype in lower case, without parameters."""
    return content_type.partition(";")[0].strip().lower()


def boundary(content_type: str) -> str | None:
    """What separates the parts of a multipart body; None for any other."""
    kind, _, parameters = content_type.partition(";")
    if not kind.strip().lower().startswith("multipart/"):
        return None
    return next((value for name, value in parameter_pairs(parameters) if name.lower() == "boundary"), None)


def parts_of(message: Message) -> list[Part]:
    """The parts of a message's body as it was received."""
    return parts(message.body, message.content_type or "")


def parts(body: bytes, content_type: str) -> list[Part]:
    """The parts of a body; one that is not multipart is its own only part, an empty one has none."""
    if not body:
        return []
    separator = boundary(content_type)
    if separator is None:
        return [Part(content_type, body)]
    delimiter = b"\r\n--" + separator.encode("utf-8", "surrogateescape")
    pieces = (b"\r\n" + body).split(delimiter)
    found = []
    position = len(pieces[0])  # where the next delimiter begins; the line end put before the body makes up for its own
    for each in pieces[1:]:
        if each.startswith(b"--"):  # the end; what follows belongs to no part
            break
        rest = each.partition(b"\r\n")[2]
        found.append(part(rest, position, position + len(delimiter) + len(each) - len(rest) - 2))
        position += len(delimiter) + len(each)
    return found


def part(data: bytes, head: int, start: int) -> Part:
    """One part with its own headers, which begin at *start*."""
    if data.startswith(b"\r\n"):
        return Part("text/plain", data[2:], head, start + 2)
    headers, _, content = data.partition(b"\r\n\r\n")
    start += len(data) - len(content)
    for line in headers.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() in (b"content-type", b"c"):
            return Part(value.strip().decode("utf-8", "surrogateescape"), content, head, start)
    return Part("text/plain", content, head, start)
