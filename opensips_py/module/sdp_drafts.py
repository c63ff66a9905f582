"""The SDP of a message while a script changes it. What leaves differs from what came in those lines alone that were
changed, so that edits of other lines hold beside them."""
from __future__ import annotations

from difflib import SequenceMatcher
from typing import NamedTuple

from opensips_py.module import drafts
from opensips_py.module.run import Run
from opensips_py.sip import Edits, Message
from opensips_py.sip.bodies import parts_of


class Sdp(NamedTuple):
    """One SDP of a message: which, where it begins, how it came, and how it is now."""

    number: int
    start: int
    received: str
    text: str


class State(NamedTuple):
    """The draft of an SDP: the text of each of its segments; *shown* where $rb shows it, too."""

    segments: tuple[str, ...]
    shown: bool


def encoded(text: str) -> bytes:
    """A text as bytes of the message."""
    return text.encode("utf-8", "surrogateescape")


def sdps(run: Run, message: Message) -> list[Sdp]:
    """The SDPs among the parts of the body, each as the script has left it; one that is empty where there is none."""
    contents = [(message.body_offset + each.start, each.content) for each in parts_of(message)
                if each.media_type == "application/sdp"]
    found = []
    for number, (start, content) in enumerate(contents or [(message.body_offset, b"")]):
        received = content.decode("utf-8", "surrogateescape")
        state: State | None = drafts.current(run, message, ("sdp", number))
        found.append(Sdp(number, start, received, received if state is None else "".join(state.segments)))
    return found


def write(run: Run, message: Message, sdp: Sdp, text: str, *, shown: bool = False) -> None:
    """Make *text* what leaves in the place of *sdp*."""
    key = ("sdp", sdp.number)
    before: State | None = drafts.current(run, message, key)
    old = sdp.received.splitlines(keepends=True)
    segments = aligned(old, text.splitlines(keepends=True))
    draft = drafts.write(message, key, State(tuple(segments), shown or (before is not None and before.shown)))
    position = sdp.start
    for index, (was, now) in enumerate(zip(unchanged(old), segments, strict=True)):
        end = position + len(encoded(was))
        if was != now and not drafts.is_placed(run, message, key, index):
            message.edits.replace(position, end, drafts.Piece(draft, index, segment(index)))
        position = end
    if not message.header("Content-Type") and not drafts.is_placed(run, message, key, "type"):
        message.append_header(drafts.Piece(draft, "type", content_type))


def segment(index: int) -> drafts.Render:
    """The text of a segment."""
    def render(state: State) -> bytes:
        return encoded(state.segments[index])
    return render


def content_type(state: State) -> bytes:
    """The header for a body that came without."""
    return b"Content-Type: application/sdp\r\n"


def shown_body(run: Run, message: Message) -> bytes:
    """The body of *message* with the SDP that the script has assigned."""
    body = message.body
    edits = Edits()
    for sdp in sdps(run, message):
        state: State | None = drafts.current(run, message, ("sdp", sdp.number))
        if state is not None and state.shown:
            start = sdp.start - message.body_offset
            edits.replace(start, start + len(encoded(sdp.received)), encoded(sdp.text))
    return edits.apply(body) if edits else body


def unchanged(lines: list[str]) -> list[str]:
    """Lines as segments: before each line a place for further ones, and what m= lines say before and in their list of
    formats apart; at the end a place for further lines."""
    return [each for line in lines for each in ("", *cut(line))] + [""]


def cut(line: str) -> tuple[str, str]:
    """An m= line as media, port and protocol, and its formats; any other line as a whole."""
    if not line.startswith("m="):
        return line, ""
    place = -1
    for _ in range(3):
        place = line.find(" ", place + 1)
        if place < 0:
            return line, ""
    return line[:place], line[place:]


def aligned(old: list[str], new: list[str]) -> list[str]:
    """The text of *new* in the segments of *old*."""
    out = unchanged(old)
    begin = 0
    shorter = min(len(old), len(new))
    while begin < shorter and old[begin] == new[begin]:
        begin += 1
    behind = 0
    while behind < shorter - begin and old[-1 - behind] == new[-1 - behind]:
        behind += 1
    middle, others = old[begin:len(old) - behind], new[begin:len(new) - behind]
    for _, first, last, other_first, other_last in SequenceMatcher(None, middle, others, False).get_opcodes():
        exchange(out, range(begin + first, begin + last), others[other_first:other_last])
    return out


def exchange(out: list[str], places: range, lines: list[str]) -> None:
    """Put *lines* into the segments of the old lines *places*; more lines than places follow the last."""
    for place, line in zip(places, lines, strict=False):
        old = out[3 * place + 1] + out[3 * place + 2]
        out[3 * place + 1], out[3 * place + 2] = cut(line) if old.startswith("m=") else (line, "")
    for place in places[len(lines):]:
        out[3 * place + 1] = out[3 * place + 2] = ""
    out[3 * places.stop] += "".join(lines[len(places):])
