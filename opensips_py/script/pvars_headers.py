"""Pseudo-variables of the headers: From, To, Contact, identities, any header by name."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module.kinds import OneOf
from opensips_py.module.marks import pvar
from opensips_py.script.indexes import Index, Value, pick
from opensips_py.script.uris import q_text
from opensips_py.sip import NameAddr, Request

if TYPE_CHECKING:
    from opensips_py.sip import Message, Uri

ContactPart = Annotated[str, OneOf("name", "uri", "q", "expires", "methods", "received", "params")]
CALL_ID = ("call-id", "i")  # names of its header


def address(value: str | None) -> NameAddr | None:
    """A header value as an address; None where it is none."""
    if not value:
        return None
    try:
        return NameAddr.parse(value)
    except MalformedMessage:
        return None


def uri(found: NameAddr | None) -> Uri | None:
    """The URI of an address in its parts; None where it cannot be read."""
    if found is None:
        return None
    try:
        return found.parsed_uri
    except MalformedMessage:
        return None


def user(found: NameAddr | None) -> str | None:
    """User of an address."""
    parts = uri(found)
    return parts.user or None if parts is not None else None


def host(found: NameAddr | None) -> str | None:
    """Host of an address."""
    parts = uri(found)
    return parts.host or None if parts is not None else None


def first(message: Message, header: str) -> NameAddr | None:
    """The first address in a header."""
    values = message.values(header)
    return address(values[0]) if values else None


def first_uri(message: Message, header: str) -> str | None:
    """The URI of the first address in a header."""
    found = first(message, header)
    return found.uri if found is not None else None


class HeaderVariables:
    """The pseudo-variables of the headers."""

    @pvar("ci", inline="run.message.call_id")
    def call_id(self, message: Message) -> str | None:
        """Value of Call-ID."""
        return message.call_id

    @pvar("cs", inline="str(run.message.cseq)")
    def cseq(self, message: Message) -> str | None:
        """Number of the CSeq, as a text."""
        return str(message.cseq)

    @pvar("cl")
    def content_length(self, message: Message) -> int | None:
        """Value of Content-Length; NULL where the header is missing."""
        value = message.header("Content-Length")
        return int(value) if value is not None and value.isdecimal() else None

    @pvar("ua")
    def user_agent(self, message: Message) -> str | None:
        """Value of User-Agent."""
        return message.header("User-Agent")

    @pvar("path")
    def path(self, message: Message) -> str | None:
        """Route values that the request is sent along, such as those a registration brought."""
        return message.path if isinstance(message, Request) else None

    # From

    @pvar("fu")
    def from_uri(self, message: Message) -> str | None:
        """URI of From."""
        return message.from_.uri

    from_ = pvar("from")(from_uri.getter)

    @pvar("fU")
    def from_user(self, message: Message) -> str | None:
        """User of the URI in From."""
        return user(message.from_)

    from_user_ = pvar("from.user")(from_user.getter)

    @pvar("fd")
    def from_host(self, message: Message) -> str | None:
        """Host of the URI in From."""
        return host(message.from_)

    from_domain = pvar("from.domain")(from_host.getter)

    @pvar("fn")
    def from_name(self, message: Message) -> str | None:
        """Display name in From, as written."""
        return message.from_.display_name or None

    @pvar("ft")
    def from_tag(self, message: Message) -> str | None:
        """Tag of From."""
        return message.from_tag or None

    # To

    @pvar("tu")
    def to_uri(self, message: Message) -> str | None:
        """URI of To."""
        return message.to.uri

    to_ = pvar("to")(to_uri.getter)

    @pvar("tU")
    def to_user(self, message: Message) -> str | None:
        """User of the URI in To."""
        return user(message.to)

    to_user_ = pvar("to.user")(to_user.getter)

    @pvar("td")
    def to_host(self, message: Message) -> str | None:
        """Host of the URI in To."""
        return host(message.to)

    to_domain = pvar("to.domain")(to_host.getter)

    @pvar("tn")
    def to_name(self, message: Message) -> str | None:
        """Display name in To, as written."""
        return message.to.display_name or None

    @pvar("tt")
    def to_tag(self, message: Message) -> str | None:
        """Tag of To; NULL for a request outside of dialogs."""
        return message.to_tag or None

    # Contact

    @pvar("ct")
    def contact(self, message: Message, index: Index = None) -> Value:
        """A Contact value with its parameters; the index counts values over all Contact headers."""
        return pick(contact_values(message), index)

    @pvar("ct.fields")
    def contact_field(self, message: Message, name: ContactPart, index: Index = None) -> Value:
        """A part of a Contact value: name, uri, q, expires, methods, received or params."""
        try:
            contacts = message.contacts
        except MalformedMessage:
            return None
        if message.header("Contact") == "*":
            return None
        parts = [contact_part(each, name) for each in contacts]
        return all_of(parts) if index == "*" and parts else pick(parts, index)

    # Any header

    @pvar("hdr")
    def header(self, message: Message, name: str, index: Index = None) -> Value:
        """Value of a header by name, long or short; the index counts the headers of that name."""
        if name.lower() in CALL_ID and index in (None, 0):  # as this server knows the call
            return message.call_id or None
        if index is None:
            return message.header(name)
        return pick([each.value for each in message.headers(name)], index)

    @pvar("hdrcnt")
    def header_count(self, message: Message, name: str) -> int | None:
        """How many headers of that name the message has."""
        return len(message.headers(name))

    @pvar("hdr_name")
    def header_name(self, message: Message, index: Index = None) -> Value:
        """Name of the header at a place of the message."""
        return pick([each.name for each in message.headers()], index)

    # Addresses in other headers

    @pvar("rt")
    def refer_to(self, message: Message) -> str | None:
        """URI of Refer-To."""
        return first_uri(message, "Refer-To")

    @pvar("re")
    def remote_party(self, message: Message) -> str | None:
        """URI of Remote-Party-ID."""
        return first_uri(message, "Remote-Party-ID")

    @pvar("ai")
    def asserted_identity(self, message: Message) -> str | None:
        """URI of P-Asserted-Identity (RFC 3325)."""
        return first_uri(message, "P-Asserted-Identity")

    @pvar("pu")
    def preferred_uri(self, message: Message) -> str | None:
        """URI of P-Preferred-Identity (RFC 3325)."""
        return first_uri(message, "P-Preferred-Identity")

    @pvar("pU")
    def preferred_user(self, message: Message) -> str | None:
        """User of the URI in P-Preferred-Identity."""
        return user(first(message, "P-Preferred-Identity"))

    @pvar("pd")
    def preferred_host(self, message: Message) -> str | None:
        """Host of the URI in P-Preferred-Identity."""
        return host(first(message, "P-Preferred-Identity"))

    @pvar("pn")
    def preferred_name(self, message: Message) -> str | None:
        """Display name in P-Preferred-Identity, as written."""
        found = first(message, "P-Preferred-Identity")
        return found.display_name or None if found is not None else None

    @pvar("di")
    def diversion(self, message: Message) -> str | None:
        """URI of the first Diversion header (RFC 5806)."""
        return first_uri(message, "Diversion")

    @pvar("dip")
    def diversion_privacy(self, message: Message) -> str | None:
        """Parameter privacy of Diversion."""
        return diversion_parameter(message, "privacy")

    @pvar("dir")
    def diversion_reason(self, message: Message) -> str | None:
        """Parameter reason of Diversion."""
        return diversion_parameter(message, "reason")


def contact_values(message: Message) -> list[Value]:
    """The Contact values of a message as they are written."""
    return [each.strip() for each in message.values("Contact")]


def contact_part(contact: NameAddr, part: str) -> Value:
    """One of the fields of $ct.fields."""
    parts: dict[str, Any] = {
        "name": lambda: contact.display_name, "uri": lambda: contact.uri, "params": lambda: contact.parameters,
        "q": lambda: q_text(contact.q)}
    if part in parts:
        found: str | None = parts[part]()
        return found or None
    if part in ("expires", "methods", "received"):
        return contact.parameter(part)
    return None


def all_of(parts: list[Value]) -> str:
    """The parts of all contacts; what the first ones lack leaves nothing, what later ones lack a comma."""
    text = ""
    for each in parts:
        text += (", " if text else "") + str("" if each is None else each)
    return text


def diversion_parameter(message: Message, name: str) -> str | None:
    """A parameter of the first Diversion header."""
    found = first(message, "Diversion")
    return found.parameter(name) if found is not None else None
