"""When a transaction is reported: as its responses leave, and as its targets fail."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opensips_py.errors import MalformedMessage
from opensips_py.module import hookimpl
from opensips_py.modules.acc.accounts import EVERYWHERE, Mark, known_account
from opensips_py.modules.acc.records import ANSWERED, MISSED
from opensips_py.modules.acc.reporting import Reporting
from opensips_py.sip import Response, parse
from opensips_py.transaction import Branch, Happening, Transaction
from opensips_py.transaction.choice import reason_of

if TYPE_CHECKING:
    from opensips_py.transaction.originating import Report

SUCCESS, MISSED_CALL, FAILED = (int(each) * EVERYWHERE for each in (Mark.SUCCESS, Mark.MISSED, Mark.FAILED))


class Watch:
    """What is observed of one transaction."""

    __slots__ = ("acc", "answered", "created")

    def __init__(self, acc: Watching) -> None:
        self.acc = acc
        self.created = acc.now()
        self.answered: set[str] = set()  # To tags: a 2xx sent again is not accounted again

    def __call__(self, happening: Happening, transaction: Transaction, branch: Branch | None, message: Any,
                 status: int) -> None:
        """The transaction layer tells."""
        marks = self.acc.marks(transaction)
        if not marks:
            return
        if happening is Happening.FAILURE:
            self.missed(transaction, branch, message, status, marks)
        else:
            self.answer(transaction, branch, message if message is not None else last_response(transaction), status,
                        marks)

    def missed(self, transaction: Transaction, branch: Branch | None, response: Response | None, status: int,
               marks: int) -> None:
        """A target of an INVITE failed; told once, until the script asks for it again."""
        places = marks & MISSED_CALL
        if places and transaction.invite:
            self.acc.report(MISSED, places >> 1, transaction, branch, response, status, reason(response, status),
                            self.since(transaction))
            self.acc.forget_missed(transaction)

    def answer(self, transaction: Transaction, branch: Branch | None, response: Response | None, status: int,
               marks: int) -> None:
        """A response has left."""
        if status >= 300:
            self.missed(transaction, branch, response, status, marks)  # where no FAILURE came before, as on CANCEL
            marks &= (marks & FAILED) >> 2
        places = marks & SUCCESS
        if status < 300:
            places &= ~self.acc.cdr_places(transaction)
        if not places or not self.counts(transaction, response, status):
            return
        self.acc.report(ANSWERED, places, transaction, branch, response, status, reason(response, status),
                        self.since(transaction))

    def counts(self, transaction: Transaction, response: Response | None, status: int) -> bool:
        """Whether this response is one to account."""
        if transaction.method == "CANCEL" and not self.acc.report_cancels:
            return False
        if status < 200:
            return self.acc.early_media and response is not None and len(response.body) > 0
        tag = response.to_tag if response is not None else ""
        if tag in self.answered:
            return False
        self.answered.add(tag)
        return True

    def since(self, transaction: Transaction) -> int:
        """When the transaction began: as its AVP says, which the script may have changed."""
        values = transaction.avps.get(self.acc.acc_created_avp_name)
        return values[0] if values and isinstance(values[0], int) else self.created


class Watching(Reporting):
    """Observes the transactions that may have to be accounted."""

    @hookimpl
    def transaction_created(self, transaction: Transaction) -> None:
        """Watch a new transaction where its flags or its account may ask for a report."""
        if self.by_flag:
            if transaction.invite and self.marks_by_flags(transaction):
                transaction.avps[self.acc_created_avp_name] = [self.now()]
            self.watch(transaction)
        elif known_account(transaction.request) is not None:
            self.watch(transaction)

    def watch(self, transaction: Transaction) -> None:
        """Observe *transaction*, once."""
        if transaction.contexts is None:
            transaction.contexts = {}
        if "acc" in transaction.contexts:
            return
        watch = transaction.contexts["acc"] = Watch(self)
        transaction.observe(Happening.FAILURE | Happening.RESPONSE_SENT, watch)
        if transaction.local:  # its responses are sent to nobody
            transaction.report = heard_by(watch, transaction.report)

    def marks(self, transaction: Transaction) -> int:
        """What the script asks for, by flags and by functions."""
        account = known_account(transaction.request)
        return self.marks_by_flags(transaction) | (account.marks if account is not None else 0)

    def cdr_places(self, transaction: Transaction) -> int:
        """Where the call of an INVITE is accounted as a whole, a bit each."""
        return 0

    def forget_missed(self, transaction: Transaction) -> None:
        """A missed call has been told."""
        transaction.flags &= ~self.missed_flags
        account = known_account(transaction.request)
        if account is not None:
            account.marks &= ~MISSED_CALL


def heard_by(watch: Watch, report: Report | None) -> Report:
    """*report*, after *watch* has seen what it is called with."""
    def both(transaction: Transaction, branch: Branch | None, response: Response | None, status: int) -> None:
        watch(Happening.RESPONSE_SENT, transaction, branch, response, status)
        if report is not None:
            report(transaction, branch, response, status)
    return both


def last_response(transaction: Transaction) -> Response | None:
    """The response that was sent last: what our own ones say stands nowhere else."""
    if transaction.last is None:
        return None
    try:
        message = parse(transaction.last)
    except MalformedMessage:
        return None
    return message if isinstance(message, Response) else None


def reason(response: Response | None, status: int) -> str:
    """The reason phrase of a response, or of one that never came."""
    return response.reason if response is not None else reason_of(status)
