"""Following a route set (RFC 3261, 16.4 and 16.12), with strict routers before or behind us."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.modules.rr.path import path_of

if TYPE_CHECKING:
    from opensips_py.modules.rr import RecordRoute
    from opensips_py.sip._scan import Request
    from opensips_py.sip._uri import NameAddr, Uri
    from opensips_py.transport.transports import Transports

DEFAULT_PORT = {"tls": 5061, "sips": 5061, "ws": 80, "wss": 443}


def follow(rr: RecordRoute, request: Request, routes: list[NameAddr]) -> bool:
    """Take our own entries off *routes* and aim at the next one; whether the route set decides where it goes."""
    try:
        top = routes[0].parsed_uri
        strict = is_strict(rr, request, top)
        rest = list(routes)
        if strict:  # RFC 3261, 16.4: a strict router put our Record-Route into the Request-URI; what was there is last
            note(rr, request, request.parsed_uri)
            doubled = request.parsed_uri.parameter("r2") is not None
            request.uri = rest.pop().uri
            take_twin(rr, request, rest, doubled)
        elif is_ours(rr, top):
            note(rr, request, top)
            del rest[0]
            take_twin(rr, request, rest, top.parameter("r2") is not None)
        if rest:
            aim(request, routes, rest)
            return True
    except MalformedMessage as error:
        rr.log.info("a Route that cannot be followed: %s", error)
        return False
    rewrite(request, routes, rest)
    request.destination = None
    return strict or request.to_tag != ""  # a preloaded Route for us alone only led here


def is_strict(rr: RecordRoute, request: Request, top: Uri) -> bool:
    """Whether the Request-URI is a Record-Route of ours: it says so, or it is ours while the top Route is not."""
    uri = request.parsed_uri
    if not request.to_tag or not uri.is_sip or not is_ours(rr, uri):
        return False
    if rr.ignore_user is not None and uri.user == rr.ignore_user:
        return False
    return uri.parameter("lr") is not None or (not uri.user and not is_ours(rr, top))


def is_ours(rr: RecordRoute, uri: Uri) -> bool:
    """Whether *uri* means this server."""
    protocol = uri.transport or ("tls" if uri.scheme == "sips" else "")
    port = uri.port or DEFAULT_PORT.get(protocol, 5060)
    transports: Transports = rr.services.transports
    return transports.is_local(uri.host, port, protocol)


def take_twin(rr: RecordRoute, request: Request, rest: list[NameAddr], doubled: bool) -> None:
    """Take off the other half of a double Record-Route, and send by the socket that it names."""
    if doubled and rr.enable_double_rr and rest and is_ours(rr, uri := rest[0].parsed_uri):
        del rest[0]
        leave_by(rr, request, uri)


def note(rr: RecordRoute, request: Request, uri: Uri) -> None:
    """Keep the parameters of our Route, and tell who waits for them."""
    path_of(request).local = uri.parameters
    for observe in rr.registry.hooks.route_followed:
        observe(request, uri.parameters)


def leave_by(rr: RecordRoute, request: Request, uri: Uri) -> None:
    """Send by the socket that the other half of a double Record-Route names."""
    if not rr.sockets:
        rr.sockets.update({(each.protocol, each.sent_by.lower()): each for each in rr.services.transports.listeners})
    protocol = uri.transport or "udp"
    host = f"[{uri.host.strip('[]')}]" if ":" in uri.host else uri.host
    socket: Any = rr.sockets.get((protocol, f"{host.lower()}:{uri.port or DEFAULT_PORT.get(protocol, 5060)}"))
    if socket is not None:
        request.send_socket = socket


def aim(request: Request, routes: list[NameAddr], rest: list[NameAddr]) -> None:
    """Send to the first of *rest*; a strict router gets it as Request-URI (RFC 3261, 16.6 step 6)."""
    following = rest[0]
    if following.parsed_uri.parameter("lr") is not None:
        rewrite(request, routes, rest)
        request.destination = following.uri
        return
    rewrite(request, routes, rest[1:])
    request.edits.insert(request.headers("Route")[-1].end, f"Route: <{request.uri}>\r\n")
    request.uri = following.uri
    request.destination = None


def rewrite(request: Request, routes: list[NameAddr], kept: list[NameAddr]) -> None:
    """Leave only *kept* of all *routes* in the Route headers."""
    if len(kept) == len(routes):
        return
    for header in request.headers("Route"):
        here = [each for each in routes if header.value_start <= each.start < header.value_end]
        stay = [each for each in here if any(each is other for other in kept)]
        if not stay:
            request.remove_header(header)
        elif len(stay) < len(here):
            request.set_header_value(header, b", ".join(request.data[each.start:each.end] for each in stay))
