"""What an INVITE and a response of its callee say of both sides."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.dialog.legs import contact_in
from opensips_py.dialog.record import Dialog, pack_facts
from opensips_py.dialog.states import State
from opensips_py.sip import HeaderId

if TYPE_CHECKING:
    from opensips_py.sip._scan import Request, Response
    from opensips_py.transaction._record import Branch, Transaction

FROM, TO, RECORD_ROUTE = HeaderId.FROM, HeaderId.TO, HeaderId.RECORD_ROUTE
EARLY = int(State.EARLY)
HEAD_ENDS = b"\r\n\r\n"


def facts_of(transaction: Transaction, branch: Branch, response: Response, bodies: bool) -> tuple[Any, ...]:
    """What is kept of them; *bodies*: session descriptions, too."""
    request, tag = transaction.request, response.to_tag
    to = request.header(TO) or ""
    return (
        (request.header(FROM), response.header(FROM)),
        (f"{to};tag={tag}" if tag else to, response.header(TO)),
        (request.call_id, response.call_id),
        (contact_in(request), contact_in(response)),
        (request.values(RECORD_ROUTE), response.values(RECORD_ROUTE)),
        (request.listener.uri_text, branch.target.listener.uri_text),
        (request.body, response.body) if bodies else (b"", b""),
        (request.content_type or "", response.content_type or "") if bodies else ("", ""),
        *(told(transaction, branch, request, response) if bodies else ()))


def note_further(dialog: Dialog, transaction: Transaction, branch: Branch, response: Response) -> None:
    """Remember how a callee of a hidden dialog is reached who rings, or has answered after somebody else."""
    if response.to_tag == dialog.to_tag and dialog.state > EARLY:
        return
    if dialog.early is None:
        dialog.early = {}
    dialog.early[response.to_tag] = pack_facts(facts_of(transaction, branch, response, False))


def told(transaction: Transaction, branch: Branch | None, request: Request, response: Response) -> list[list[bytes]]:
    """The session descriptions that go on to either side, first to whoever has sent the request; none where they are
    those that came."""
    data = branch.data if branch is not None else None
    sent = [response.edited(transaction).partition(HEAD_ENDS)[2] if response.has_edits else response.body,
            data.partition(HEAD_ENDS)[2] if data else request.body]
    return [] if sent == [response.body, request.body] else [sent]
