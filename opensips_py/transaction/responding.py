"""What responses to our requests, and their absence, do to a transaction (RFC 3261, 16.7)."""
from __future__ import annotations

from typing import TYPE_CHECKING

from opensips_py.sip import build_ack, parse
from opensips_py.sip._scan import Request
from opensips_py.transaction import cancelling, choice, originating, relaying, replying
from opensips_py.transaction._record import Branch, Transaction
from opensips_py.transaction.settings import Flags
from opensips_py.transaction.tables import Do, Event
from opensips_py.transaction.user import Happening

if TYPE_CHECKING:
    from opensips_py.sip._scan import Response
    from opensips_py.transaction.layer import TransactionLayer

PROVISIONAL, SUCCESS, FAILURE = int(Event.PROVISIONAL), int(Event.SUCCESS), int(Event.FAILURE)
REPLICATE, ALLOW_NO_CANCEL = Flags.REPLICATE, Flags.ALLOW_NO_CANCEL
ACKNOWLEDGE, SEND_CANCEL, DELIVER = int(Do.ACKNOWLEDGE), int(Do.SEND_CANCEL), int(Do.DELIVER)
RESPONSE_IN = int(Happening.RESPONSE_IN)


def receive(layer: TransactionLayer, branch: Branch, response: Response) -> None:
    """A response to *branch* has come, and nothing else of its transaction happens."""
    if take(layer, branch, response):
        deliver(layer, branch, response)


def take(layer: TransactionLayer, branch: Branch, response: Response) -> bool:
    """Let the branch step on, which acknowledges failures and absorbs retransmissions even while a route of the
    transaction waits; True: the response is to be delivered."""
    if branch.transaction is None:
        return False
    status = response.status
    layer.counters.received.add()
    todo = branch.step(PROVISIONAL if status < 200 else SUCCESS if status < 300 else FAILURE)
    if todo & ACKNOWLEDGE:
        acknowledge(layer, branch, response)
    if todo & SEND_CANCEL:
        cancelling.send_cancel(layer, branch)
    branch.received = status
    return bool(todo & DELIVER)


def deliver(layer: TransactionLayer, branch: Branch, response: Response) -> None:
    """Let the routes and the client have a response."""
    transaction = branch.transaction
    status = response.status
    if status >= 200 and layer.pending is not None and transaction.invite:
        layer.pending.forget(branch.id)
    if transaction.observed & RESPONSE_IN:
        layer.notify(transaction, RESPONSE_IN, branch, response, status)
    if transaction.auto_ack and transaction.invite and 200 <= status < 300:
        originating.acknowledge_answer(layer, transaction, branch, response)
    if branch.on_reply is not None or transaction.on_reply is not None:
        kept = transaction.user.run_reply_route(transaction, branch, response)
        if not kept and status < 200:
            return
    if status < 200:
        if branch.awaiting:
            branch.status = status
            if status > 100 and transaction.status < 200 and not transaction.relay_flags & REPLICATE:
                replying.forward(layer, transaction, branch, response)
    elif status < 300:
        succeed(layer, transaction, branch, response)
    else:
        fail(layer, transaction, branch, response)


def acknowledge(layer: TransactionLayer, branch: Branch, response: Response) -> None:
    """Send the ACK for a failure (RFC 3261, 17.1.1.3)."""
    if branch.ack is None:
        branch.ack = build_ack(sent_message(branch), response, branch.transaction.headers or b"")
    layer.transmit(branch.target, branch.ack)


def sent_message(branch: Branch) -> Request:
    """The request of a branch as it was sent."""
    if branch.message is None:
        message = parse(branch.data)
        assert isinstance(message, Request)  # it is what we sent
        branch.message = message
    return branch.message


def succeed(layer: TransactionLayer, transaction: Transaction, branch: Branch, response: Response) -> None:
    """A 2xx is forwarded at once, whatever else has been sent (RFC 3261, 16.7 step 5)."""
    branch.awaiting = False
    branch.status = response.status
    transaction.winner = branch
    if transaction.relay_flags & REPLICATE:
        finish_replication(transaction)
    else:
        replying.forward(layer, transaction, branch, response)
    transaction.awaited = 0
    if not (transaction.relay_flags & ALLOW_NO_CANCEL and asks_no_cancel(transaction)):
        if transaction.cancel_headers is None:
            transaction.cancel_headers = cancelling.ELSEWHERE
        cancelling.cancel_all(layer, transaction)  # RFC 3261, 16.7 step 10


def asks_no_cancel(transaction: Transaction) -> bool:
    """Whether the client wants the other branches to go on (RFC 3841, 9.1)."""
    return any(value.strip().lower() == "no-cancel" for value in transaction.request.values("Request-Disposition"))


def fail(layer: TransactionLayer, transaction: Transaction, branch: Branch, response: Response) -> None:
    """A failure of one branch waits for the others."""
    if not branch.awaiting:
        return
    branch.awaiting = False
    branch.status = status = replying.status_of(response)
    branch.response = response
    if status == 503 and relaying.fail_over(layer, branch):
        return
    if status >= 600 and layer.settings.block_on_6xx:
        transaction.blocked = True
        cancelling.cancel_all(layer, transaction)  # RFC 3261, 16.7 step 5
    settle(layer, transaction)


def time_out(layer: TransactionLayer, branch: Branch) -> None:
    """Nothing final came from *branch* in time."""
    transaction = branch.transaction
    if not branch.awaiting:
        return
    branch.awaiting = False
    if layer.pending is not None and transaction.invite:
        layer.pending.forget(branch.id)
    silent = branch.received == 0 and not branch.phone
    (layer.counters.silent if silent else layer.counters.unanswered).add()
    branch.status = 487 if transaction.cancelled else 408  # RFC 3261, 16.8
    branch.response = None
    if silent and relaying.fail_over(layer, branch):
        return
    settle(layer, transaction)


def undelivered(layer: TransactionLayer, branch: Branch, error: Exception) -> None:
    """The transport could not deliver the request of *branch*: as if a 503 had come (RFC 3261, 16.9)."""
    if branch.transaction is None or not branch.step(Event.ERROR) & Do.FAILED:
        return
    branch.awaiting = False
    branch.status, branch.response = 503, None
    if not relaying.fail_over(layer, branch):
        settle(layer, branch.transaction)


def settle(layer: TransactionLayer, transaction: Transaction) -> None:
    """Once no branch can bring anything more: let the failure route try, else answer with the best response."""
    if transaction.status >= 200 or waits(layer, transaction):
        return
    if transaction.relay_flags & REPLICATE:
        finish_replication(transaction)
        return
    branch = choice.best(transaction)
    if branch is None:
        return
    transaction.winner = branch
    if transaction.on_failure is not None or transaction.observed:
        layer.notify(transaction, Happening.FAILURE, branch, branch.response, branch.status)
        if transaction.on_failure is not None:
            relaying.run_failure_route(transaction, branch)
        if transaction.status >= 200 or waits(layer, transaction):
            return
        branch = choice.best(transaction) or branch
        transaction.winner = branch
    answer_failure(layer, transaction, branch)


def waits(layer: TransactionLayer, transaction: Transaction) -> bool:
    """Whether some branch, minor ones apart, may still bring something."""
    minor = [branch for branch in transaction.branches if branch.awaiting and branch.minor]
    if any(branch.awaiting and not branch.minor for branch in transaction.branches):
        return True
    for branch in minor:
        branch.awaiting = False
        cancelling.cancel_branch(layer, branch)
    return False


def answer_failure(layer: TransactionLayer, transaction: Transaction, branch: Branch) -> None:
    """Send the best failure to the client (RFC 3261, 16.7 steps 6 to 8)."""
    response = branch.response
    if response is None:
        if transaction.local:
            transaction.status = branch.status
            replying.report_locally(transaction, branch, None, branch.status)
            return
        status = 500 if branch.status == 503 else branch.status
        replying.reply(layer, transaction, status, choice.reason_of(status), branch=branch)
        return
    extra = choice.with_challenges(transaction, branch, response)
    if response.status == 503 and layer.settings.translate_503:
        extra = (*extra, choice.as_500(response))
    replying.forward(layer, transaction, branch, response, extra)


def finish_replication(transaction: Transaction) -> None:
    """A replicated request has been answered: nobody upstream is told."""
    if not transaction.local:
        transaction.step(Event.RELEASE)
