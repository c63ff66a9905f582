"""sipmsg_validate: whether a message is what RFC 3261 makes of it."""
from __future__ import annotations

from typing import Annotated

from opensips_py.module import Bits, Dialect, Route, Writable, script
from opensips_py.modules.sipmsgops import forms, hosts
from opensips_py.modules.sipmsgops.verdicts import TEXTS, Verdict
from opensips_py.sip import HeaderId, Message, Request, Response, Uri
from opensips_py.sip.uris import uri_of

SDP, HEADERS, NO_FORWARDS, URI, FROM, TO, CONTACT = (1 << place for place in range(7))
LETTERS = (("s", SDP), ("h", HEADERS), ("m", NO_FORWARDS), ("r", URI), ("f", FROM), ("t", TO), ("c", CONTACT))
What = Annotated[int, Bits(letters=LETTERS, numbers=False)]
OF_FAILURES = {  # RFC 3261, table 2: what a response of that status must have
    405: (HeaderId.ALLOW, Verdict.NO_ALLOW), 423: (HeaderId.MIN_EXPIRES, Verdict.NO_MIN_EXPIRES),
    407: (HeaderId.PROXY_AUTHENTICATE, Verdict.NO_PROXY_AUTHENTICATE),
    420: (HeaderId.UNSUPPORTED, Verdict.NO_UNSUPPORTED), 401: (HeaderId.WWW_AUTHENTICATE, Verdict.NO_WWW_AUTHENTICATE)}
BAD_URI = (Verdict.URI_MALFORMED, Verdict.BAD_HOST, Verdict.BAD_USER)
BAD_FROM = (Verdict.FROM_MALFORMED, Verdict.BAD_FROM_HOST, Verdict.BAD_FROM_USER)
BAD_TO = (Verdict.TO_MALFORMED, Verdict.BAD_TO_HOST, Verdict.BAD_TO_USER)


class Validation:
    """The function that checks a whole message."""

    dialect: Dialect

    @script(Route.REQUEST | Route.FAILURE | Route.ONREPLY | Route.BRANCH)
    def sipmsg_validate(self, message: Message, flags: What = 0, result_pvar: Writable | None = None) -> Verdict:
        """Check the message against RFC 3261; of what is wrong, the code tells the first, and *result_pvar* is given
        it in words. Without *flags*: Content-Length, and the headers that each message must have. Flags: s the session
        description; h the values of headers; m leaves Max-Forwards out; r, f and t the Request-URI, From and To with
        their hosts (in 4.0 the users, too); c Contact.

        Messages that cannot be read, or that lack Via, From, To, Call-ID or CSeq, are refused before any script, so
        their codes (-1, -3, -7 to -10) and -255 do not occur, and -2 only with h. What stands behind the body in a
        datagram is cut off, so -5 is that of a body without Content-Length."""
        found = verdict(message, flags, users=self.dialect == "4.0")
        if found is not Verdict.VALID and result_pvar is not None:
            result_pvar.set(TEXTS[found])
        return found


def verdict(message: Message, flags: int, *, users: bool) -> Verdict:
    """The first thing that is wrong."""
    if flags & HEADERS and not forms.are_well_formed(message):
        return Verdict.HEADER_MALFORMED
    found = of_body(message, flags) or of_headers(message, flags)
    if not found and flags & URI and isinstance(message, Request):
        found = of_uri(message.uri, BAD_URI, users=users)
    if not found and flags & FROM:
        found = of_uri(message.from_.uri, BAD_FROM, users=users)
    if not found and flags & TO:
        found = of_uri(message.to.uri, BAD_TO, users=users)
    if not found and flags & CONTACT:
        found = of_contact(message, star_is_told=users)
    return found or Verdict.VALID


def of_body(message: Message, flags: int) -> Verdict | None:
    """What is wrong with the body and the headers that describe it."""
    stands = message.header(HeaderId.CONTENT_LENGTH) is not None
    if not stands and message.connection is not None:  # RFC 3261, 20.14: streams need it
        return Verdict.NO_CONTENT_LENGTH
    if not message.body:
        return None
    if not stands:
        return Verdict.WRONG_CONTENT_LENGTH
    if message.content_type is None:
        return Verdict.NO_CONTENT_TYPE
    return Verdict.SDP_MALFORMED if flags & SDP and not forms.is_sdp_sound(message) else None


def of_headers(message: Message, flags: int) -> Verdict | None:
    """The header that is missing or out of place (RFC 3261, tables 2 and 3; RFC 3327, 5.1)."""
    invite = message.cseq_method == "INVITE"
    contact = message.header(HeaderId.CONTACT) is not None
    if isinstance(message, Response):
        if invite and 200 <= message.status < 300 and not contact:
            return Verdict.NO_CONTACT
        needed, missing = OF_FAILURES.get(message.status, (HeaderId.VIA, None))
        return missing if message.header(needed) is None else None
    if not flags & NO_FORWARDS and message.max_forwards is None:
        return Verdict.NO_MAX_FORWARDS
    if invite and not contact:
        return Verdict.NO_CONTACT
    path = message.cseq_method != "REGISTER" and message.header(HeaderId.PATH) is not None
    return Verdict.PATH_OUTSIDE_REGISTER if path else None


def of_uri(text: str, bad: tuple[Verdict, Verdict, Verdict], *, users: bool) -> Verdict | None:
    """What is wrong with a URI: that it is none, its host or its user."""
    uri = uri_of(text)
    if uri is None:
        return bad[0]
    if uri.is_sip and not hosts.is_host(uri.host):
        return bad[1]
    return bad[2] if users and not hosts.is_user(uri.user) else None


def of_contact(message: Message, *, star_is_told: bool) -> Verdict | None:
    """What is wrong with Contact: each value is a URI, or the only one a star that ends all registrations."""
    values = [each.strip() for each in message.values(HeaderId.CONTACT)]
    if "*" in values:
        if not (message.is_request and message.cseq_method == "REGISTER"):
            return Verdict.STAR_OUTSIDE_REGISTER if star_is_told else Verdict.CONTACT_MALFORMED
        return None if len(values) == 1 and message.expires == 0 else Verdict.CONTACT_MALFORMED
    return None if all(is_contact(uri_of(each.uri)) for each in message.contacts) else Verdict.CONTACT_MALFORMED


def is_contact(uri: Uri | None) -> bool:
    """Whether a URI can be sent to."""
    return uri is not None and (not uri.is_sip or hosts.is_host(uri.host))
