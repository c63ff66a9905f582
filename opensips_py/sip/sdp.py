"""Session descriptions (RFC 4566) as lines: what is not touched is written back as it came."""
from __future__ import annotations

from dataclasses import dataclass, field

from opensips_py.errors import MalformedMessage


@dataclass(slots=True)
class Section:
    """The lines of a session or of one media description, as pairs of type letter and value, in order."""

    lines: list[tuple[str, str]] = field(default_factory=list)

    def get(self, letter: str) -> str | None:
        """Value of the first line of that type; None where there is none."""
        return next((value for kind, value in self.lines if kind == letter), None)

    def set(self, letter: str, value: str) -> None:
        """Give the first line of that type another value; where there is none, add the line at the end."""
        for i, (kind, _) in enumerate(self.lines):
            if kind == letter:
                self.lines[i] = (letter, value)
                return
        self.lines.append((letter, value))

    @property
    def attributes(self) -> list[tuple[str, str]]:
        """The attributes as name and value; '' for a flag."""
        pairs = (value.partition(":") for kind, value in self.lines if kind == "a")
        return [(name, value) for name, _, value in pairs]

    def attribute(self, name: str) -> str | None:
        """Value of the first attribute of that name: '' for a flag, None where there is none."""
        return next((value for key, value in self.attributes if key == name), None)

    def remove_attributes(self, name: str) -> int:
        """Leave out all attributes of that name; answers how many there were."""
        kept = [(k, v) for k, v in self.lines if k != "a" or v.partition(":")[0] != name]
        removed = len(self.lines) - len(kept)
        self.lines = kept
        return removed

    @property
    def address(self) -> str | None:
        """The address of the connection line, None where there is none."""
        connection = self.get("c")
        fields = connection.split() if connection else []
        return fields[2].partition("/")[0] if len(fields) >= 3 else None

    def set_address(self, host: str) -> None:
        """Write another address into the connection line; its type follows."""
        self.set("c", f"IN {'IP6' if ':' in host else 'IP4'} {host}")


@dataclass(slots=True)
class Media(Section):
    """One media description, from its m= line on."""

    @property
    def fields(self) -> list[str]:
        """The words of the m= line: kind, port, protocol, formats."""
        return self.lines[0][1].split()

    @property
    def kind(self) -> str:
        """audio, video ..."""
        return self.fields[0]

    @property
    def port(self) -> int:
        """The port; 0 refuses the stream."""
        return int(self.fields[1].partition("/")[0])

    @port.setter
    def port(self, value: int) -> None:
        words = self.fields
        words[1] = str(value) + "".join(words[1].partition("/")[1:])
        self.lines[0] = ("m", " ".join(words))

    @property
    def protocol(self) -> str:
        """RTP/AVP and the like."""
        return self.fields[2]

    @property
    def formats(self) -> list[str]:
        """Payload types or formats, the preferred one first."""
        return self.fields[3:]

    @formats.setter
    def formats(self, value: list[str]) -> None:
        self.lines[0] = ("m", " ".join(self.fields[:3] + value))

    @property
    def direction(self) -> str:
        """sendrecv, sendonly, recvonly or inactive; '' where not said here."""
        names = ("sendrecv", "sendonly", "recvonly", "inactive")
        return next((name for name, _ in self.attributes if name in names), "")

    def codec(self, payload: str) -> str:
        """Name and clock rate of a payload type from its rtpmap, '' where there is none."""
        for name, value in self.attributes:
            number, _, mapping = value.partition(" ")
            if name == "rtpmap" and number == payload:
                return mapping
        return ""


@dataclass(slots=True)
class SessionDescription(Section):
    """A session description: its own lines, then its media."""

    media: list[Media] = field(default_factory=list)

    @classmethod
    def parse(cls, body: bytes) -> SessionDescription:
        """Read a body; MalformedMessage where a line has no type or an m= line lacks a part."""
        found = cls()
        section: Section = found
        for line in body.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n"):
            if not line.strip():
                continue
            letter, equals, value = line.partition("=")
            if len(letter) != 1 or not equals:
                raise MalformedMessage(f"session description with the line {line!r}", 488)
            if letter == "m":
                section = read_media(value)
                found.media.append(section)
            else:
                section.lines.append((letter, value))
        if found.get("v") is None:
            raise MalformedMessage("session description without a version", 488)
        return found

    def address_of(self, media: Media) -> str | None:
        """Where media go: the address of their own connection line, else the session's."""
        return media.address or self.address

    def __bytes__(self) -> bytes:
        lines = list(self.lines)
        for media in self.media:
            lines += media.lines
        return "".join(f"{letter}={value}\r\n" for letter, value in lines).encode("utf-8", "surrogateescape")


def read_media(value: str) -> Media:
    words = value.split()
    if len(words) < 4 or not words[1].partition("/")[0].isdecimal():
        raise MalformedMessage(f"media description {value!r}", 488)
    return Media([("m", value)])
