"""What scripts call to account."""
from __future__ import annotations

from typing import Annotated

from opensips_py.module import Format, Route, Run, script
from opensips_py.module.statements import NameKind
from opensips_py.modules.acc.accounts import DATABASE, EVENTS, EVERYWHERE, LOG, Mark, account_of, known_account
from opensips_py.modules.acc.kinds import AWAITED, Noting, Words
from opensips_py.modules.acc.watching import Watching

HERE = Route.REQUEST | Route.FAILURE | Route.BRANCH | Route.LOCAL
WHERE = Words((("log", 1 << LOG), ("evi", 1 << EVENTS), ("db", 1 << DATABASE)), tuple(AWAITED.items()))
Places = Annotated[int, WHERE]
Asked = Annotated[int | Format, Noting(WHERE.known, WHERE.awaited, 1 << DATABASE)]
Marks = Annotated[int, Words((("missed", int(Mark.MISSED)), ("failed", int(Mark.FAILED))), (("cdr", "module dialog"),))]
Table = Annotated[str | Format, NameKind("acc")]
ALL = int(Mark.SUCCESS | Mark.MISSED | Mark.FAILED)


class Functions(Watching):
    """The script functions of acc."""

    @script(HERE)
    def acc_log_request(self, run: Run, comment: str) -> bool:
        """Account the request in the log, now; *comment* is a code and a reason: "404 Nobody home"."""
        return self.report_now(run, LOG, comment)

    @script(HERE)
    def acc_db_request(self, run: Run, comment: str, table: Table) -> bool:
        """Account the request in *table* of the database; *comment* is a code and a reason. It is written soon: nobody
        waits for it."""
        name = table if isinstance(table, str) else table(run)
        if not name:
            self.log.error("acc_db_request: the table has no name")
            return False
        return self.report_now(run, DATABASE, comment, name)

    @script(HERE)
    def acc_evi_request(self, run: Run, comment: str) -> bool:
        """Account the request by an event, now: E_ACC_EVENT where the code in *comment* is below 300, else
        E_ACC_MISSED_EVENT."""
        return self.report_now(run, EVENTS, comment)

    @script(HERE, dialect="4.0")
    def do_accounting(self, run: Run, type: Asked, flags: Marks = 0, table: str = "") -> bool:
        """Account the transaction once it is answered, in back ends *type*: "log|evi|db"; *flags* add "missed" (tell
        the next target of an INVITE that fails) and "failed" (account failures too). *table* of the database is for
        what is answered, in place of db_table_acc. Further calls add to it."""
        account = account_of(run)
        places = type if isinstance(type, int) else WHERE.convert(type(run))
        if account is None or not places:
            return False
        account.table = table or account.table
        account.marks |= places * (Mark.SUCCESS | flags)
        if not account.legs:
            account.legs.append({})
        if run.transaction is not None:
            self.watch(run.transaction)
        return True

    @script(HERE, dialect="4.0")
    def drop_accounting(self, run: Run, type: Places = 0, flags: Marks = 0) -> bool:
        """Take back what do_accounting() asked for: all of it, that of back ends *type*, or only *flags* of them."""
        account = known_account(run.request)
        if account is None:
            return False
        account.marks &= ~((type or EVERYWHERE) * (flags or ALL))
        return True

    @script(HERE, dialect="4.0")
    def acc_new_leg(self, run: Run) -> bool:
        """Begin a further leg, whose values $acc_leg then assigns; false before do_accounting(), or without
        leg_fields."""
        account = known_account(run.request)
        if account is None or not account.legs or not self.leg_tags:
            return False
        account.legs.append({})
        return True
