"""Where requests and responses go."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.sip import address_key, is_ip
from opensips_py.sip._uri import NameAddr, Uri
from opensips_py.transaction._record import Branch, answers_source, names_maddr, sent_by_port
from opensips_py.transaction.settings import Fault
from opensips_py.transport.target import Target, datagram_target
from opensips_py.transport.via import REPLY_TO_VIA

if TYPE_CHECKING:
    from opensips_py.sip._scan import Request
    from opensips_py.transaction.layer import TransactionLayer
    from opensips_py.transport.listener import Listener


def response_target(request: Request) -> Target:
    """Where responses to *request* go (RFC 3261, 18.2.2; RFC 3581)."""
    listener: Listener = request.listener
    if listener.protocol != "udp":
        source: Any = request.source
        if request.connection is not None:  # should it be gone, a new one is opened to the port that sent-by names
            source = (source >> 16 << 16) | (sent_by_port(request) or (5061 if listener.protocol == "tls" else 5060))
        return Target(listener.protocol, source, listener, request.connection)
    source = request.source
    if names_maddr(request):
        maddr = request.top_via.parameter("maddr")
        if maddr and is_ip(maddr):
            return Target("udp", address_key(maddr, sent_by_port(request) or 5060), listener)
    if request.context and REPLY_TO_VIA in request.context and is_ip(request.top_via.host):
        source = address_key(request.top_via.host, sent_by_port(request) or 5060)
    elif not answers_source(request):
        source = (source >> 16 << 16) | (sent_by_port(request) or 5060)
    return datagram_target(source, listener)


def next_hop(branch: Branch, request: Request, proxy: str | None) -> Uri | None:
    """The URI that a branch is sent to: its destination, the outbound proxy, the first Path, or its Request-URI."""
    text = branch.destination or proxy
    if text is None and branch.path:
        text = first_route(branch.path)
    try:
        if text is None:
            return request.parsed_uri if branch.uri == request.uri else Uri.parse(branch.uri)
        return Uri.parse(text)
    except MalformedMessage:
        return None


def first_route(path: str) -> str:
    """The first URI of the Route values in *path*."""
    start = path.find("<")
    return path[start + 1:path.find(">", start)] if start >= 0 else path.partition(",")[0].strip()


def proxy_uri(text: str) -> str:
    """``[proto:]host[:port]`` as a URI."""
    if text.startswith(("sip:", "sips:")):
        return text
    protocol, colon, rest = text.partition(":")
    if colon and protocol.lower() in ("udp", "tcp", "tls", "sctp", "ws", "wss"):
        return f"sip:{rest};transport={protocol.lower()}"
    return f"sip:{text}"


def locate(layer: TransactionLayer, branch: Branch, hop: Uri, failover: bool) -> int:
    """Find where *branch* goes; 0, or a code of Fault. May wait for DNS."""
    preferred, received = branch.send_socket, branch.transaction.listener
    target = layer.resolver.literal(hop, preferred, received)
    if target is None:
        targets = layer.resolver.resolve(hop, preferred, received)
        if not targets:
            return Fault.UNRESOLVED
        target = targets[0]
        branch.others = targets[1:] if failover else None
    return settle(branch, target)


def settle(branch: Branch, target: Target) -> int:
    """Send *branch* to *target*; 0, or a code of Fault."""
    if target.listener is None:
        return Fault.UNSENT
    branch.target = target
    branch.reliable = target.protocol != "udp"
    return 0


def routes_of(path: str | None) -> bytes:
    """Route header lines for a path."""
    return f"Route: {path}\r\n".encode("utf-8", "surrogateescape") if path else b""


def uri_of(text: str) -> str:
    """The URI of a name-addr or of a bare URI."""
    return NameAddr.parse(text).uri if "<" in text else text
