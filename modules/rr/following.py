"""Following a route set (RFC 3261, 16.4 and 16.12), with strict routers before or behind us."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opensips_py.modules.rr.path import path_of

if TYPE_CHECKING:
    from opensips_py.modules.rr import RecordRoute
    from opensips_py.sip._scan import Request
    from opensips_py.sip._uri import NameAddr, Uri
    from opensips_py.transport.transports import Transports

DEFAULT_PORT = {"tls": 5061, "sips": 5061, "ws": 80, "wss": 443}


class Follower:
    """Follows the route sets of requests for *rr*; what every request needs of it is looked up once."""

    __slots__ = ("doubles", "ignored_user", "observers", "sockets", "transports")

    def __init__(self, rr: RecordRoute) -> None:
        transports: Any = rr.services.transports
        self.transports: Transports = transports
        self.observers: tuple[Callable[[Request, str], object], ...] = rr.registry.hooks.route_followed
        self.doubles, self.ignored_user = rr.enable_double_rr, rr.ignore_user
        self.sockets: dict[tuple[str, str], Any] = {}

    def follow(self, request: Request, routes: list[NameAddr]) -> bool:
        """Take our own entries off *routes* and aim at the next one; whether the route set decides where it goes."""
        top: Uri = routes[0].parsed_uri
        strict = self.is_strict(request, top)
        rest = list(routes)
        if strict:  # RFC 3261, 16.4: a strict router put our Record-Route into the Request-URI; what was there is last
            uri: Uri = request.parsed_uri
            self.note(request, uri)
            request.uri = rest.pop().uri
            self.take_twin(request, rest, uri.parameter("r2") is not None)
        elif self.is_ours(top):
            self.note(request, top)
            del rest[0]
            self.take_twin(request, rest, top.parameter("r2") is not None)
        if rest:
            aim(request, routes, rest)
            return True
        rewrite(request, routes, rest)
        request.destination = None
        return strict or request.to_tag != ""  # a preloaded Route for us alone only led here

    def is_strict(self, request: Request, top: Uri) -> bool:
        """Whether the Request-URI is a Record-Route of ours: it says so, or it is ours while the top Route is not."""
        uri: Uri = request.parsed_uri
        if not request.to_tag or not uri.is_sip:
            return False
        loose = uri.parameter("lr") is not None
        if (uri.user and not loose) or not self.is_ours(uri):
            return False
        if self.ignored_user is not None and uri.user == self.ignored_user:
            return False
        return loose or not self.is_ours(top)

    def is_ours(self, uri: Uri) -> bool:
        """Whether *uri* means this server."""
        protocol = uri.transport or ("tls" if uri.scheme == "sips" else "")
        return self.transports.is_local(uri.host, uri.port or DEFAULT_PORT.get(protocol, 5060), protocol)

    def take_twin(self, request: Request, rest: list[NameAddr], doubled: bool) -> None:
        """Take off the other half of a double Record-Route, and send by the socket that it names."""
        if doubled and self.doubles and rest and self.is_ours(uri := rest[0].parsed_uri):
            del rest[0]
            self.leave_by(request, uri)

    def note(self, request: Request, uri: Uri) -> None:
        """Keep the parameters of our Route, and tell who waits for them."""
        path_of(request).local = uri.parameters
        for observe in self.observers:
            observe(request, uri.parameters)

    def leave_by(self, request: Request, uri: Uri) -> None:
        """Send by the socket that the other half of a double Record-Route names."""
        if not self.sockets:
            self.sockets.update({(each.protocol, each.sent_by.lower()): each for each in self.transports.listeners})
        protocol = uri.transport or "udp"
        host = f"[{uri.host.strip('[]')}]" if ":" in uri.host else uri.host
        socket: Any = self.sockets.get((protocol, f"{host.lower()}:{uri.port or DEFAULT_PORT.get(protocol, 5060)}"))
        if socket is not None:
            request.send_socket = socket


def aim(request: Request, routes: list[NameAddr], rest: list[NameAddr]) -> None:
    """Send to the first of *rest*; a strict router gets it as Request-URI (RFC 3261, 16.6 step 6)."""
    following: NameAddr = rest[0]
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
    if not kept:
        request.remove_headers("Route")
    elif len(kept) < len(routes):
        keep(request, routes, kept)


def keep(request: Request, routes: list[NameAddr], kept: list[NameAddr]) -> None:
    """Leave some of *routes*, header by header."""
    for header in request.headers("Route"):
        here = [each for each in routes if header.value_start <= each.start < header.value_end]
        stay = [each for each in here if any(each is other for other in kept)]
        if not stay:
            request.remove_header(header)
        elif len(stay) < len(here):
            request.set_header_value(header, b", ".join(request.data[each.start:each.end] for each in stay))
