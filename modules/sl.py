"""Answer requests without keeping any state (RFC 3261, 8.2.7)."""
from typing import Annotated, Any

from opensips_py.module import Between, Module, Route, counter, param, script
from opensips_py.module.run import Run
from opensips_py.sip import build_response
from opensips_py.sip._scan import Request
from opensips_py.state._words import Keyed
from opensips_py.transaction import FAULT_RESPONSES
from opensips_py.transaction.layer import TransactionLayer
from opensips_py.transaction.replying import own_headers, prepared
from opensips_py.transaction.targets import response_target

Code = Annotated[int, Between(100, 699)]
ACK_WAIT = 32  # seconds; a client has given up on its INVITE after 64*T1


class Answers:
    """What is sent without a transaction, in one compiled class: a server that does nothing else is paid for here."""

    def __init__(self, services: Any, observers: tuple[Any, ...], classes: tuple[Any, ...], replies: Any) -> None:
        self.layer: TransactionLayer = services.transactions
        self.timers = services.timers
        self.observers, self.classes, self.replies = observers, classes, replies
        self.ack_until = 0.0  # no ACK of an answer of ours comes after this moment

    def answer(self, run: Run, code: Code, reason: str, headers: bytes, body: bytes) -> bool:
        """Answer the request of *run*, and count it."""
        transaction = run.transaction
        if transaction is not None and transaction.implicit:
            # A function that waits has opened it, and it absorbs retransmissions: it must know the answer to repeat.
            self.layer.adopt(transaction, trying=False)
            sent = self.layer.reply(transaction, code, reason, headers, body)
            transaction.stateless = code >= 200
        else:
            sent = self.send(run.request, code, reason, headers, body)
        if sent and self.classes:
            self.classes[code // 100 - 1].add()
            self.replies.add()
        return sent

    def send(self, request: Request, code: Code, reason: str, headers: bytes, body: bytes) -> bool:
        """Build and send a response."""
        if not request.is_request or request.method == "ACK":
            return False
        layer = self.layer
        if request.context:
            extra, kept = prepared(request)
            headers, body = headers + extra, body or kept
        own: bytes = own_headers(layer, request)
        data = build_response(request, code, reason, self.tag(request), headers + own if headers else own, body)
        if not layer.transmit(response_target(request), data):
            return False
        if code >= 200 and request.method == "INVITE":
            self.ack_until = self.timers.now + ACK_WAIT
        for hook in self.observers:
            hook(request, data, code)
        return True

    def tag(self, request: Request) -> str:
        """The To tag of answers to *request*: the same for its retransmissions, recognised in its ACK."""
        slots: Keyed = self.layer.slots
        return slots.tag("sl", request.call_id, request.from_tag, request.cseq)

    def acknowledges(self, request: Request) -> bool:
        """Whether an ACK is that of an answer of ours."""
        return self.timers.now <= self.ack_until and request.to_tag == self.tag(request)


class Sl(Module, name="sl"):
    """Answer requests without a transaction. The ACKs for such answers to an INVITE are recognised by their To tag, and
    end here; that of a request which had a To tag before cannot be told from others and reaches the script."""

    enable_stats: bool = param(True, "Count for the statistics.")
    sent_1xx: Any = counter("Provisional responses.", name="1xx_replies")
    sent_2xx: Any = counter("Successes.", name="2xx_replies")
    sent_3xx: Any = counter("Redirections.", name="3xx_replies")
    sent_4xx: Any = counter("Client failures.", name="4xx_replies")
    sent_5xx: Any = counter("Server failures.", name="5xx_replies")
    sent_6xx: Any = counter("Global failures.", name="6xx_replies")
    sent_replies: Any = counter("Responses sent.")
    sent_err_replies: Any = counter("Responses sent by sl_reply_error.")
    received_acks: Any = counter("ACKs absorbed.", name="received_ACKs")
    answers: Answers

    def start(self) -> None:
        if self.services.transactions is not None:
            classes = (self.sent_1xx, self.sent_2xx, self.sent_3xx, self.sent_4xx, self.sent_5xx, self.sent_6xx)
            self.answers = Answers(self.services, self.registry.hooks.stateless_reply,
                                   classes if self.enable_stats else (), self.sent_replies)
            self.services.transactions.ack_filter = self.absorb_ack

    @script(Route.REQUEST | Route.ERROR)
    def sl_send_reply(self, run: Run, code: Code, reason: str) -> bool:
        """Answer the request, without a transaction."""
        return self.answer(run, code, reason)

    @script(Route.REQUEST)
    def sl_reply_error(self, run: Run) -> bool:
        """Answer the request with what went wrong last."""
        status, reason = FAULT_RESPONSES.get((run.extra or {}).get("fault", 0), (500, "Server Internal Error"))
        if not self.answer(run, status, reason):
            return False
        if self.enable_stats:
            self.sent_err_replies.add()
        return True

    def answer(self, run: Run, code: int, reason: str, headers: bytes = b"", body: bytes = b"") -> bool:
        """Answer the request of *run*; other modules call this."""
        return self.answers.answer(run, code, reason, headers, body)

    def tag(self, request: Request) -> str:
        """The To tag of answers to *request*."""
        return self.answers.tag(request)

    def absorb_ack(self, request: Request) -> bool:
        """Take the ACK of an answer of ours."""
        if not self.answers.acknowledges(request):
            return False
        if self.enable_stats:
            self.received_acks.add()
        return True
