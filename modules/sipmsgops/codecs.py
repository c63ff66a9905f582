"""Codecs and streams of an SDP, as text in and text out."""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

Chosen = Callable[[str, str], bool]  # by the name of a codec and its clock rate

# RFC 3551, 6: payload types that mean a codec without an rtpmap
STATIC = {
    "0": ("PCMU", "8000"), "3": ("GSM", "8000"), "4": ("G723", "8000"), "5": ("DVI4", "8000"), "6": ("DVI4", "16000"),
    "7": ("LPC", "8000"), "8": ("PCMA", "8000"), "9": ("G722", "8000"), "10": ("L16", "44100"), "11": ("L16", "44100"),
    "12": ("QCELP", "8000"), "13": ("CN", "8000"), "14": ("MPA", "90000"), "15": ("G728", "8000"),
    "16": ("DVI4", "11025"), "17": ("DVI4", "22050"), "18": ("G729", "8000"), "25": ("CelB", "90000"),
    "26": ("JPEG", "90000"), "28": ("nv", "90000"), "31": ("H261", "90000"), "32": ("MPV", "90000"),
    "33": ("MP2T", "90000"), "34": ("H263", "90000"),
}


class Stream(NamedTuple):
    """The lines of one media description with their ends, the m= line first."""

    lines: list[str]

    @property
    def words(self) -> list[str]:
        """Media, port, protocol and formats."""
        return self.lines[0][2:].split()

    @property
    def media(self) -> str:
        """audio, video ..."""
        return "".join(self.words[:1])

    @property
    def protocol(self) -> str:
        """RTP/AVP and the like."""
        return "".join(self.words[2:3])

    @property
    def is_refused(self) -> bool:
        """Whether its port is 0: then its formats mean nothing (RFC 3264, 6)."""
        return self.words[1:2] == ["0"]

    @property
    def codecs(self) -> list[tuple[str, str, str]]:
        """Payload type, name and clock rate of its codecs, in the order of preference."""
        if self.is_refused:
            return []
        mapped = {**(STATIC if "RTP/" in self.protocol else {}), **self.mapped}
        return [(each, *mapped[each]) for each in self.words[3:] if each in mapped]

    @property
    def mapped(self) -> dict[str, tuple[str, str]]:
        """Name and clock rate by payload type, as the rtpmap attributes give them."""
        found = {}
        for line in self.lines:
            if line.startswith("a=rtpmap:"):
                number, _, encoding = line[9:].strip().partition(" ")
                name, _, rest = encoding.strip().partition("/")
                found[number] = (name, rest.partition("/")[0])
        return found

    def matching(self, chosen: Chosen) -> list[str]:
        """The payload types of the codecs that are meant."""
        return [number for number, name, clock in self.codecs if chosen(name, clock)]

    def with_formats(self, formats: list[str], port: str | None = None) -> list[str]:
        """Its lines with other formats, and another port where one is given."""
        line = self.lines[0]
        ending = line[len(line.rstrip("\r\n")):]
        media, old_port, protocol = self.words[:3]
        return [f"m={' '.join([media, port or old_port, protocol, *formats])}{ending}", *self.lines[1:]]


def cut(text: str) -> tuple[list[str], list[Stream]]:
    """The lines of the session, and the streams."""
    session: list[str] = []
    streams: list[Stream] = []
    lines = session
    for line in text.splitlines(keepends=True):
        if line.startswith("m="):
            lines = []
            streams.append(Stream(lines))
        lines.append(line)
    return session, streams


def changed(text: str, change: Callable[[Stream], list[str]]) -> str:
    """An SDP with other lines in the place of those of each stream."""
    session, streams = cut(text)
    return "".join([*session, *(line for each in streams for line in change(each))])


def exists(text: str, chosen: Chosen) -> bool:
    """Whether a stream has a codec that is meant."""
    return any(each.matching(chosen) for each in cut(text)[1])


def deleted(text: str, chosen: Chosen) -> str:
    """An SDP without the codecs that are meant, and without what is said of them. A stream that has no other is
    refused: its port becomes 0."""
    def change(stream: Stream) -> list[str]:
        gone = stream.matching(chosen)
        if not gone:
            return stream.lines
        kept = [each for each in stream.words[3:] if each not in gone]
        left = stream.with_formats(kept) if kept else stream.with_formats(gone[:1], "0")
        return [line for line in left if not describes(line, gone)]
    return changed(text, change)


def describes(line: str, payloads: list[str]) -> bool:
    """Whether a line is an attribute of one of these payload types."""
    name, _, rest = line.partition(":")
    return name in ("a=rtpmap", "a=fmtp", "a=rtcp-fb") and (rest.split() or [""])[0] in payloads


def moved(text: str, chosen: Chosen, *, up: bool) -> str:
    """An SDP whose streams name the codecs that are meant first, or last."""
    def change(stream: Stream) -> list[str]:
        ours = stream.matching(chosen)
        if not ours:
            return stream.lines
        others = [each for each in stream.words[3:] if each not in ours]
        return stream.with_formats(ours + others if up else others + ours)
    return changed(text, change)


def without_streams(text: str, chosen: Callable[[Stream], bool]) -> str:
    """An SDP without the streams that are meant."""
    return changed(text, lambda stream: [] if chosen(stream) else stream.lines)


def hold_of(text: str) -> int:
    """How an audio stream is on hold: 1 by its address (RFC 2543), 2 by its direction (RFC 3264), 0 where none is."""
    session, streams = cut(text)
    for stream in streams:
        if stream.media != "audio" or stream.is_refused:
            continue
        if (address(stream.lines) or address(session)) in ("0.0.0.0", "::"):
            return 1
        if (direction(stream.lines) or direction(session)) in ("sendonly", "inactive"):
            return 2
    return 0


def address(lines: list[str]) -> str:
    """The address of the connection line among *lines*, '' without one."""
    words = next((line[2:].split() for line in lines if line.startswith("c=")), [])
    return words[2].partition("/")[0] if len(words) > 2 else ""


def direction(lines: list[str]) -> str:
    """The direction among *lines*, '' without one."""
    names = ("sendrecv", "sendonly", "recvonly", "inactive")
    return next((name for line in lines if line[:2] == "a=" and (name := line[2:].strip()) in names), "")
