"""Responses towards the client: forwarded ones and our own."""
from __future__ import annotations

import os
from typing import TYPE_CHECKING

from opensips_py.sip import build_response, forward_response
from opensips_py.transaction import cancelling
from opensips_py.transaction._record import Branch, Transaction
from opensips_py.transaction.tables import Do, Event
from opensips_py.transaction.user import Happening

if TYPE_CHECKING:
    from opensips_py.sip import Edits
    from opensips_py.sip._scan import Request, Response
    from opensips_py.transaction.layer import TransactionLayer

PROVISIONAL, SUCCESS, FAILURE = int(Event.PROVISIONAL), int(Event.SUCCESS), int(Event.FAILURE)
ANSWER, SEND, SEND_ONCE = int(Event.ANSWER), int(Do.SEND), int(Do.SEND_ONCE)
FORWARDED, SENT, LOCAL_REPLY = (int(each) for each in (
    Happening.RESPONSE_FORWARDED, Happening.RESPONSE_SENT, Happening.LOCAL_REPLY))


def send_trying(layer: TransactionLayer, transaction: Transaction) -> None:
    """Send the 100 that keeps the client from retransmitting."""
    transaction.trying_due = False
    if transaction.status == 0:
        data = build_response(transaction.request, 100, "Trying")
        send(layer, transaction, PROVISIONAL, 100, data)


def send(layer: TransactionLayer, transaction: Transaction, event: int, status: int, data: bytes) -> bool:
    """Let the server transaction send a response; False: it no longer may."""
    todo = transaction.step(event)
    if todo & SEND:
        transaction.last = data
        transaction.status = status
    elif not todo & SEND_ONCE:
        return False
    target, settings = transaction.target, layer.settings
    if settings.stay_connected_reply and transaction.flags & settings.stay_connected_reply:
        target.may_connect = False
    layer.transmit(target, data)
    return True


def status_of(response: Response) -> int:
    """The status that a response goes on with: what change_reply_status() made of it, else its own."""
    changed: int | None = response.context.get("reply_status") if response.context else None
    return response.status if changed is None else changed


def forward(layer: TransactionLayer, transaction: Transaction, branch: Branch, response: Response,
            edits: tuple[Edits, ...] = ()) -> None:
    """Send a response on to the client."""
    status = status_of(response)
    if transaction.local:
        if status >= 200:
            transaction.status = status
        report_locally(transaction, branch, response, status)
        return
    if transaction.observed & FORWARDED:
        layer.notify(transaction, FORWARDED, branch, response, status)
    data = forward_response(response, edits, transaction)
    event = PROVISIONAL if status < 200 else SUCCESS if status < 300 else FAILURE
    again = transaction.status >= 200
    if not send(layer, transaction, event, status, data):
        return
    layer.counters.relayed.add()
    transaction.answered_here = False
    if status >= 200 and not again:
        transaction.answered_tag = response.to_tag
        if event == FAILURE and transaction.invite:
            await_ack(layer, transaction)
        count_final(layer, status)
    if transaction.observed & SENT:
        layer.notify(transaction, SENT, branch, response, status)


def await_ack(layer: TransactionLayer, transaction: Transaction) -> None:
    """Let the layer find an INVITE by an ACK that has a branch of its own."""
    layer.answered[(transaction.request.call_id, transaction.request.cseq)] = transaction


def count_final(layer: TransactionLayer, status: int) -> None:
    """Count a transaction by the class of its final response."""
    if status < 700:
        layer.counters.finals[status // 100 - 2].add()


def tag_of(layer: TransactionLayer, transaction: Transaction) -> str:
    """The To tag of our own responses: one for all of a transaction."""
    if transaction.local_tag is None:
        request = transaction.request
        transaction.local_tag = layer.slots.tag("tm", request.call_id, request.from_tag, request.cseq,
                                                request.via_branch)
    return transaction.local_tag


def own_headers(layer: TransactionLayer, request: Request) -> bytes:
    """The header lines that every response of ours to *request* has."""
    settings = layer.settings
    if not settings.warns:
        return settings.reply_headers
    listener = request.listener
    text = (f'Warning: 392 {listener.host}:{listener.port} "Noisy feedback tells: pid={os.getpid()} '
            f"req_src_ip={request.source_host} req_src_port={request.source_port} in_uri={request.original_uri} "
            f'out_uri={request.uri} via_cnt=={len(request.vias)}"\r\n')
    return settings.reply_headers + text.encode("utf-8", "surrogateescape")


def prepared(request: Request) -> tuple[bytes, bytes]:
    """The header lines and the body that the script has given all our responses to *request*."""
    context = request.context
    return (context.get("reply_headers", b""), context.get("reply_body", b"")) if context else (b"", b"")


def reply(layer: TransactionLayer, transaction: Transaction, status: int, reason: str, headers: bytes = b"",
          body: bytes = b"", content_type: str = "", to_tag: str = "", branch: Branch | None = None) -> bool:
    """Answer the request ourselves; False where it has had a final response."""
    if transaction.status >= 200:
        return False
    request = transaction.request
    if transaction.observed & LOCAL_REPLY:
        layer.notify(transaction, LOCAL_REPLY, branch, request, status)
    extra, kept = prepared(request)
    tag = request.to_tag or to_tag or tag_of(layer, transaction)
    headers += extra + own_headers(layer, request)
    data = build_response(request, status, reason, tag, headers, body or kept, content_type)
    event = PROVISIONAL if status < 200 else FAILURE if status >= 300 else ANSWER if transaction.invite else SUCCESS
    if not send(layer, transaction, event, status, data):
        return False
    layer.counters.local.add()
    if layer.on_own_response is not None:
        layer.on_own_response(transaction, data)
    transaction.acted = transaction.answered_here = True
    if status >= 200:
        transaction.answered_tag = tag
        count_final(layer, status)
        if transaction.invite:
            await_ack(layer, transaction)
        cancelling.cancel_all(layer, transaction)
    if transaction.observed & SENT:
        layer.notify(transaction, SENT, branch, None, status)
    return True


def report_locally(transaction: Transaction, branch: Branch | None, response: Response | None, status: int) -> None:
    """Tell whoever sent a request of our own what came back."""
    if transaction.report is not None:
        transaction.report(transaction, branch, response, status)
