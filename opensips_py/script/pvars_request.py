"""Pseudo-variables of the request line and of where the request goes next."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.errors import MalformedMessage
from opensips_py.module.marks import pvar
from opensips_py.script import uris
from opensips_py.script.operators import Value
from opensips_py.sip import Uri

if TYPE_CHECKING:
    import logging

    from opensips_py.module.registry import Registry
    from opensips_py.sip import Request, Response

OF_REQUEST = "(m.{} if (m := run.message).is_request else None)"
OF_RESPONSE = "(None if (m := run.message).is_request else m.{})"
STATUS = OF_RESPONSE.format("status if not m.context else m.context.get('reply_status', m.status)")


def parsed(text: str | None) -> Uri | None:
    """*text* as a URI; None where it is none."""
    if not text:
        return None
    try:
        return Uri.parse(text)
    except MalformedMessage:
        return None


def current(request: Request) -> Uri | None:
    """The Request-URI of a request, parsed."""
    if not request.is_request:
        return None
    try:
        return request.parsed_uri
    except MalformedMessage:
        return None


def port_of(uri: Uri | None) -> int | None:
    """The port that a URI stands for."""
    if uri is None:
        return None
    return uri.port or (5061 if uri.scheme == "sips" or uri.transport == "tls" else 5060)


def protocol_of(uri: Uri | None) -> str | None:
    """The transport that a URI stands for."""
    if uri is None:
        return None
    return uri.transport or ("tls" if uri.scheme == "sips" else "udp")


class RequestVariables:
    """The pseudo-variables of the request line and the destination."""

    log: logging.Logger
    registry: Registry

    @pvar("rm", inline="run.message.method")
    def method(self, request: Request) -> str | None:
        """Method of the request; in a response, that of its CSeq."""
        return request.method

    @pvar("rs", inline=STATUS)
    def status(self, response: Response) -> int | None:
        """Status code of the response, as change_reply_status() has left it; NULL for a request."""
        if response.is_request:
            return None
        changed: int = response.context.get("reply_status", response.status) if response.context else response.status
        return changed

    @pvar("rr", inline=OF_RESPONSE.format("reason"))
    def reason(self, response: Response) -> str | None:
        """Reason phrase of the response; NULL for a request."""
        return None if response.is_request else response.reason

    # The Request-URI

    @pvar("ru", inline=OF_REQUEST.format("uri"))
    def request_uri(self, request: Request) -> str | None:
        """Request-URI; assigning it changes where the request goes."""
        return request.uri if request.is_request else None

    @request_uri.setter
    def set_request_uri(self, request: Request, value: Value) -> None:
        if value is None:
            raise ValueError("a request cannot be without its URI")
        if request.is_request:
            request.uri = str(value)

    ruri = pvar("ruri", inline=OF_REQUEST.format("uri"))(request_uri.getter)
    ruri.setter(set_request_uri)

    @pvar("rU")
    def request_user(self, request: Request) -> str | None:
        """User of the Request-URI; NULL where it has none. Assigning NULL removes it, in 2.1 an empty text does."""
        uri = current(request)
        return uri.user or None if uri is not None else None

    @request_user.setter
    def set_request_user(self, request: Request, value: Value) -> None:
        if value is None and self.registry.dialect == "2.1":
            raise ValueError("in OpenSIPS 2.1, an empty text takes the user away, not NULL")
        if request.is_request:
            request.uri = uris.with_user(request.uri, None if value is None else str(value))

    ruri_user = pvar("ruri.user")(request_user.getter)
    ruri_user.setter(set_request_user)

    @pvar("rd")
    def request_host(self, request: Request) -> str | None:
        """Host of the Request-URI."""
        uri = current(request)
        return uri.host or None if uri is not None else None

    @request_host.setter
    def set_request_host(self, request: Request, value: Value) -> None:
        if value is None:
            raise ValueError("a URI cannot be without its host")
        if request.is_request:
            request.uri = uris.with_host(request.uri, str(value))

    ruri_domain = pvar("ruri.domain")(request_host.getter)
    ruri_domain.setter(set_request_host)

    @pvar("rp")
    def request_port(self, request: Request) -> int | None:
        """Port of the Request-URI, 5060 (5061 for TLS) where it names none. Assigning NULL removes it."""
        return port_of(current(request))

    @request_port.setter
    def set_request_port(self, request: Request, value: Value) -> None:
        if request.is_request:
            request.uri = uris.with_port(request.uri, value)

    @pvar("rP")
    def request_protocol(self, request: Request) -> str | None:
        """Transport protocol of the Request-URI."""
        return protocol_of(current(request))

    @pvar("ru_q")
    def request_q(self, request: Request) -> int | None:
        """q value of the Request-URI's branch in thousandths; -1 where none is set."""
        return request.q if request.is_request else None

    @request_q.setter
    def set_request_q(self, request: Request, value: Value) -> None:
        if not request.is_request:
            return
        try:
            request.q = -1 if value is None else uris.q_number(value)
        except ValueError as error:
            self.log.error("$ru_q: %s", error)

    # The Request-URI as it was received

    @pvar("ou", inline=OF_REQUEST.format("original_uri"))
    def original_uri(self, request: Request) -> str | None:
        """Request-URI as it was received."""
        return request.original_uri if request.is_request else None

    ouri = pvar("ouri", inline=OF_REQUEST.format("original_uri"))(original_uri.getter)

    @pvar("oU")
    def original_user(self, request: Request) -> str | None:
        """User of the Request-URI as it was received."""
        uri = parsed(request.original_uri) if request.is_request else None
        return uri.user or None if uri is not None else None

    @pvar("od")
    def original_host(self, request: Request) -> str | None:
        """Host of the Request-URI as it was received."""
        uri = parsed(request.original_uri) if request.is_request else None
        return uri.host or None if uri is not None else None

    @pvar("op")
    def original_port(self, request: Request) -> int | None:
        """Port of the Request-URI as it was received, 5060 (5061 for TLS) where it names none."""
        return port_of(parsed(request.original_uri)) if request.is_request else None

    @pvar("oP")
    def original_protocol(self, request: Request) -> str | None:
        """Transport protocol of the Request-URI as it was received."""
        return protocol_of(parsed(request.original_uri)) if request.is_request else None

    # The destination URI: where the request is sent, other than its Request-URI says

    @pvar("du", inline=OF_REQUEST.format("destination"))
    def destination(self, request: Request) -> str | None:
        """Destination URI: the outbound proxy that the request goes to; NULL where the Request-URI decides."""
        return request.destination if request.is_request else None

    @destination.setter
    def set_destination(self, request: Request, value: Value) -> None:
        if not request.is_request:
            return
        if value is not None and parsed(str(value)) is None:
            self.log.error("$du: %r is no SIP URI", value)
            return
        request.destination = None if value is None or value == "" else str(value)

    duri = pvar("duri", inline=OF_REQUEST.format("destination"))(destination.getter)
    duri.setter(set_destination)

    @pvar("dd")
    def destination_host(self, request: Request) -> str | None:
        """Host of the destination URI."""
        uri = parsed(request.destination) if request.is_request else None
        return uri.host or None if uri is not None else None

    @destination_host.setter
    def set_destination_host(self, request: Request, value: Value) -> None:
        if request.is_request and value is not None and request.destination:
            request.destination = uris.with_host(request.destination, str(value))

    @pvar("dp")
    def destination_port(self, request: Request) -> int | None:
        """Port of the destination URI, 5060 (5061 for TLS) where it names none. Assigning NULL removes it."""
        return port_of(parsed(request.destination)) if request.is_request else None

    @destination_port.setter
    def set_destination_port(self, request: Request, value: Value) -> None:
        if request.is_request and request.destination:
            request.destination = uris.with_port(request.destination, value)

    @pvar("dP")
    def destination_protocol(self, request: Request) -> str | None:
        """Transport protocol of the destination URI."""
        return protocol_of(parsed(request.destination)) if request.is_request else None

    @pvar("ds")
    def destination_set(self, request: Request) -> str | None:
        """Destination set: the Request-URI and all branches as a list of Contacts."""
        if not request.is_request:
            return None
        targets = [(request.uri, request.q), *((each.uri, each.q) for each in request.branches or ())]
        contacts = [f"<{uri}>" + (f";q={uris.q_text(q)}" if q >= 0 else "") for uri, q in targets]
        return "Contact: " + ", ".join(contacts)
