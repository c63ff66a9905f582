"""Transformations of addresses, CSV, SDP, and those by regular expression: {ip.…} {csv.…} {sdp.…} {re.subst}."""
from __future__ import annotations

import socket
from ipaddress import IPv4Address, ip_address, ip_network
from typing import TYPE_CHECKING, Annotated

from opensips_py.module.marks import transformation
from opensips_py.module.substitution import Substitution, SubstitutionKind
from opensips_py.script import sdp
from opensips_py.script.transformations_string import raw, text_of
from opensips_py.sip.splitting import at, csv_fields

if TYPE_CHECKING:
    from ipaddress import IPv6Address

    from opensips_py.module.registry import Registry

PRIVATE = [ip_network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
                                         "127.0.0.0/8")]


def address(text: str) -> IPv4Address | IPv6Address | None:
    """*text* as an IP address, brackets and leading zeros allowed; None where it is none."""
    plain = text.strip()
    if plain.startswith("[") and plain.endswith("]"):
        plain = plain[1:-1]
    try:
        return ip_address(plain)
    except ValueError:
        parts = plain.split(".")
        if len(parts) == 4 and all(part.isdecimal() and len(part) <= 3 and int(part) < 256 for part in parts):
            return IPv4Address(".".join(str(int(part)) for part in parts))
        return None


class AddressOfTransformations:
    """The class ip of transformations."""

    @transformation("ip.pton")
    def ip_pton(self, text: str) -> str | None:
        """The 4 or 16 bytes of an address."""
        found = address(text)
        return None if found is None else text_of(found.packed)

    @transformation("ip.ntop")
    def ip_ntop(self, text: str) -> str | None:
        """The address that 4 or 16 bytes are."""
        packed = raw(text)
        if len(packed) == 16:
            return ":".join(f"{high << 8 | low:X}" for high, low in zip(packed[::2], packed[1::2], strict=True))
        return str(IPv4Address(packed)) if len(packed) == 4 else None

    @transformation("ip.family")
    def ip_family(self, text: str) -> str | None:
        """INET or INET6, for the bytes of an address."""
        return {4: "INET", 16: "INET6"}.get(len(raw(text)))

    @transformation("ip.isip")
    def ip_isip(self, text: str) -> int:
        """1 or 0: whether the text is an IP address."""
        return int(address(text) is not None)

    @transformation("ip.isip4")
    def ip_isip4(self, text: str) -> int:
        """1 or 0: whether the text is an IPv4 address."""
        found = address(text)
        return int(found is not None and found.version == 4)

    @transformation("ip.isip6")
    def ip_isip6(self, text: str) -> int:
        """1 or 0: whether the text is an IPv6 address."""
        found = address(text)
        return int(found is not None and found.version == 6)

    @transformation("ip.isprivate")
    def ip_isprivate(self, text: str) -> int:
        """1 or 0: whether an IPv4 address is private (RFC 1918, RFC 6598) or loopback."""
        found = address(text)
        return int(found is not None and any(found in network for network in PRIVATE))

    @transformation("ip.matches")
    def ip_matches(self, text: str, network: str) -> int | None:
        """1 or 0: whether an address lies in a network; NULL for what is no address or of another family."""
        found = address(text)
        try:
            wanted = ip_network(network.strip(), strict=False)
        except ValueError:
            return None
        return None if found is None or found.version != wanted.version else int(found in wanted)

    @transformation("ip.resolve")
    def ip_resolve(self, text: str) -> str | None:
        """The first IP address of a host name; an address stays."""
        if address(text) is not None:
            return text
        try:
            return str(socket.getaddrinfo(text, None, type=socket.SOCK_DGRAM)[0][4][0])
        except (OSError, UnicodeError):
            return None


class ListTransformations:
    """The classes csv, sdp and re of transformations."""

    registry: Registry

    @transformation("csv.count")
    def csv_count(self, text: str) -> int | None:
        """How many fields the record has; NULL for an empty text."""
        return len(csv_fields(text)) or None if text else None

    @transformation("csv.value")
    def csv_value(self, text: str, index: int) -> str | None:
        """The field at a place of the record; negative ones count from the end."""
        return at(csv_fields(text, quoted=self.registry.dialect == "2.1"), index) if text else None

    @transformation("sdp.line")
    def sdp_line(self, text: str, kind: str, number: int = 0) -> str | None:
        """A line of an SDP body by its letter; *number* says which of them."""
        return at([each for each in sdp.lines(text) if each.startswith(f"{kind[:1]}=")], number)

    @transformation("sdp.stream")
    def sdp_stream(self, text: str, stream: str) -> str | None:
        """A media description with all its lines, by number or by media type."""
        found = sdp.chosen(sdp.streams(text), stream)
        return found[0].text if found else None

    @transformation("sdp.stream-delete")
    def sdp_stream_delete(self, text: str, stream: str) -> str | None:
        """The body without a media description, by number, or without all of a media type."""
        gone = sdp.chosen(sdp.streams(text), stream)
        return sdp.without(text, gone) if gone else None

    @transformation("re.subst")
    def re_subst(self, text: str, expression: Annotated[Substitution, SubstitutionKind()]) -> str | None:
        """With matches replaced as in /expression/replacement/flags; flags: i ignores case, g replaces all, s lets a
        dot match line ends. Without a match the text stays."""
        return expression(text)
