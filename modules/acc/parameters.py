"""The parameters of acc."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from opensips_py.module import Between, ConfigError, param, param_setter, uses
from opensips_py.modules.acc.accounts import DATABASE, EVENTS, LOG, Mark
from opensips_py.modules.acc.contexts import Contexts
from opensips_py.modules.acc.database import InDatabase, MessageFlag, Values
from opensips_py.modules.acc.kinds import Extra, Extras, Facility, Fields, FieldsKind

if TYPE_CHECKING:
    from opensips_py.transaction import Transaction

Avps = Annotated[tuple[Extra, ...], Extras(avps=True)]
DAEMON = 3  # LOG_DAEMON of syslog


class Parameters(Contexts, InDatabase):
    """What modparam sets. Flags on requests are 2.1's way to ask for accounting, do_accounting() is 4.0's; both work
    in either."""

    tm: Any = uses("tm")
    rr: Any = uses("rr", optional=True)

    early_media: bool = param(False, "Account provisional responses with a body too.")
    report_cancels: bool = param(False, "Account CANCEL too.")
    detect_direction: bool = param(
        False, "Swap From and To of requests that go from callee to caller, so that they stand as in the first one of "
               "the dialog; needs rr.")
    failed_transaction_flag: MessageFlag = param(-1, "Flag of requests to be accounted also where they fail.")
    log_flag: MessageFlag = param(-1, "Flag of requests to be accounted in the log.")
    log_missed_flag: MessageFlag = param(-1, "Flag of INVITEs that go to the log as missed calls where they fail; the "
                                             "first missed call takes it away.")
    log_level: Annotated[int, Between(-3, 4)] = param(2, "Log level of accounting lines, -3 (alert) to 4 (debug).")
    log_facility: Annotated[int, Facility()] = param(DAEMON, "Syslog facility of accounting lines.")
    log_extra: Values = param((), "Further values for the log: name=$variable;name=$variable/reply.")
    evi_flag: MessageFlag = param(-1, "Flag of requests to be accounted by an event.")
    evi_missed_flag: MessageFlag = param(-1, "Flag of INVITEs that are told as missed calls by an event where they "
                                             "fail; the first missed call takes it away.")
    evi_extra: Values = param((), "Further parameters of events: name=$variable;name=$variable/reply.")
    multi_leg_info: Avps = param((), "AVPs whose n-th values belong together, to a leg: name=$avp(a);name=$avp(b).")
    acc_created_avp_name: str = param("accX_created", "AVP that holds when the transaction of an INVITE began, for "
                                                      "missed calls, in seconds since 1970.")
    extras: dict[str, list[tuple[str, str]]]
    leg_names: dict[str, list[tuple[str, str]]]
    cdr_flag: int

    def set_up(self) -> None:
        """What must be there before the first modparam."""
        self.extras, self.leg_names = {}, {}

    @param_setter("extra_fields")
    def add_extra_fields(self, fields: Annotated[Fields, FieldsKind()]) -> None:
        """Values $acc_extra(tag) to account, and what a back end calls them: log: tag->name; tag."""
        self.extras.setdefault(fields.place, []).extend(fields.names)

    @param_setter("leg_fields")
    def add_leg_fields(self, fields: Annotated[Fields, FieldsKind()]) -> None:
        """Values $acc_leg(tag) to account for each leg, and what a back end calls them: log: tag->name; tag."""
        self.leg_names.setdefault(fields.place, []).extend(fields.names)

    @property
    def tags(self) -> set[str]:
        """The fields that $acc_extra may name."""
        return {tag for names in self.extras.values() for tag, _ in names}

    @property
    def leg_tags(self) -> set[str]:
        """The fields that $acc_leg may name."""
        return {tag for names in self.leg_names.values() for tag, _ in names}

    def digest(self) -> None:
        """Check what belongs together, and put the flags into masks."""
        if self.detect_direction and self.rr is None:
            raise ConfigError('detect_direction needs module rr: add loadmodule "rr.so"', "acc", "detect_direction")
        self.by_flag = [(1 << flag, int(mark) << place) for flag, mark, place in (
            (self.log_flag, Mark.SUCCESS, LOG), (self.evi_flag, Mark.SUCCESS, EVENTS),
            (self.log_missed_flag, Mark.MISSED, LOG), (self.evi_missed_flag, Mark.MISSED, EVENTS),
            (self.db_flag, Mark.SUCCESS, DATABASE), (self.db_missed_flag, Mark.MISSED, DATABASE),
            *((flag, mark, place) for place in (LOG, EVENTS, DATABASE)
              for flag, mark in ((self.failed_transaction_flag, Mark.FAILED), (self.cdr_flag, Mark.CDR)))) if flag >= 0]
        missed = self.log_missed_flag, self.evi_missed_flag, self.db_missed_flag
        self.missed_flags = sum({1 << flag for flag in missed if flag >= 0})
        self.check_database()

    def marks_by_flags(self, transaction: Transaction) -> int:
        """The marks that the flags of the request mean."""
        flags, marks = transaction.flags, 0
        for bit, mark in self.by_flag:
            if flags & bit:
                marks |= mark
        return marks
