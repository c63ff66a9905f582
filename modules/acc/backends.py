"""Where records go: the log, and events."""
from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from opensips_py.module import Event
from opensips_py.modules.acc.records import MISSED, Record

if TYPE_CHECKING:
    from opensips_py.module.services import Services
    from opensips_py.modules.acc.records import Named

LEVELS = {-3: 60, -2: logging.CRITICAL, -1: logging.ERROR, 0: logging.WARNING, 1: logging.WARNING, 2: 25,
          3: logging.INFO, 4: logging.DEBUG}


class E_ACC_EVENT(Event):
    """A request was answered: with a 2xx, or with a failure where failures are to be told too."""

    method: str
    from_tag: str
    to_tag: str
    callid: str
    sip_code: str
    sip_reason: str
    time: int


class E_ACC_MISSED_EVENT(Event):
    """A call was not accepted by the target that it was sent to."""

    method: str
    from_tag: str
    to_tag: str
    callid: str
    sip_code: str
    sip_reason: str
    time: int
    created: int
    setuptime: int


def line(record: Record, extras: Named, legs: list[Named]) -> str:
    """A record as the log has it."""
    call = [("created", record.created), ("setuptime", record.setup)] if record.missed else []
    basics = [("method", record.method), ("from_tag", record.from_tag), ("to_tag", record.to_tag),
              ("call_id", record.call_id), ("code", record.code), ("reason", record.reason)]
    parts = [("timestamp", record.time), *call, *basics, *extras, *(each for leg in legs for each in leg)]
    text = ";".join(f"{name}={'' if value is None else value}" for name, value in parts)
    # A folded header value must not make a second line, which could be forged.
    return f"ACC: {record.what}: {text}".replace("\r", " ").replace("\n", " ")


def tell(services: Services, record: Record, extras: Named, legs: list[Named]) -> None:
    """Raise an event for each leg of a record, or one where there are no legs."""
    missed = record.what == MISSED or not success(record.code)
    event = E_ACC_MISSED_EVENT if missed else E_ACC_EVENT
    if not services.events.is_heard(event.event_name):
        return
    head: dict[str, Any] = {
        "method": record.method, "from_tag": record.from_tag, "to_tag": record.to_tag, "callid": record.call_id,
        "sip_code": record.code, "sip_reason": record.reason, "time": record.time}
    tail = {"created": record.created, "setuptime": record.setup} if missed else {}
    for leg in legs or [[]]:
        more = {name: "" if value is None else value for name, value in [*extras, *leg]}
        services.events.raise_event(event.event_name, {**head, **more, **tail})


def success(code: str) -> bool:
    """Whether a status code tells of success."""
    return code.isdecimal() and int(code) < 300
