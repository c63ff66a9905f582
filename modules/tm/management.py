"""The management commands of tm."""
from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING, Any

from gevent.event import AsyncResult

from opensips_py.errors import MalformedMessage, MIError
from opensips_py.mi.tree import rendered
from opensips_py.module import mi
from opensips_py.modules.tm.outcome import lines_of, outcome
from opensips_py.sip import scan

if TYPE_CHECKING:
    from opensips_py.module.services import Services
    from opensips_py.sip import Response
    from opensips_py.transaction import Branch, Transaction, TransactionLayer

SKIPPED = {"from", "f", "to", "t", "call-id", "i", "cseq", "via", "v", "max-forwards", "content-length", "l"}


class Management:
    """Commands that send, cancel and answer requests."""

    layer: TransactionLayer
    services: Services
    pass_provisional_replies: bool

    @mi("t_uac_dlg", dialect="2.1")
    @rendered(lines_of)
    def uac_dlg_21(self, method: str, ruri: str, next_hop: str = ".", socket: str = ".", headers: str = "",
                   body: str = "") -> dict[str, Any]:
        """Send a request and answer with the response that it gets; a dot stands for no next hop or socket."""
        return self.uac_dlg(method, ruri, headers, dotted(next_hop), dotted(socket), body)

    @mi(None, "t_uac_dlg", v40="tm:uac_dlg", dialect="4.0")
    def uac_dlg(self, method: str, ruri: str, headers: str, next_hop: str | None = None, socket: str | None = None,
                body: str = "") -> dict[str, Any]:
        """Send a request and answer with the response that it gets; *headers* hold From and To at least."""
        given = Given(headers)
        listener = self.socket_named(socket) if socket else None
        answered: AsyncResult[tuple[Response | None, int]] = AsyncResult()

        def report(transaction: Transaction, branch: Branch | None, response: Response | None, status: int) -> None:
            if (status >= 200 or self.pass_provisional_replies) and not answered.ready():
                answered.set((response, status))
        try:
            transaction = self.layer.originate(
                method, ruri, from_=given.from_, to=given.to, call_id=given.call_id or self.layer.new_call_id(),
                cseq=given.cseq, headers=given.others, body=body.encode("utf-8", "surrogateescape"),
                next_hop=next_hop, socket=listener, report=report, generation=self.services.generation)
        except MalformedMessage as error:
            raise MIError(400, str(error)) from error
        if transaction is None:
            raise MIError(500, "the request cannot be sent")
        response, status = answered.get() or (None, 500)  # comes at the latest when the transaction times out
        return outcome(response, status)

    def socket_named(self, text: str) -> Any:
        """Our socket protocol:address:port."""
        for each in self.services.transports.listeners:
            if text in (each.uri_text, each.name):
                return each
        raise MIError(404, f"there is no socket {text}")

    def slot_of_call(self, callid: str, cseq: str) -> int:
        """The slot of the call that a command is about."""
        slot: int = self.services.slots.slot_of_call_id(callid)
        return slot

    @mi("t_uac_cancel", v40="tm:uac_cancel", scope="owner", owner="slot_of_call")
    def uac_cancel(self, callid: str, cseq: str) -> str:
        """Cancel an INVITE, found by Call-ID and CSeq ("1 INVITE")."""
        number = cseq.split()[0] if cseq.split() else ""
        transaction = self.layer.by_call(callid, int(number)) if number.isdigit() else None
        if transaction is None:
            raise MIError(481, "there is no such call")
        self.layer.cancel(transaction)
        return "OK"

    def slot_of_transaction(self, code: int, reason: str, trans_id: str, to_tag: str, new_headers: str = "",
                            body: str = "") -> int:
        """The slot of the transaction that a command is about."""
        slot: int | None = self.services.slots.slot_of(trans_id)
        if slot is None:
            raise MIError(404, "this is no transaction identifier")
        return slot

    @mi("t_reply", v40="tm:reply", scope="owner", owner="slot_of_transaction")
    def reply_to(self, code: int, reason: str, trans_id: str, to_tag: str, new_headers: str = "",
                 body: str = "") -> str:
        """Answer a request by the identifier of its transaction ($T_id); a dot stands for no headers."""
        transaction = self.layer.ids.get(trans_id)
        if transaction is None:
            raise MIError(404, "there is no such transaction")
        if transaction.status >= 200:
            raise MIError(400, "the transaction has been answered")
        headers = (dotted(new_headers) or "").encode("utf-8", "surrogateescape")
        if headers and not headers.endswith(b"\r\n"):
            headers += b"\r\n"
        self.layer.happen(transaction, answer, transaction,
                          (code, reason, headers, body.encode("utf-8", "surrogateescape"), dotted(to_tag) or ""))
        return "OK"

    @mi("t_hash", v40="tm:hash", scope="each", merge=lambda answers: joined(answers))
    def hash(self) -> dict[str, Any]:
        """How many transactions there are, in all and in each slot that has some."""
        slots: dict[int, int] = {}
        for transaction in list(self.layer.servers.values()):
            slot = self.services.slots.slot_of_call_id(transaction.request.call_id)
            slots[slot] = slots.get(slot, 0) + 1
        return {"Current": sum(slots.values()),
                "Entries": [{"No": slot, "Current": count} for slot, count in sorted(slots.items())]}


class Given:
    """The headers that a command gives, those apart that the layer writes itself."""

    def __init__(self, text: str) -> None:
        lines = text.replace("\\r\\n", "\r\n").strip("\r\n ").replace("\r\n", "\n").replace("\n", "\r\n")
        probe = scan(f"OPTIONS sip:x SIP/2.0\r\n{lines}\r\n\r\n".encode("utf-8", "surrogateescape"))
        if probe is None:
            raise MIError(400, "the headers cannot be read")
        from_, to = probe.header("From"), probe.header("To")
        if not from_ or not to:
            raise MIError(400, "From and To are needed among the headers")
        self.from_ = from_ if probe.from_tag else f"{from_};tag={token_hex(8)}"
        self.to = to
        self.call_id = probe.header("Call-ID")
        number = (probe.header("CSeq") or "1").split()[0]
        self.cseq = int(number) if number.isdigit() else 1
        self.others = b"".join(probe.data[each.start:each.end] for each in probe.headers()
                               if each.name.lower() not in SKIPPED)


def dotted(text: str | None) -> str | None:
    """*text*, or None for the dot that 2.1 writes where there is nothing."""
    return None if text in (None, "", ".") else text


def answer(layer: TransactionLayer, transaction: Transaction,
           what: tuple[int, str, bytes, bytes, str]) -> None:
    """Answer a transaction on behalf of a command."""
    code, reason, headers, body, to_tag = what
    layer.reply(transaction, code, reason, headers, body, to_tag=to_tag)


def joined(answers: list[dict[str, Any]]) -> dict[str, Any]:
    """One table of all workers."""
    return {"Current": sum(each["Current"] for each in answers),
            "Entries": sorted((entry for each in answers for entry in each["Entries"]), key=lambda entry: entry["No"])}
