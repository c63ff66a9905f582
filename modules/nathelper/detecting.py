"""nat_uac_test: whether a message looks as if its sender sat behind NAT."""
from __future__ import annotations

from typing import Annotated, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module import Bits, Route, Run, script
from opensips_py.module.sdp_drafts import sdps
from opensips_py.sip import Message, NameAddr, Uri, address_key, is_ip

ROUTES = Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH | Route.LOCAL
(PRIVATE_CONTACT, OTHER_VIA_HOST, PRIVATE_VIA, PRIVATE_SDP, OTHER_VIA_PORT, OTHER_CONTACT_HOST, OTHER_CONTACT_PORT,
 CARRIER_GRADE) = (1 << bit for bit in range(8))
TESTS = Bits(words=(
    ("private-contact", PRIVATE_CONTACT), ("diff-ip-src-via", OTHER_VIA_HOST), ("private-via", PRIVATE_VIA),
    ("private-sdp", PRIVATE_SDP), ("diff-port-src-via", OTHER_VIA_PORT), ("diff-ip-src-contact", OTHER_CONTACT_HOST),
    ("diff-port-src-contact", OTHER_CONTACT_PORT), ("carrier-grade-nat", CARRIER_GRADE)))
ABOUT_VIA = OTHER_VIA_HOST | PRIVATE_VIA | OTHER_VIA_PORT
ABOUT_CONTACT = PRIVATE_CONTACT | OTHER_CONTACT_HOST | OTHER_CONTACT_PORT
PORT_BITS = 16  # of an address key
IPV4_END = 1 << 32 + PORT_BITS
# Networks as the bits that do not count and the value of the others.
Networks = tuple[tuple[int, int], ...]
PRIVATE: Networks = ((24, 10), (20, 172 << 4 | 1), (16, 192 << 8 | 168), (22, 100 << 2 | 1))  # RFC 1918, RFC 6598
LOOPBACK: Networks = ((24, 127),)
DUAL_STACK_LITE: Networks = ((3, 192 << 21),)  # 192.0.0.0/29, RFC 6333


class Detecting:
    """The function that asks, and what it is made of."""

    dialect: Any

    @script(ROUTES)
    def nat_uac_test(self, run: Run, message: Message, flags: Annotated[int, TESTS]) -> bool:
        """Whether one of the tests in *flags*, a sum of numbers or words with commas, says that the sender is behind
        NAT.

        1 private-contact, 4 private-via, 8 private-sdp: a Contact, the top Via, a c= line names an address of RFC 1918
        or RFC 6598, in 4.0 also one of the machine itself (127.0.0.0/8). 2 diff-ip-src-via, 16 diff-port-src-via: the
        top Via names another address, or port, than the message came from; 32 diff-ip-src-contact, 64
        diff-port-src-contact: a Contact does. 128 carrier-grade-nat (4.0): the private addresses are those of RFC 6333,
        too.
        """
        private = self.networks(flags)
        return bool((flags & ABOUT_VIA and via_tells(message, flags, private))
                    or (flags & ABOUT_CONTACT and contact_tells(message, flags, private))
                    or (flags & PRIVATE_SDP and sdp_tells(run, message, private)))

    def networks(self, flags: int) -> Networks:
        """The networks whose addresses count as private."""
        if self.dialect == "2.1":
            return PRIVATE
        return PRIVATE + LOOPBACK + (DUAL_STACK_LITE if flags & CARRIER_GRADE else ())


def via_tells(message: Message, flags: int, private: Networks) -> bool:
    """Whether the top Via says that its sender is behind NAT."""
    via = message.top_via
    if flags & OTHER_VIA_HOST and not is_source(message, via.host):
        return True
    if flags & PRIVATE_VIA and is_private(via.host, private):
        return True
    return bool(flags & OTHER_VIA_PORT) and message.source_port != (via.port or usual_port(via.transport))


def contact_tells(message: Message, flags: int, private: Networks) -> bool:
    """Whether a Contact says that its sender is behind NAT."""
    return any(uri_tells(message, uri, flags, private) for uri in contact_uris(message))


def uri_tells(message: Message, uri: Uri, flags: int, private: Networks) -> bool:
    """Whether the URI of a Contact says so."""
    if flags & PRIVATE_CONTACT and is_private(uri.host, private):
        return True
    if flags & OTHER_CONTACT_HOST and not is_source(message, uri.host):
        return True
    if not flags & OTHER_CONTACT_PORT:
        return False
    return message.source_port != (uri.port or usual_port("tls" if uri.scheme == "sips" else uri.transport))


def sdp_tells(run: Run, message: Message, private: Networks) -> bool:
    """Whether an SDP sends media to a private address."""
    return any(is_private(address_of(line), private) for sdp in sdps(run, message)
               for line in sdp.text.splitlines() if line.startswith("c="))


def address_of(line: str) -> str:
    """The address of a c= line, without what follows a slash; '' where there is none."""
    words = line.split()
    return words[2].partition("/")[0] if len(words) > 2 else ""


def contact_uris(message: Message) -> list[Uri]:
    """The SIP URIs of the Contacts that can be read; `*` is none."""
    return [uri for each in readable_contacts(message) if (uri := uri_of(each)) is not None]


def readable_contacts(message: Message) -> list[NameAddr]:
    """The Contacts of a message; none where they break the grammar."""
    try:
        return message.contacts
    except MalformedMessage:
        return []


def uri_of(contact: NameAddr) -> Uri | None:
    """The SIP URI of a Contact; None for any other."""
    try:
        uri = contact.parsed_uri
    except MalformedMessage:
        return None
    return uri if uri.is_sip else None


def is_source(message: Message, host: str) -> bool:
    """Whether a message came from *host*; a name is never an address (RFC 3261, 18.2.1 adds `received` then)."""
    return is_ip(host) and address_key(host, 0) >> PORT_BITS == message.source >> PORT_BITS


def is_private(host: str, private: Networks) -> bool:
    """Whether *host* is an IPv4 address of one of the networks *private*."""
    if not is_ip(host):
        return False
    key = address_key(host, 0)
    if key >= IPV4_END:
        return False
    address = key >> PORT_BITS
    return any(address >> bits == value for bits, value in private)


def usual_port(transport: str) -> int:
    """The port that is meant where none is named."""
    return 5061 if transport.lower() in ("tls", "wss") else 5060
