"""Responses that belong to no transaction of this worker any more: its predecessor may have sent the request."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.sip import Uri, Via, address_key, forward_response, is_ip
from opensips_py.transaction import ringing

if TYPE_CHECKING:
    from opensips_py.sip import Response
    from opensips_py.transaction.layer import TransactionLayer


def forward_stray(layer: TransactionLayer, response: Response) -> bool:
    """Forward a response without state (RFC 3261, 16.11), if its top Via is ours; may wait for DNS."""
    if layer.slots.owned(response.via_branch) is None:
        return False
    try:
        next_via = None
        if layer.pending is not None and layer.pending.orphans:
            next_via = ringing.restored(layer, layer.pending, response)
            ringing.orphan_answered(layer, layer.pending, response)
        if next_via is None:
            if len(response.vias) < 2:
                return False
            next_via = response.vias[1]
        target = via_target(layer, next_via)
    except MalformedMessage:
        return False
    if target is None:
        return False
    return layer.transmit(target, forward_response(response))


def via_target(layer: TransactionLayer, via: Via) -> Any:
    """Where a response goes by the Via that is on top next (RFC 3261, 18.2.2); None where that is nowhere."""
    protocol = via.protocol.rpartition("/")[2].strip().lower()
    default = 5061 if protocol == "tls" else 5060
    host = (via.parameter("maddr") if protocol == "udp" else None) or via.received or via.host
    port = via.port or default
    if via.rport and via.received:
        port = int(via.rport)
    if is_ip(host):
        return layer.transports.target(protocol, address_key(host, port))
    found = layer.resolver.resolve(Uri.parse(f"sip:{host}:{port};transport={protocol}"))
    return found[0] if found else None
