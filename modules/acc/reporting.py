"""Putting records together, at the moment the manual says, and handing them to the back ends."""
from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from opensips_py.module import Route, Run
from opensips_py.modules.acc.accounts import DATABASE, EVENTS, LOG
from opensips_py.modules.acc.backends import E_ACC_CDR, E_ACC_EVENT, E_ACC_MISSED_EVENT, LEVELS, events, line
from opensips_py.modules.acc.parameters import Parameters
from opensips_py.modules.acc.records import ACCOUNTED, Record, View, swapped
from opensips_py.transaction import Branch, Transaction

if TYPE_CHECKING:
    import logging

    from opensips_py.module import Event
    from opensips_py.module.services import Services
    from opensips_py.modules.acc.records import Named
    from opensips_py.sip import Message, Request, Response


PLACES = {LOG: "log", EVENTS: "evi", DATABASE: "db"}


class Reporting(Parameters):
    """Reports on a request: what is told of a transaction, and what the script orders by a function."""

    services: Services
    log: logging.Logger
    raise_event: Callable[[Event], None]
    clock: Callable[[], float] = staticmethod(lambda: time.time())

    def now(self) -> int:
        """Seconds since 1970."""
        return int(self.clock())

    def report(self, what: str, places: int, transaction: Transaction, branch: Branch | None,
               response: Response | None, code: int, reason: str, created: int) -> None:
        """Tell the back ends in *places* (a bit each, at LOG, EVENTS, DATABASE) of a transaction and its *response*."""
        request, upstream = transaction.request, self.goes_upstream(transaction.request)
        record = self.record(what, request, response, str(code), reason, created, upstream)
        kind = Route.FAILURE if branch is not None else Route.REQUEST
        run = Run(self.services, transaction.generation or self.services.generation, kind, request, request,
                  transaction, branch)
        if branch is None:
            self.hand_over(record, self.view(run, response, upstream), places)
            return
        saved = Branch(transaction, 0, transaction.method).take(request)
        heard, branch.response = branch.response, response or branch.response  # $(<reply>...) finds it there
        branch.show(request)
        try:
            self.hand_over(record, self.view(run, response, upstream), places)
        finally:
            branch.response = heard
            saved.show(request)

    def record(self, what: str, request: Request, response: Response | None, code: str, reason: str, created: int,
               upstream: bool) -> Record:
        """What every record has."""
        tags = request.from_tag, (response or request).to_tag
        if upstream:
            tags = tags[1], tags[0]
        return Record(what, request.method, *tags, request.call_id, code, reason, self.now(), created)

    def hand_over(self, record: Record, view: View, places: int, table: str = "") -> None:
        """Give a record to the back ends in *places*; *table* of the database in place of the usual one."""
        for place, extras in ((LOG, self.log_extra), (EVENTS, self.evi_extra)):
            if places >> place & 1 and self.is_wanted(record, place):
                name = PLACES[place]
                self.tell_one(record, place, view.extras(extras, self.extras.get(name, ())),
                              view.legs(self.multi_leg_info, self.leg_names.get(name, ())))
        if places >> DATABASE & 1:
            self.into_database(table or self.table_for(record, view.run, view.account), record,
                               view.extras(self.db_extra, self.extras.get("db", ())),
                               view.legs(self.multi_leg_info, self.leg_names.get("db", ())))

    def is_wanted(self, record: Record, place: int) -> bool:
        """Whether anybody would see a record in the log, or as an event."""
        if place == LOG:
            return self.log.isEnabledFor(LEVELS[self.log_level])
        event = E_ACC_CDR if record.whole else E_ACC_MISSED_EVENT if record.is_missed else E_ACC_EVENT
        return bool(self.services.events.is_heard(event.event_name))

    def tell_one(self, record: Record, place: int, extras: Named, legs: list[Named]) -> None:
        """Write a record into the log, or raise its events."""
        if place == LOG:
            self.log.log(LEVELS[self.log_level], "%s", line(record, extras, legs, self.dialect),
                         extra={"facility": self.log_facility, "bare": True})
            return
        for event in events(record, extras, legs, self.dialect):
            self.raise_event(event)

    def report_now(self, run: Run, place: int, comment: str, table: str = "") -> bool:
        """Report on the request of *run*, with the code and reason in *comment*, to one back end."""
        request: Message | None = run.request
        if request is None or not request.is_request:
            return False
        head, _, rest = comment.strip().partition(" ")
        known = len(head) == 3 and head.isdecimal()
        code, reason = (head, rest.strip()) if known else ("", comment.strip())
        upstream = self.goes_upstream(run.request)
        record = self.record(ACCOUNTED, run.request, None, code, reason, self.created(run.transaction), upstream)
        self.hand_over(record, self.view(run, getattr(run.branch, "response", None), upstream), 1 << place,
                       table)
        return True

    def view(self, run: Run, response: Response | None, upstream: bool) -> View:
        """Where further values are read; *upstream*: with From and To swapped."""
        request: Any = swapped(run.request) if upstream else run.request
        asked, reply = run, None
        if upstream:
            asked = Run(run.services, run.generation, run.kind, request, request, run.transaction, run.branch)
            asked.avps, asked.variables = run.avps, run.variables
        if response is not None:
            answer = swapped(response) if upstream else response
            reply = Run(run.services, run.generation, Route.ONREPLY, answer, request, run.transaction, run.branch)
        return View(asked, reply, self.known(run))

    def created(self, transaction: Transaction | None) -> int:
        """When the call of a transaction began: as its AVP says, else now."""
        values = transaction.avps.get(self.acc_created_avp_name) if transaction is not None else None
        return values[0] if values and isinstance(values[0], int) else self.now()

    def goes_upstream(self, request: Request) -> bool:
        """Whether a request goes from callee to caller, and that matters."""
        return self.detect_direction and bool(request.to_tag) and self.rr.direction(request) == "upstream"
