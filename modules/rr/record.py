"""The text of Record-Route, written when the request leaves and the outgoing socket is known."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opensips_py.modules.rr import RecordRoute
    from opensips_py.modules.rr.path import Path
    from opensips_py.sip._scan import Request


class Record:
    """One Record-Route, or two where the request changes sockets (design of RFC 5658: double record-routing)."""

    __slots__ = ("incoming", "path", "rr", "tail", "user")

    def __init__(self, rr: RecordRoute, request: Request, path: Path, parameters: str) -> None:
        self.rr, self.path = rr, path
        self.incoming: Any = request.listener
        self.tail = parameters
        if rr.append_fromtag and request.from_tag:
            self.tail = f";ftag={request.from_tag}{parameters}"
        self.user = request.parsed_uri.user if rr.add_username else ""

    def __call__(self, outgoing: Any) -> bytes:
        """The header lines for what leaves by *outgoing*."""
        if self.path.hidden:
            return b""
        out = outgoing.listener if outgoing is not None else self.incoming
        tail = (self.tail + self.path.text(outgoing)).encode("utf-8", "surrogateescape")
        if out is self.incoming or not self.rr.enable_double_rr:
            return b"%s;lr%s>\r\n" % (self.head(out), tail)
        # The outgoing side is the first that the callee's requests meet: it stands on top.
        return b"%s;r2=on;lr%s>\r\n%s;r2=on;lr%s>\r\n" % (self.head(out), tail, self.head(self.incoming), tail)

    def head(self, listener: Any) -> bytes:
        """`Record-Route: <sip:host[:port];transport=…` for *listener*."""
        if self.user:
            return head(listener.uri_host, listener.protocol, self.user)
        known = self.rr.heads.get(listener.index)
        if known is None:
            known = self.rr.heads[listener.index] = head(listener.uri_host, listener.protocol)
        return known


class Preset(Record):
    """A Record-Route whose address the script gives; *second* is the one of the incoming side."""

    __slots__ = ("address", "second")

    def __init__(self, rr: RecordRoute, request: Request, path: Path, address: str, second: str | None) -> None:
        super().__init__(rr, request, path, "")
        self.address, self.second = address, second

    def __call__(self, outgoing: Any) -> bytes:
        """The header lines for what leaves by *outgoing*."""
        if self.path.hidden:
            return b""
        if self.rr.enable_socket_mismatch_warning:
            self.compare(outgoing.listener if outgoing is not None else self.incoming)
        tail = (self.tail + self.path.text(outgoing)).encode("utf-8", "surrogateescape")
        if self.second is None:
            return b"%s%s;lr>\r\n" % (head(self.address, "udp", self.user), tail)
        return b"%s;r2=on%s;lr>\r\n%s;r2=on%s;lr>\r\n" % (head(self.address, "udp", self.user), tail,
                                                            head(self.second, "udp", self.user), tail)

    def compare(self, listener: Any) -> None:
        """Warn where the request leaves by another address than the header says."""
        if listener is not None and host_of(self.address) != host_of(listener.sent_by):
            self.rr.log.warning("the preset Record-Route %s is not the address %s that the request leaves by",
                                self.address, listener.sent_by)


def head(address: str, protocol: str, user: str = "") -> bytes:
    """The header up to its parameters."""
    transport = "" if protocol == "udp" else f";transport={protocol}"
    name = f"{user}@" if user else ""
    return f"Record-Route: <sip:{name}{address}{transport}".encode("utf-8", "surrogateescape")


def host_of(address: str) -> str:
    """The host of host[:port][;parameters]."""
    address = address.partition(";")[0].lower()
    return address.partition("]")[0] if address.startswith("[") else address.partition(":")[0]
