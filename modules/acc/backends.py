"""Where records go: the log, and events."""
from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from opensips_py.module import Event
from opensips_py.modules.acc.records import ANSWERED, Record

if TYPE_CHECKING:
    from opensips_py.module.declare import Dialect
    from opensips_py.modules.acc.accounts import Value
    from opensips_py.modules.acc.records import Named

LEVELS = {-3: 60, -2: logging.CRITICAL, -1: logging.ERROR, 0: logging.WARNING, 1: logging.WARNING, 2: 25,
          3: logging.INFO, 4: logging.DEBUG}


TIMES = ("duration", "ms_duration", "setuptime", "created")


class Extended:
    """An event with parameters that the configuration adds; times of the call stand behind them."""

    more: Mapping[str, Value] = {}

    def values(self) -> dict[str, Any]:
        """Parameters by name."""
        own: dict[str, Any] = super().values()  # type: ignore[misc]
        times: dict[str, Any] = {name: own.pop(name) for name in TIMES if name in own}
        return {**own, **self.more, **times}


class Accounted(Extended, Event):
    """What all these events tell first."""

    method: str
    from_tag: str
    to_tag: str
    callid: str
    sip_code: str
    sip_reason: str
    time: int


class E_ACC_EVENT(Accounted):
    """A request was answered: with a 2xx, or with a failure where failures are to be told too."""


class E_ACC_MISSED_EVENT(Accounted):
    """A call was not accepted by the target that it was sent to."""

    created: int
    setuptime: int


class E_ACC_CDR(Accounted):
    """A call that was answered is over. The time is when it was answered, created when its INVITE came."""

    duration: int
    ms_duration: int | None
    setuptime: int
    created: int


def line(record: Record, extras: Named, legs: list[Named], dialect: Dialect = "4.0") -> str:
    """A record as the log has it."""
    call: Named = []
    if record.missed or (dialect == "4.0" and record.what == ANSWERED):
        call = [("created", record.created), ("setuptime", record.setup)]
    if record.whole:
        lasted: Named = [("duration", record.duration), ("ms_duration", record.milliseconds)]
        call = [("created", record.created), ("call_start_time", record.time), *lasted[:1 if dialect == "2.1" else 2],
                ("setuptime", record.setup)]
    basics = [("method", record.method), ("from_tag", record.from_tag), ("to_tag", record.to_tag),
              ("call_id", record.call_id), ("code", record.code), ("reason", record.reason)]
    head: Named = [] if record.whole else [("timestamp", record.time)]
    parts = [*head, *call, *basics, *extras, *(each for leg in legs for each in leg)]
    text = ";".join(f"{name}={'' if value is None else value}" for name, value in parts)
    # A folded header value must not make a second line, which could be forged.
    return f"ACC: {record.what}: {text}".replace("\r", " ").replace("\n", " ")


def events(record: Record, extras: Named, legs: list[Named], dialect: Dialect = "4.0") -> Iterator[Event]:
    """An event for each leg of a record, or one where there are no legs."""
    head = (record.method, record.from_tag, record.to_tag, record.call_id, record.code, record.reason, record.time)
    for leg in legs or [[]]:
        event: E_ACC_CDR | E_ACC_EVENT | E_ACC_MISSED_EVENT
        if record.whole:
            milliseconds = record.milliseconds if dialect == "4.0" else None
            event = E_ACC_CDR(*head, record.duration, milliseconds, record.setup, record.created)
        elif record.is_missed:
            event = E_ACC_MISSED_EVENT(*head, record.created, record.setup)
        else:
            event = E_ACC_EVENT(*head)
        event.more = {name: "" if value is None else value for name, value in [*extras, *leg]}
        yield event
