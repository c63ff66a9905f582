"""What we write of ourselves into a message: the listener's own name, or what the script says for one request."""
from __future__ import annotations

from typing import Any

from opensips_py.transport.listener import Listener, bracketed

# Keys of a message's context: what the script says for this message alone.
ADVERTISED_HOST, ADVERTISED_PORT = "advertised host", "advertised port"
LOCAL_RPORT = "local rport"  # ask the next hop for rport (RFC 3581)
REPLY_TO_VIA = "reply to via"  # send responses to sent-by of the top Via


def sent_by(listener: Listener, context: dict[str, Any] | None) -> str:
    """host:port by which *listener* is known to the receiver of a message."""
    if not context or (ADVERTISED_HOST not in context and ADVERTISED_PORT not in context):
        return listener.sent_by
    host = bracketed(context.get(ADVERTISED_HOST) or listener.advertised_host or listener.host)
    return f"{host}:{context.get(ADVERTISED_PORT) or listener.advertised_port or listener.port}"


def uri_host(listener: Listener, context: dict[str, Any] | None) -> str:
    """The same in a URI of ours, where a port that goes without saying is left out."""
    if not context or (ADVERTISED_HOST not in context and ADVERTISED_PORT not in context):
        return listener.uri_host
    text = sent_by(listener, context)
    if ADVERTISED_PORT not in context and listener.uri_host != listener.sent_by:
        return text.removesuffix(f":{listener.port}")
    return text


def via_line(listener: Listener, branch: str, context: dict[str, Any] | None = None) -> bytes:
    """The Via line of a request that leaves by *listener*."""
    if not context or (ADVERTISED_HOST not in context and ADVERTISED_PORT not in context
                       and LOCAL_RPORT not in context):
        return listener.via_prefix + branch.encode() + b"\r\n"
    asked = ";rport" if LOCAL_RPORT in context else ""
    return f"Via: SIP/2.0/{listener.protocol.upper()} {sent_by(listener, context)};branch={branch}{asked}\r\n".encode()
