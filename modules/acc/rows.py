"""Records as rows of tables."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from opensips_py.db import timestamp

if TYPE_CHECKING:
    from opensips_py.db.catalog import FoundColumn
    from opensips_py.modules.acc.accounts import Value
    from opensips_py.modules.acc.records import Named, Record

OWN = ("duration", "ms_duration", "setuptime", "created")  # columns that a table may do without


class Moment(int):
    """Seconds since 1970, for a column that holds a date and time."""


Row = tuple[tuple[str, Any], ...]  # columns and values in order


def clean(value: Value) -> Value:
    """A value that every database takes: what came in a message may be no UTF-8, or hold a zero byte."""
    if not isinstance(value, str):
        return value
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\0", "")


def basics(record: Record, names: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """What every row has; *names* are the columns."""
    yield names["method"], record.method
    yield names["from_tag"], record.from_tag
    yield names["to_tag"], record.to_tag
    yield names["callid"], record.call_id
    yield names["sip_code"], record.code
    yield names["sip_reason"], record.reason
    yield names["time"], Moment(record.time)


def rows(record: Record, names: Mapping[str, str], extras: Named, legs: list[Named], times: Named) -> Iterator[Row]:
    """A row for each leg of a record, or one where there are no legs."""
    for leg in legs or [[]]:
        found: dict[str, Any] = {}
        for name, value in (*basics(record, names), *extras, *leg, *times):
            found[name] = "" if value is None else value if isinstance(value, Moment) else clean(value)
        yield tuple(found.items())


def plain(row: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """A row as drivers take it."""
    return {name: timestamp(value) if isinstance(value, Moment) else value for name, value in row}


def fitted(row: Row, columns: Mapping[str, FoundColumn], missing: set[str]) -> dict[str, Any]:
    """A row as a table with these *columns* takes it: texts not too long, no column that is not there. Those which the
    script wants are noted as *missing*."""
    found = {}
    for name, value in plain(row).items():
        column = columns.get(name.lower())
        if column is None:
            if name not in OWN:
                missing.add(name)
        elif value is not None or column.null:
            found[column.name] = fit(value, column)
        elif not column.has_default:
            found[column.name] = "" if column.family == "text" else 0
    return found


def fit(value: Any, column: FoundColumn) -> Any:
    """A value that a column takes."""
    if column.family == "text" and isinstance(value, (int, str)):
        text = str(value)
        return text[:column.size] if column.size else text
    if column.family in ("number", "real") and isinstance(value, str):
        try:
            return int(value) if column.family == "number" else float(value)
        except ValueError:
            return None if column.null else 0
    return value
