"""Session descriptions in which the addresses of a relay stand in place of those of a phone."""
from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Stream:
    """A media stream of a description: the places of its lines, and what they say. *number* counts from 1."""

    number: int
    line: int
    port: int
    formats: list[str]
    connection: int | None = None  # the c= line that holds for it
    own_connection: bool = False
    rtcp: int | None = None
    relay: tuple[str, int] | None = None  # where its media go now


@dataclass(slots=True)
class Description:
    """A description as lines, with its streams."""

    lines: list[str]
    streams: list[Stream] = field(default_factory=list)
    origin: int | None = None
    connection: int | None = None

    @classmethod
    def parse(cls, text: str) -> Description:
        """Read a description; ValueError where an m= line cannot be read."""
        found = cls(text.splitlines(keepends=True))
        for place, line in enumerate(found.lines):
            if line.startswith("o=") and found.origin is None:
                found.origin = place
            elif line.startswith("m="):
                found.streams.append(read_stream(len(found.streams) + 1, place, line, found.connection))
            elif line.startswith("c="):
                found.connect(place)
            elif line.startswith("a=rtcp:") and found.streams:
                found.streams[-1].rtcp = place
        return found

    def connect(self, place: int) -> None:
        """A connection line holds for the stream above it, or for the session."""
        if not self.streams:
            self.connection = place
        elif not self.streams[-1].own_connection:
            self.streams[-1].connection, self.streams[-1].own_connection = place, True

    def address(self, stream: Stream) -> str:
        """Where the media of a stream go; '' where that is not said."""
        words = [] if stream.connection is None else self.lines[stream.connection].split()
        return words[2].partition("/")[0] if len(words) > 2 else ""

    @property
    def relayed(self) -> list[Stream]:
        """The streams that a relay has to do with: those that nobody has refused."""
        return [each for each in self.streams if each.port]

    def written(self, origin: bool, session: bool, mark: str) -> str:
        """The description with the relay in it. *origin*: in the o= line, too; *session*: in the session's c= line
        even where no stream needs it; *mark* is added where it is not there."""
        addresses = [each.relay[0] for each in self.streams if each.relay is not None]
        for each in self.streams:
            if each.relay is not None:
                self.redirect(each, *each.relay)
        usual = next(iter(addresses), "")
        if usual and self.connection is not None and (session or self.is_used(self.connection)):
            self.replace_address(self.connection, 2, usual)
        if usual and origin and self.origin is not None:
            self.replace_address(self.origin, 5, usual)
        if mark and not any(line.strip() == mark for line in self.lines):
            if self.lines and not self.lines[-1].endswith("\n"):
                self.lines[-1] += "\r\n"
            self.lines.append(f"{mark}\r\n")
        return "".join(self.lines)

    def is_used(self, connection: int) -> bool:
        """Whether a relayed stream goes by the session's c= line."""
        return any(each.connection == connection and each.relay is not None for each in self.streams)

    def redirect(self, stream: Stream, host: str, port: int) -> None:
        """Have the media of a stream go elsewhere."""
        words = self.lines[stream.line].split(" ", 2)
        words[1] = str(port) + "".join(words[1].partition("/")[1:])
        self.lines[stream.line] = " ".join(words)
        if stream.own_connection and stream.connection is not None:
            self.replace_address(stream.connection, 2, host)
        if stream.rtcp is not None:  # RFC 3605: another address there would lead past the relay
            line = self.lines[stream.rtcp]
            family = "IP6" if ":" in host else "IP4"
            self.lines[stream.rtcp] = f"a=rtcp:{port + 1} IN {family} {host}{ending(line)}"

    def replace_address(self, place: int, word: int, host: str) -> None:
        """Put *host* into a c= or o= line; a null address stays one: it means hold."""
        line = self.lines[place]
        words = line.split()
        if len(words) <= word:
            return
        if is_null(words[word].partition("/")[0]) and word == 2:
            host = "::" if ":" in host else "0.0.0.0"
        words[word - 1:word + 1] = ["IP6" if ":" in host else "IP4", host]
        self.lines[place] = " ".join(words) + ending(line)


def read_stream(number: int, place: int, line: str, connection: int | None) -> Stream:
    """The stream that an m= line begins."""
    words = line[2:].split()
    if len(words) < 3 or not words[1].partition("/")[0].isdecimal():
        raise ValueError(f"a media description that cannot be read: {line.strip()}")
    return Stream(number, place, int(words[1].partition("/")[0]), words[3:], connection)


def is_null(address: str) -> bool:
    """Whether media sent there go nowhere (RFC 2543's hold; RFC 3264, 8.4)."""
    return address == "0.0.0.0" or (":" in address and not address.strip("0:"))


def ending(line: str) -> str:
    """The line end of *line*."""
    return line[len(line.rstrip("\r\n")):]
