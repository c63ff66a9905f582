"""Values whose meaning has changed from OpenSIPS 2.1 to 4.0, as expressions of SQL."""
from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from opensips_py.db.catalog import FoundColumn, FoundTable
from opensips_py.db.comparing import FAMILIES
from opensips_py.db.creation import Flavour
from opensips_py.db.schema import Column
from opensips_py.db.session import Session
from opensips_py.db.values import FORMAT, as_text

EARLIEST, LATEST = datetime(1970, 1, 2), datetime(2100, 1, 1)  # what a computer's clock has seen, and a little more
SECONDS = {"sqlite": "CAST(strftime('%s', @) AS INTEGER)", "mysql": "TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', @)",
           "postgres": "CAST(EXTRACT(EPOCH FROM @) AS BIGINT)"}  # as if the time were UTC


def converted(session: Session, flavour: Flavour, table: FoundTable, source: FoundColumn | None, target: Column,
              kind: str, flags: Mapping[int, str]) -> tuple[str, str]:
    """The value of *target* as SQL over the columns of *table*, empty where its default does; and what people should
    know of it."""
    if source is None:
        return fill(target), ""
    name = flavour.quoted(source.name)
    if FAMILIES[target.type] == "number" and source.family == "moment":
        return unix_time(session, flavour, table.name, name), ""
    if (kind, target.name) == ("dialog", "script_flags") and source.family == "number":
        return flag_names(session, flavour, table.name, name, flags)
    if FAMILIES[target.type] == "text" and source.family in ("number", "real"):
        return f"CAST({name} AS {'CHAR' if flavour.name == 'mysql' else 'TEXT'})", ""
    if flavour.name == "postgres" and FAMILIES[target.type] == "binary" and source.family == "text":
        return f"convert_to({name}, 'UTF8')", ""
    if flavour.name == "postgres" and FAMILIES[target.type] == "text" and source.family == "binary":
        return f"convert_from({name}, 'UTF8')", ""
    if flavour.name == "postgres" and FAMILIES[target.type] == "number" and source.family == "text":
        return f"CAST({name} AS BIGINT)", ""
    return name, ""


def fill(target: Column) -> str:
    """A value for a column that is new and has no default."""
    if target.null or target.has_default or target.autoincrement:
        return ""
    return {"number": "0", "real": "0", "moment": "'1900-01-01 00:00:01'"}.get(FAMILIES[target.type], "''")


def unix_time(session: Session, flavour: Flavour, table: str, name: str) -> str:
    """Seconds since 1970 of a column with local time, which is this machine's: OpenSIPS writes it that way."""
    first, last = session.query(f"SELECT MIN({name}), MAX({name}) FROM {flavour.quoted(table)}").rows[0]
    seconds = SECONDS[flavour.name].replace("@", name)
    whens = list(offsets(clamped(first), clamped(last)))
    *before, (_, offset) = whens
    shift = str(offset)
    if before:
        cases = " ".join(f"WHEN {name} < '{until:{FORMAT}}' THEN {value}" for until, value in before)
        shift = f"CASE {cases} ELSE {offset} END"
    least = "MAX" if flavour.name == "sqlite" else "GREATEST"
    return f"{least}(COALESCE({seconds} - ({shift}), 0), 0)"


def clamped(value: object) -> datetime:
    """A moment that a driver gave, within what the clock may show."""
    if value is None:
        return EARLIEST
    try:
        found = value if isinstance(value, datetime) else datetime.strptime(as_text(value)[:19], FORMAT)
    except ValueError:
        return EARLIEST
    return min(max(found.replace(tzinfo=None), EARLIEST), LATEST)


def offset_at(local: datetime) -> int:
    """Seconds by which the clock on the wall is ahead of UTC when it shows *local*."""
    return round(calendar.timegm(local.timetuple()) - local.timestamp())


def offsets(first: datetime, last: datetime) -> Iterator[tuple[datetime, int]]:
    """How far ahead of UTC the clock is between *first* and *last*: pairs of (until, seconds)."""
    here, step = first, timedelta(days=1)
    while here < last:
        there = min(here + step, last)
        if offset_at(here) != offset_at(there):
            low, high = here, there
            while high - low > timedelta(seconds=1):
                middle = low + (high - low) / 2
                low, high = (middle, high) if offset_at(middle) == offset_at(here) else (low, middle)
            yield high.replace(microsecond=0), offset_at(here)
        here = there
    yield last, offset_at(last)


def flag_names(session: Session, flavour: Flavour, table: str, name: str, flags: Mapping[int, str]) -> tuple[str, str]:
    """Flags of dialogs: bits in 2.1, which numbers the names of a script as it meets them, and the names in 4.0."""
    found = session.query(f"SELECT COUNT(*) FROM {flavour.quoted(table)} WHERE {name} <> 0").rows[0][0]
    text = "CAST(NULL AS CHAR)" if flavour.name == "mysql" else "CAST(NULL AS TEXT)"
    if flags and flavour.name == "mysql":
        parts = (f"IF({name} & {1 << bit}, '{each}', NULL)" for bit, each in sorted(flags.items()))
        text = f"CONCAT_WS(' ', {', '.join(parts)})"
    elif flags:
        parts = (f"CASE WHEN {name} & {1 << bit} <> 0 THEN '{each} ' ELSE '' END"
                 for bit, each in sorted(flags.items()))
        text = f"TRIM({' || '.join(parts)})"
    if not found or flags:
        return text, ""
    return text, (f"{found} dialogs have flags of the script, which 2.1 numbers and 4.0 names: they are lost unless "
                  "--flags says the names, in the order in which the script of 2.1 has them first")
