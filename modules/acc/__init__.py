"""Account requests: who called whom, when, and what came of it."""
from __future__ import annotations

from opensips_py.module import Module
from opensips_py.module.declare import Dialect
from opensips_py.modules.acc.backends import E_ACC_CDR, E_ACC_EVENT, E_ACC_MISSED_EVENT
from opensips_py.modules.acc.variables import Variables


class Acc(Variables, Module, name="acc", events=[E_ACC_EVENT, E_ACC_MISSED_EVENT, E_ACC_CDR]):
    """Account transactions in the log, in a database and by events: method, tags, Call-ID, status and time, and
    whatever else the script wants. What is accounted is said by flags on the request (2.1) or by do_accounting() (4.0);
    the record is made when the answer leaves.

    Records for a database go through a journal in the state directory: calls do not wait for a database that is slow,
    and while it is away, records are kept and written, once, when it is back; a crash in between loses none. A journal
    that is full (500,000 rows) is said so, counted, and the log has the records.

    With module dialog, a call is one record when it is over, by "cdr" or cdr_flag: how long it rang and lasted, with
    the values that it has been given by then. It is kept with the dialog and outlives processes as that does; the end
    of a call by a BYE is accounted when that is answered."""

    def __init__(self, dialect: Dialect = "4.0") -> None:
        super().__init__(dialect)
        self.set_up()

    def load(self) -> None:
        """Check the parameters."""
        self.digest()
        self.watch_dialogs()

    def start(self) -> None:
        """Go on with the journal."""
        self.writer.is_settled = self.is_settled
        self.begin_database()
