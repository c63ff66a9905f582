"""What scripts call to account."""
from __future__ import annotations

from typing import Annotated

from opensips_py.module import Format, Route, Run, script
from opensips_py.module.statements import NameKind
from opensips_py.modules.acc.accounts import DATABASE, EVENTS, EVERYWHERE, LOG, Mark
from opensips_py.modules.acc.cdrs import Cdrs
from opensips_py.modules.acc.contexts import LOADED
from opensips_py.modules.acc.kinds import AWAITED, Noting, Words

HERE = Route.REQUEST | Route.FAILURE | Route.BRANCH | Route.LOCAL
WHERE = Words((("log", 1 << LOG), ("evi", 1 << EVENTS), ("db", 1 << DATABASE)), tuple(AWAITED.items()))
Places = Annotated[int, WHERE]
Asked = Annotated[int | Format, Noting(WHERE.known, WHERE.awaited, 1 << DATABASE)]
WHAT = Words((("missed", int(Mark.MISSED)), ("failed", int(Mark.FAILED)), ("cdr", int(Mark.CDR))))
Marks = Annotated[int, WHAT]
Wanted = Annotated[int | Format, Noting(WHAT.known, (), int(Mark.CDR), "dialog")]
Table = Annotated[str | Format, NameKind("acc")]
ALL = int(Mark.SUCCESS | Mark.MISSED | Mark.FAILED | Mark.CDR)


class Functions(Cdrs):
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
    def do_accounting(self, run: Run, type: Asked, flags: Wanted = 0, table: str = "") -> bool:
        """Account the transaction once it is answered, in back ends *type*: "log|evi|db"; *flags* add "missed" (tell
        the next target of an INVITE that fails), "failed" (account failures too) and "cdr" (of an INVITE: account the
        call as a whole when it is over, and no request within it by itself; module dialog follows it). *table* of the
        database is for what is answered, in place of db_table_acc. Further calls add to it."""
        account = self.made(run)
        places = type if isinstance(type, int) else WHERE.convert(type(run))
        if account is None or not places:
            return False
        if account.dialog is not None:  # its requests are part of the call, which has a CDR
            return True
        wanted = flags if isinstance(flags, int) else WHAT.convert(flags(run))
        account.table = table or account.table
        account.marks |= places * (Mark.SUCCESS | wanted)
        if not account.legs:
            account.legs.append({})
        if wanted & Mark.CDR and self.dialog is not None:
            self.follow(run)
        if run.transaction is not None:
            self.watch(run.transaction)
        return True

    @script(HERE, dialect="4.0")
    def drop_accounting(self, run: Run, type: Places = 0, flags: Marks = 0) -> bool:
        """Take back what do_accounting() asked for: all of it, that of back ends *type*, or only *flags* of them."""
        account = self.known(run)
        if account is None:
            return False
        account.marks &= ~((type or EVERYWHERE) * (flags or ALL))
        return True

    @script(HERE, dialect="4.0")
    def acc_new_leg(self, run: Run) -> bool:
        """Begin a further leg, whose values $acc_leg then assigns; false before do_accounting(), or without
        leg_fields."""
        account = self.known(run)
        if account is None or not account.legs or not self.leg_tags:
            return False
        account.legs.append({})
        self.remember(account)
        return True

    @script(Route.ANY, dialect="4.0")
    def acc_load_ctx_from_dlg(self, run: Run) -> bool:
        """Have $acc_extra and $acc_leg be those of the dialog at hand, that which load_dialog_ctx() has loaded, until
        acc_unload_ctx_from_dlg(). False where there is no dialog, it is not accounted, or one is loaded already."""
        dialog = self.dialog.current(run) if self.dialog is not None else None
        account = self.account_in(dialog) if dialog is not None else None
        if account is None or (run.extra is not None and LOADED in run.extra):
            return False
        run.extra = {} if run.extra is None else run.extra
        run.extra[LOADED] = account
        return True

    @script(Route.ANY, dialect="4.0")
    def acc_unload_ctx_from_dlg(self, run: Run) -> bool:
        """Have $acc_extra and $acc_leg be those of the request at hand again."""
        return run.extra is not None and run.extra.pop(LOADED, None) is not None
