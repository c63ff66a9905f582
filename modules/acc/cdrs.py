"""CDRs: one record for an answered call, made when it is over, however it ends."""
from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.dialog import parts_of
from opensips_py.module import ConfigError, Flag, Route, Run, hookimpl, param
from opensips_py.modules.acc.accounts import DATABASE, EVENTS, EVERYWHERE, LOG, Account, Mark, known_account
from opensips_py.modules.acc.contexts import NAME
from opensips_py.modules.acc.journal import Accounted
from opensips_py.modules.acc.kinds import Extra, Extras
from opensips_py.modules.acc.records import ENDED, Record, View, joined
from opensips_py.modules.acc.reporting import PLACES
from opensips_py.modules.acc.watching import Watching, last_response, reason
from opensips_py.state.slots import COUNT
from opensips_py.transaction import Branch, Happening, Transaction

if TYPE_CHECKING:
    from opensips_py.modules.acc.records import Named
    from opensips_py.sip import Request, Response

Values = Annotated[tuple[Extra, ...], Extras()]
Avps = Annotated[tuple[Extra, ...], Extras(avps=True)]
MessageFlag = Annotated[int, Flag()]
SETTLED = 30.0  # seconds after which nobody tells the end of a call a second time


@dataclass
class Ended:
    """A call that is over, until what ended it has been answered."""

    dialog: Any
    account: Account
    keys: list[bytes] = field(default_factory=list)  # of its rows that are held back in the journal
    told: bool = False


class Cdrs(Watching):
    """Accounts calls as a whole, with module dialog."""

    cdr_flag: MessageFlag = param(-1, "Flag of INVITEs whose call is accounted when it is over, in one record, in "
                                      "place of a record for the INVITE; where, the other flags say.")
    log_extra_bye: Values = param((), "Further values for the log, of the BYE that ends a call: name=$variable.")
    db_extra_bye: Values = param((), "Further columns and their values, of the BYE that ends a call: column=$variable.")
    evi_extra_bye: Values = param((), "Further parameters of events, of the BYE that ends a call: name=$variable.")
    multi_leg_bye_info: Avps = param((), "AVPs of the BYE that ends a call, whose n-th values belong to the n-th leg: "
                                         "name=$avp(a);name=$avp(b).")
    needs_dialog = False  # the script has something that does

    def watch_dialogs(self) -> None:
        """Be told of dialogs."""
        if self.dialog is None and (self.cdr_flag >= 0 or self.needs_dialog):
            raise ConfigError('accounting of whole calls needs module dialog: add loadmodule "dialog.so"', "acc",
                              "cdr_flag" if self.cdr_flag >= 0 else "")
        if self.dialog is not None:
            self.dialog.observe(confirmed=self.call_answered, within=self.call_goes_on, ended=self.call_ended)

    @hookimpl
    def transaction_created(self, transaction: Transaction) -> None:
        """Follow the dialog of an INVITE whose flags ask for a CDR; wait for the answer to a BYE that has ended one."""
        super().transaction_created(transaction)
        request = transaction.request
        ended = request.context.get("acc ended") if request.context else None
        if ended is not None:
            transaction.observe(Happening.RESPONSE_SENT | Happening.DELETED, self.bye_answered)
        elif self.cdr_flag >= 0 and transaction.invite and transaction.flags >> self.cdr_flag & 1:
            self.follow(Run(self.services, transaction.generation or self.services.generation, Route.REQUEST, request,
                            request, transaction))

    @hookimpl
    def request_done(self, message: Any) -> None:
        """A BYE that no transaction was made for has been dealt with."""
        ended = message.context.get("acc ended") if message.context else None
        if ended is not None and self.services.transactions.find(message, message.method) is None:
            self.finish(ended, message, None, None)

    def follow(self, run: Run) -> None:
        """Have module dialog follow the call that this INVITE may begin."""
        request: Request = run.request
        if not request.to_tag and request.method == "INVITE" and self.dialog.dialog_of(request) is None:
            self.dialog.create(run, request, 0)

    def cdr_places(self, transaction: Transaction) -> int:
        """Where the call of this INVITE is accounted as a whole, a bit each."""
        if not transaction.invite or self.dialog is None or transaction.request.to_tag:
            return 0
        marks = self.marks(transaction)
        places = marks >> CDR_SHIFT & marks & EVERYWHERE
        return places if places and self.dialog.dialog_of(transaction.request) is not None else 0

    # An answer

    def call_answered(self, dialog: Any, request: Request, response: Response | None) -> None:
        """Keep with the dialog what its CDR will have."""
        transaction = self.services.transactions.find(request, "INVITE")
        places = self.cdr_places(transaction) if transaction is not None else 0
        if transaction is None or not places:
            return
        branch = next((each for each in transaction.branches if response is not None and each.response is response),
                      None)
        answer = response if response is not None else last_response(transaction)
        run = Run(self.services, transaction.generation or self.services.generation, Route.REQUEST, request, request,
                  transaction, branch)
        with as_sent(transaction, branch, request):
            view = self.view(run, answer, False)
            account = view.account or Account()
            status = answer.status if answer is not None else 200
            account.call = {
                "places": places, "table": self.table_of(run, account), "code": str(status),
                "reason": reason(answer, status), "from_tag": request.from_tag, "to_tag": dialog.to_tag, "static": {
                    PLACES[place]: [view.extras(extras, ()), view.legs(self.multi_leg_info, ())]
                    for place, extras in self.extras_by_place().items() if places >> place & 1}}
        self.dialog.keep(dialog, NAME, account.kept())

    def extras_by_place(self) -> dict[int, tuple[Extra, ...]]:
        """The further values of each back end."""
        return {LOG: self.log_extra, EVENTS: self.evi_extra, DATABASE: self.db_extra}

    def call_goes_on(self, dialog: Any, request: Request, side: int) -> None:
        """Add what was said about a request before it was known to be within a call."""
        own = known_account(request)
        if own is None or own.dialog is not None or self.dialog.kept(dialog, NAME) is None:
            return
        account = request.context["acc"] = self.account_in(dialog)
        assert account is not None
        account.marks, account.table = own.marks, own.table
        if own.extras:
            account.extras.update(own.extras)
            self.remember(account)

    # The end

    def call_ended(self, dialog: Any, request: Request | None) -> None:
        """Account a call that is over: at once, or once the BYE that ended it is answered."""
        if self.dialog.kept(dialog, NAME) is None:
            return
        account = self.known_of(request) if request is not None else None
        if account is None or account.dialog is not dialog:
            account = self.account_in(dialog)
        assert account is not None
        ended = Ended(dialog, account)
        mark = self.mark_of(dialog)
        try:
            rows = self.cdr_rows(ended, View(Run(self.services, self.services.generation, Route.REQUEST, request,
                                                 request), None, account))
            ended.keys = self.writer.add(rows, mark, hold=request is not None)
        except Accounted:
            return
        finally:
            self.services.timers.start(SETTLED, self.settled, mark)
        if request is None:
            ended.told = True
            self.tell(ended, View(Run(self.services, self.services.generation, Route.REQUEST, None), None, account))
            return
        request.context["acc ended"] = ended
        request.context["acc"] = account

    @staticmethod
    def mark_of(dialog: Any) -> bytes:
        """What tells a call from all others."""
        return f"{dialog.did} {dialog.created:.6f}".encode()

    def is_settled(self, mark: bytes) -> bool:
        """Whether the end of a call that a process has accounted which is gone is not told again: its dialog is one of
        this worker's, and not there any more."""
        did = mark.partition(b" ")[0].decode()
        parts = parts_of(did)
        if self.dialog is None or parts is None:
            return True
        slots = self.services.slots
        if parts[0] < COUNT and slots.worker_of(parts[0]) != self.services.index:
            return False
        return self.dialog.here(did, True, False) is None

    def settled(self, mark: bytes) -> None:
        """The dialog is not stored any more."""
        if self.writer.journal is not None:
            self.writer.journal.forget_calls([mark])

    def bye_answered(self, happening: Happening, transaction: Transaction, branch: Branch | None, message: Any,
                     status: int) -> None:
        """The answer to a BYE has left, or there will be none."""
        if happening is Happening.RESPONSE_SENT and status < 200:
            return
        request = transaction.request
        ended: Ended = request.context["acc ended"]
        self.finish(ended, request, transaction, message if happening is Happening.RESPONSE_SENT else None)

    def finish(self, ended: Ended, request: Request, transaction: Transaction | None, response: Any) -> None:
        """Account a call that a BYE has ended, with the values as they are now."""
        if ended.told:
            return
        ended.told = True
        generation = (transaction.generation if transaction is not None else None) or self.services.generation
        run = Run(self.services, generation, Route.REQUEST, request, request, transaction)
        view = self.view(run, response, False)
        view = replace(view, account=ended.account)
        self.writer.release(ended.keys, self.cdr_rows(ended, view))
        self.tell(ended, view)

    def cdr_record(self, ended: Ended) -> Record:
        """What every back end has of a call."""
        dialog, call = ended.dialog, ended.account.call
        assert call is not None
        return Record(ENDED, "INVITE", call["from_tag"], call["to_tag"], dialog.call_id, call["code"], call["reason"],
                      int(dialog.started), int(dialog.created),
                      max(0, round(dialog.lasted(dialog.ended) * 1000)))

    def cdr_values(self, ended: Ended, view: View, place: int) -> tuple[Named, list[Named]]:
        """Further values and legs of a call, for one back end."""
        name = PLACES[place]
        assert ended.account.call is not None
        extras, legs = ended.account.call["static"].get(name, ((), ()))
        bye = {LOG: self.log_extra_bye, EVENTS: self.evi_extra_bye, DATABASE: self.db_extra_bye}[place]
        more = view.legs(self.multi_leg_bye_info, ()) if self.multi_leg_bye_info else []
        before = [[(each, value) for each, value in leg] for leg in legs]
        return ([*((each, value) for each, value in extras), *view.extras(bye, self.extras.get(name, ()))],
                [*joined(before, more), *view.legs((), self.leg_names.get(name, ()))])

    def cdr_rows(self, ended: Ended, view: View) -> list[tuple[str, Any]]:
        """The rows of a call."""
        call = ended.account.call
        assert call is not None
        if not call["places"] >> DATABASE & 1:
            return []
        return [(call["table"], row) for row in self.rows(self.cdr_record(ended),
                                                          *self.cdr_values(ended, view, DATABASE))]

    def tell(self, ended: Ended, view: View) -> None:
        """Tell log and subscribers of a call."""
        assert ended.account.call is not None
        for place in (LOG, EVENTS):
            if ended.account.call["places"] >> place & 1:
                self.tell_one(self.cdr_record(ended), place, *self.cdr_values(ended, view, place))


CDR_SHIFT = int(Mark.CDR).bit_length() - 1


@contextmanager
def as_sent(transaction: Transaction, branch: Branch | None, request: Request) -> Iterator[None]:
    """The request as its *branch* was sent, for the block."""
    if branch is None:
        yield
        return
    saved = Branch(transaction, 0, transaction.method).take(request)
    branch.show(request)
    try:
        yield
    finally:
        saved.show(request)
