"""The SDP of a message as the script edits it: reads see what was written before the message leaves."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.sip.bodies import parts_of

if TYPE_CHECKING:
    from opensips_py.sip import Message

KEY = "sdp"  # in the message's context


class WorkingSdp:
    """The SDP of one message and the place that it has in the message."""

    __slots__ = ("data", "end", "start", "text", "written")

    def __init__(self, message: Message) -> None:
        self.data = message.data
        self.written = False
        body = message.body or b""
        content = next((each.content for each in parts_of(message) if each.media_type == "application/sdp"), b"")
        offset = body.find(content)
        self.start = message.body_offset + offset
        self.end = self.start + len(content)
        self.text = content.decode("utf-8", "surrogateescape")

    def write(self, message: Message, text: str) -> None:
        """Make *text* the SDP; one splice puts in, when the message leaves, what is current then."""
        self.text = text
        if self.written:
            return
        self.written = True
        message.edits.replace(self.start, self.end, lambda outgoing: self.text.encode("utf-8", "surrogateescape"))
        if not message.header("Content-Type"):
            message.append_header("Content-Type: application/sdp\r\n")


def body_of(message: Message) -> bytes:
    """The body of *message* with the SDP that the script has written into it."""
    found: WorkingSdp | None = (message.context or {}).get(KEY)
    if found is None or not found.written or found.data is not message.data:
        return message.body
    return (message.data[message.body_offset:found.start] + found.text.encode("utf-8", "surrogateescape")
            + message.data[found.end:])


def working(message: Message) -> WorkingSdp:
    """The SDP of *message*; read anew when the message has become another one."""
    if message.context is None:
        message.context = {}
    found: WorkingSdp | None = message.context.get(KEY)
    if found is None or found.data is not message.data:
        found = message.context[KEY] = WorkingSdp(message)
    return found
