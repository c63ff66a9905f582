"""Accounting records as the log has them."""
from __future__ import annotations

MARK = "ACC: "


def record_of(line: str) -> dict[str, str] | None:
    """The record in a line of the log, its kind as `what`; None where the line is no record."""
    _, mark, text = line.partition(MARK)
    if not mark:
        return None
    what, _, fields = text.partition(": ")
    record = {"what": what}
    for each in fields.split(";"):
        name, _, value = each.partition("=")
        if name:
            record[name] = value
    return record
