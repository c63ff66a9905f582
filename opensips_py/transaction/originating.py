"""Requests of our own (a user agent client, RFC 3261, 8.1)."""
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.sip import Request, Response, Uri, build_request, scan
from opensips_py.transaction import relaying, targets
from opensips_py.transaction._record import Branch, Transaction
from opensips_py.transaction.settings import Fault

if TYPE_CHECKING:
    from opensips_py.transaction.layer import TransactionLayer

Report = Callable[[Transaction, Branch | None, Response | None, int], object]
NO_VIA = b"Via: SIP/2.0/UDP 0.0.0.0;branch=z9hG4bK0\r\n"  # takes the place of the real one until the target is known


def originate(layer: TransactionLayer, method: str, uri: str, *, from_: str, to: str, call_id: str, cseq: int = 1,
              headers: bytes = b"", body: bytes = b"", content_type: str = "", next_hop: str | None = None,
              socket: Any = None, path: str | None = None, report: Report | None = None, generation: Any = None,
              avps: dict[str, list[Any]] | None = None, contexts: dict[Any, Any] | None = None,
              auto_ack: bool = True, max_forwards: int = 70) -> Transaction | None:
    """Send a request of our own in a transaction; *report* gets every response, or None and a status on a time-out.

    *from_* and *to* are whole values with their tags. None: it cannot be sent. May wait for DNS.
    """
    if b"user-agent:" not in headers.lower():
        headers += layer.settings.request_headers
    data = build_request(method, uri, via=NO_VIA, from_=from_, to=to, call_id=call_id, cseq=cseq, headers=headers,
                         body=body, content_type=content_type, max_forwards=max_forwards)
    request = scan(data)
    if not isinstance(request, Request) or request.fault is not None:
        raise MalformedMessage(f"this is no request: {request.fault if request else method}")
    request.destination, request.send_socket, request.path = next_hop, socket, path
    transaction = Transaction(layer.timing, request, method, True)
    transaction.key = f"own\n{call_id}\n{cseq} {method}\n{from_}"
    if transaction.key in layer.servers:
        return None
    transaction.generation = generation
    transaction.user = layer.user
    transaction.report = report
    transaction.auto_ack = auto_ack
    if avps:
        transaction.avps = avps
    transaction.contexts = contexts
    transaction.queue = []
    transaction.busy = True
    layer.servers[transaction.key] = transaction
    layer.counters.user_agent.add()
    layer.counters.in_use.add()
    code = send(layer, transaction, request)
    if code < 0:
        transaction.report = None
    layer.leave(transaction)
    return transaction if code > 0 else None


def send(layer: TransactionLayer, transaction: Transaction, request: Request) -> int:
    """Find the target, run the local route, send; 1, or a code of Fault."""
    branch = Branch(transaction, 0, transaction.method).take(request)
    transaction.branches.append(branch)
    code = relaying.address(layer, branch, request, None, layer.settings.dns_failover)
    if code < 0:
        return code
    request.listener = branch.target.listener
    if not transaction.user.run_local_route(transaction, branch):
        return Fault.NO_DESTINATION
    if request.uri != branch.uri or request.destination != branch.destination \
            or request.send_socket is not branch.send_socket:
        branch.take(request)
        code = relaying.address(layer, branch, request, None, layer.settings.dns_failover)
        if code < 0:
            return code
    relaying.build(layer, transaction, branch, request)
    if layer.on_own_request is not None:
        layer.on_own_request(transaction, branch.data)
    code = relaying.send(layer, transaction, branch)
    return 1 if code == 0 else code


def acknowledge_answer(layer: TransactionLayer, transaction: Transaction, branch: Branch, response: Response) -> None:
    """Send the ACK of a 2xx to an INVITE of our own (RFC 3261, 13.2.2.4)."""
    if branch.ack is None:
        built = build_answer_ack(layer, transaction, branch, response)
        if built is None:
            return
        branch.ack, transaction.target = built
    layer.transmit(transaction.target, branch.ack)


def build_answer_ack(layer: TransactionLayer, transaction: Transaction, branch: Branch,
                     response: Response) -> tuple[bytes, Any] | None:
    """The ACK of a 2xx and where it goes; None where the response names no usable contact."""
    request = transaction.request
    try:
        contacts = response.contacts
        routes = [str(each) for each in reversed(response.record_routes)]
        uri = contacts[0].uri if contacts else branch.uri
        hop = Uri.parse(targets.uri_of(routes[0]) if routes else uri)
    except MalformedMessage:
        return None
    probe = Branch(transaction, branch.index, "ACK")
    probe.uri = uri
    if targets.locate(layer, probe, hop, False) != 0:
        return None
    target = probe.target
    probe.end()
    slot = layer.slots.slot_of_call_id(request.call_id)
    via = layer.slots.via_branch(response.to_tag, request.call_id, request.from_tag, request.cseq, branch.index, slot)
    lines = "".join(f"Route: {each}\r\n" for each in routes).encode("utf-8", "surrogateescape")
    data = build_request("ACK", uri, via=target.listener.via_prefix + via.encode() + b"\r\n",
                         from_=request.header("From") or "", to=response.header("To") or "", call_id=request.call_id,
                         cseq=request.cseq, headers=lines + (transaction.headers or b""))
    return data, target
