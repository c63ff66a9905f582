"""The parts of a body while a script adds and removes some: what is left decides how the whole is written."""
from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from opensips_py.module import Run, drafts
from opensips_py.sip import Header, Message
from opensips_py.sip.bodies import Part, boundary, media_type, parts_of

KEY = "parts"
LAST = "last"  # the place behind the last received part


class Added(NamedTuple):
    """A part that the script has added; *headers* are whole lines."""

    content_type: str
    content: bytes
    headers: bytes = b""

    @property
    def media_type(self) -> str:
        """type/subtype in lower case."""
        return media_type(self.content_type)

    @property
    def lines(self) -> bytes:
        """Its header lines."""
        return b"Content-Type: %s\r\n%s" % (self.content_type.encode("utf-8", "surrogateescape"), self.headers)


class Parts(NamedTuple):
    """The draft of a body: its parts as received, which of them are gone, and those that were added.

    *single* is False where a multipart body stays one even with a single part.
    """

    received: tuple[Part, ...]
    heads: tuple[bytes, ...]  # what stands before the content of each received part
    content_type: str
    separator: bytes
    gone: frozenset[int] = frozenset()
    added: tuple[Added, ...] = ()
    single: bool = True

    @property
    def left(self) -> list[int]:
        """The received parts that are left, by number."""
        return [number for number in range(len(self.received)) if number not in self.gone]

    @property
    def is_multipart(self) -> bool:
        """Whether the body leaves as a multipart one."""
        count = len(self.left) + len(self.added)
        return count > 1 or (count == 1 and not self.single and boundary(self.content_type) is not None)

    @property
    def media_types(self) -> list[str]:
        """What the parts are that are left."""
        return [self.received[number].media_type for number in self.left] + [each.media_type for each in self.added]


def parts_now(run: Run, message: Message) -> Parts:
    """The parts of a body as the script has left them."""
    found: Parts | None = drafts.current(run, message, KEY)
    return received(message) if found is None else found


def received(message: Message) -> Parts:
    """The parts of a body as it came."""
    found = tuple(parts_of(message))
    content_type = message.content_type or ""
    body = message.body
    ends = [0, *(each.end for each in found)]
    heads = tuple(body[end:each.start] for end, each in zip(ends, found, strict=False))
    return Parts(found, heads, content_type, separator_of(message, content_type))


def separator_of(message: Message, content_type: str) -> bytes:
    """The boundary of a multipart body, or one for a body that becomes one: the same for retransmissions."""
    own = boundary(content_type)
    return sha256(message.data).hexdigest()[:32].encode() if own is None else own.encode("utf-8", "surrogateescape")


def store(run: Run, message: Message, parts: Parts) -> None:
    """Make *parts* what leaves."""
    gone_before = parts_now(run, message).gone
    draft = drafts.write(message, KEY, parts)

    def place(name: int | str, start: int, end: int, render: Callable[[Parts], bytes]) -> None:
        """Put a splice where none stands yet."""
        if not drafts.is_placed(run, message, KEY, name):
            message.edits.replace(start, end, drafts.Piece(draft, name, render))

    offset = message.body_offset
    end = 0
    for number, each in enumerate(parts.received):
        place(number, offset + end, offset + each.start, head(number))
        if number in parts.gone - gone_before:
            message.edits.delete(offset + each.start, offset + each.end)
        end = each.end
    place(LAST, offset + end, len(message.data), tail)
    header = next(iter(message.headers("Content-Type")), None)
    if header is not None and not is_removed(run, message, header):
        drafts.place_header(run, message, draft, header, "type", type_header)
    elif not drafts.is_placed(run, message, KEY, "type"):
        message.append_header(drafts.Piece(draft, "type", type_header))


def is_removed(run: Run, message: Message, header: Header) -> bool:
    """Whether the script has removed a header: a splice of ours in its place would go with it."""
    return any(start <= header.start and end >= header.end and text == b""
               for edits in drafts.scopes(run, message) for start, end, text in edits)


def head(number: int) -> drafts.Render:
    """What stands before a received part."""
    def render(parts: Parts) -> bytes:
        if number in parts.gone or not parts.is_multipart:
            return b""
        if boundary(parts.content_type) is None:
            content_type = parts.content_type or "application/octet-stream"
            return opening(parts) + b"Content-Type: %s\r\n\r\n" % content_type.encode("utf-8", "surrogateescape")
        text = parts.heads[number]
        return text.removeprefix(b"\r\n") if number and number == parts.left[0] else text
    return render


def opening(parts: Parts) -> bytes:
    """The line before a part."""
    return b"--%s\r\n" % parts.separator


def tail(parts: Parts) -> bytes:
    """What stands behind the received parts: those that were added, and the end of a multipart body."""
    if not parts.is_multipart:
        return b"".join(each.content for each in parts.added)
    out = []
    for number, each in enumerate(parts.added):
        line_end = b"\r\n" if number or parts.left else b""
        out.append(line_end + opening(parts) + each.lines + b"\r\n" + each.content)
    return b"%s\r\n--%s--\r\n" % (b"".join(out), parts.separator)


def type_header(parts: Parts) -> bytes:
    """The headers of the message that say what its body is."""
    if not parts.left and not parts.added:
        return b""
    if parts.is_multipart:
        own = boundary(parts.content_type) is not None
        value = parts.content_type if own else f"multipart/mixed;boundary={parts.separator.decode()}"
        return Added(value, b"").lines
    if parts.added:
        return parts.added[0].lines
    only = parts.left[0]
    if boundary(parts.content_type) is None:
        return Added(parts.content_type, b"").lines if parts.content_type else b""
    part = parts.received[only]
    before = parts.heads[only][part.head - part.start:]  # what stands before its separating line is no header
    return Added(part.content_type, b"", other_headers(before)).lines


def other_headers(text: bytes) -> bytes:
    """The headers of a part (behind its separating line) without its Content-Type."""
    lines = text.partition(b"\r\n")[2].removesuffix(b"\r\n")
    kept: list[bytes] = []
    skipping = False
    for line in lines.splitlines(keepends=True):
        if line[:1] not in b" \t":
            skipping = line.partition(b":")[0].strip().lower() in (b"content-type", b"c")
        if not skipping:
            kept.append(line)
    return b"".join(kept)
