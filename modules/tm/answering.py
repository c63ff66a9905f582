"""t_reply and its like."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from opensips_py.module import Between, Route, Run, script
from opensips_py.transaction import Transaction, TransactionLayer

if TYPE_CHECKING:
    import logging

Code = Annotated[int, Between(100, 699)]


class Answering:
    """Functions that answer the request."""

    layer: TransactionLayer
    log: logging.Logger

    def answer(self, run: Run, code: int, reason: str, body: bytes = b"", headers: bytes = b"") -> bool:
        """Answer within the transaction of *run*, opening it on need; other modules call this."""
        transaction = run.transaction
        if transaction is None:
            if run.message.method == "ACK":
                self.log.error("t_reply: an ACK is not answered")
                return False
            transaction = self.layer.new_transaction(run, trying=False)
            if transaction is None:
                return False
        transaction.implicit = False
        return self.layer.reply(transaction, code, reason, headers, body)

    def local_tag(self, transaction: Transaction) -> str:
        """The To tag of our own responses in *transaction*."""
        return self.layer.local_tag(transaction)

    @script(Route.REQUEST | Route.FAILURE, name="t_reply")
    def reply(self, run: Run, code: Code, reason: str) -> bool:
        """Answer the request, in its transaction."""
        return self.answer(run, code, reason)

    @script(Route.REQUEST | Route.FAILURE, name="t_reply_with_body")
    def reply_with_body(self, run: Run, code: Code, reason: str, body: str) -> bool:
        """Answer the request with a body; its Content-Type comes by append_to_reply."""
        return self.answer(run, code, reason, body.encode("utf-8", "surrogateescape"))

    @script(Route.REQUEST, name="t_reply_by_callid", dialect="4.0")
    def reply_by_call_id(self, run: Run, code: Code, reason: str, callid: str = "", cseq: str = "") -> bool:
        """Answer an INVITE that waits here, found by Call-ID and CSeq number: those of this request unless given."""
        request = run.message
        call_id = callid or request.call_id
        number = int(cseq.split()[0]) if cseq.split()[:1] and cseq.split()[0].isdigit() else request.cseq
        transaction = self.layer.by_call(call_id, number)
        if transaction is None or transaction.local or transaction.status >= 200:
            return False
        self.layer.happen(transaction, answer_parked, transaction, (code, reason))
        return True


def answer_parked(layer: TransactionLayer, transaction: Transaction, answer: tuple[int, str]) -> None:
    """Answer a transaction that waits here."""
    layer.reply(transaction, answer[0], answer[1])
