"""Time recurrences as OpenSIPS writes them: the fields of RFC 2445 between bars.

zone|dtstart|dtend|duration|freq|until|interval|byday|bymonthday|byyearday|byweekno|bymonth

Where OpenSIPS differs from the RFC, this does as OpenSIPS: a time that has no end lasts for ever, and with *freq* to
the end of its day; *until* bounds the times that match, not only their beginnings; a yearly recurrence with *bymonth*
alone means every day of these months.
"""
from __future__ import annotations

import calendar
import io
import re
import struct
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d))?(Z?)", re.IGNORECASE)
DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.IGNORECASE)
WEEKDAY = re.compile(r"([+-]?\d+)?(MO|TU|WE|TH|FR|SA|SU)", re.IGNORECASE)
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
POSIX_ZONE = re.compile(r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)[+-]?\d.*")
FIELDS = ("zone", "dtstart", "dtend", "duration", "freq", "until", "interval", "byday", "bymonthday", "byyearday",
          "byweekno", "bymonth")
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """One recurrence; times are those of a clock on the wall in *zone* (None: where the server is)."""

    zone: tzinfo | None = None
    start: datetime | None = None  # without one, every time matches
    length: timedelta | None = None
    freq: str = ""
    until: datetime | None = None
    interval: int = 1
    days: tuple[tuple[int, int], ...] = ()  # which one of the month or year (0: each), and weekday from 0
    month_days: tuple[int, ...] = ()
    year_days: tuple[int, ...] = ()
    weeks: tuple[int, ...] = ()
    months: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str, *, zoned: bool = True) -> Recurrence:
        """What *text* means; ValueError where it is malformed. *zoned*: a time zone may stand first, as since 3.2."""
        fields = [each.strip() for each in text.split("|")]
        if not (zoned and (not fields[0] or fields[0][0].isalpha() or fields[0][0] in ":<")):
            fields.insert(0, "")
        if len(fields) > len(FIELDS):
            raise ValueError(f"there are {len(fields)} fields, and {len(FIELDS)} are known")
        if not any(fields):
            raise ValueError("there is nothing in it")
        return built(dict(zip(FIELDS, fields, strict=False)))

    def holds(self, timestamp: float) -> bool:
        """Whether the time *timestamp* (seconds since 1970) belongs to the recurrence."""
        start = self.start
        if start is None:
            return True
        now = datetime.fromtimestamp(timestamp, self.zone).replace(tzinfo=None, microsecond=0)
        if now < start:
            return False
        if not self.freq:
            return self.length is None or now < start + self.length
        if self.until is not None and now > self.until:
            return False
        return self.recurs(now, start)

    def recurs(self, now: datetime, start: datetime) -> bool:
        """Whether *now* is in an occurrence: the latest one that may have begun is looked at first."""
        clock = start - midnight(start.date())
        day = now.date() if midnight(now.date()) + clock <= now else now.date() - DAY
        while day >= start.date():
            begin = midnight(day) + clock
            end = midnight(day + DAY) if self.length is None else begin + self.length
            if now >= end:
                return False  # all others have ended before
            if self.occurs(day):
                return True
            day -= DAY
        return False

    def occurs(self, day: date) -> bool:
        """Whether an occurrence begins on *day*, on or after the first one."""
        return self.in_interval(day) and self.selected(day)

    def in_interval(self, day: date) -> bool:
        """Whether *day* lies in a day, week, month or year that *interval* does not pass over."""
        assert self.start is not None
        first = self.start.date()
        if self.interval == 1:
            return True
        if self.freq == "DAILY":
            passed = (day - first).days
        elif self.freq == "WEEKLY":
            passed = ((day - timedelta(day.weekday())) - (first - timedelta(first.weekday()))).days // 7
        else:
            years = day.year - first.year
            passed = years if self.freq == "YEARLY" else years * 12 + day.month - first.month
        return passed % self.interval == 0

    def selected(self, day: date) -> bool:
        """Whether the lists of days, weeks and months let *day* be, or without any it is the day of the first one."""
        if self.months and day.month not in self.months:
            return False
        if not (self.days or self.month_days or self.year_days or self.weeks):
            return self.like_first(day)
        return (not self.days or self.is_weekday(day)) \
            and (not self.month_days or counted(day.day, month_length(day), self.month_days)) \
            and (not self.year_days or counted(day_of_year(day), year_length(day.year), self.year_days)) \
            and (not self.weeks or counted(*week(day), self.weeks))

    def like_first(self, day: date) -> bool:
        """Whether *day* is in its week, month or year what the first day is in its own."""
        assert self.start is not None
        first = self.start.date()
        if self.freq == "WEEKLY":
            return day.weekday() == first.weekday()
        if self.freq == "MONTHLY":
            return day.day == first.day
        return self.freq == "DAILY" or bool(self.months) or (day.month, day.day) == (first.month, first.day)

    def is_weekday(self, day: date) -> bool:
        """Whether *day* is one of the weekdays, in the month or year that numbers count in."""
        if self.freq == "YEARLY" and not self.months:
            number, length = day_of_year(day), year_length(day.year)
        else:
            number, length = day.day, month_length(day)
        forward, backward = (number - 1) // 7 + 1, -((length - number) // 7 + 1)
        plain = self.freq in ("DAILY", "WEEKLY")  # the RFC knows no numbers there
        return any(weekday == day.weekday() and (plain or which in (0, forward, backward))
                   for which, weekday in self.days)


def built(fields: dict[str, str]) -> Recurrence:
    """The recurrence with these fields."""
    zone = zone_named(fields["zone"]) if fields.get("zone") else None
    start = moment(fields.get("dtstart", ""), zone)
    length = duration(fields["duration"]) if fields.get("duration") else None
    if fields.get("dtend"):
        end = moment(fields["dtend"], zone)
        length = end - start if start is not None and end is not None else None
    freq = fields.get("freq", "").upper()
    if not freq and not any(fields.get(each) for each in FIELDS[FIELDS.index("until"):]):
        return Recurrence(zone, start, length)
    if freq not in FREQUENCIES:
        malformed("freq", freq)
    interval = numbers("interval", fields.get("interval", "") or "1", 1, 1 << 31)[0]
    if interval < 1:
        malformed("interval", fields["interval"])
    return Recurrence(
        zone, start, length, freq, moment(fields.get("until", ""), zone), interval, weekdays(fields.get("byday", "")),
        numbers("bymonthday", fields.get("bymonthday", ""), 1, 31),
        numbers("byyearday", fields.get("byyearday", ""), 1, 366),
        numbers("byweekno", fields.get("byweekno", ""), 1, 53), numbers("bymonth", fields.get("bymonth", ""), 1, 12))


def malformed(field: str, value: str) -> NoReturn:
    """Refuse *value*."""
    raise ValueError(f"{field} cannot be {value!r}")


def zone_named(name: str) -> tzinfo:
    """A time zone by its name, or as POSIX writes one (UTC-2, CET-1CEST,M3.5.0,M10.5.0/3)."""
    name = name.removeprefix(":")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        pass
    if not POSIX_ZONE.fullmatch(name):
        malformed("zone", name)
    # A file without transitions, whose last line says what holds after them (RFC 8536, 3.3).
    empty = struct.pack(">4sc15x6l", b"TZif", b"2", 0, 0, 0, 0, 1, 1) + bytes(7)
    try:
        return ZoneInfo.from_file(io.BytesIO(empty + empty + b"\n" + name.encode() + b"\n"), name)
    except ValueError:
        malformed("zone", name)


def moment(text: str, zone: tzinfo | None) -> datetime | None:
    """A date and time on the wall of *zone*; None where there is none. A day or second too many counts on."""
    if not text:
        return None
    found = MOMENT.fullmatch(text)
    if found is None:
        malformed("time", text)
    year, month, day, hour, minute, second = (int(each or 0) for each in found.groups()[:6])
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour <= 24 and minute <= 59 and second <= 60):
        malformed("time", text)
    value = datetime(year, month, 1) + timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second)
    if found[7]:
        return value.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None)
    return value


def duration(text: str) -> timedelta:
    """A duration, such as P1DT12H."""
    found = DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        malformed("duration", text)
    weeks, days, hours, minutes, seconds = (int(each or 0) for each in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)


def numbers(field: str, text: str, least: int, most: int) -> tuple[int, ...]:
    """A list of numbers, those below zero counted from the end."""
    found = []
    for each in text.split(",") if text else ():
        try:
            value = int(each)
        except ValueError:
            malformed(field, each)
        if not least <= abs(value) <= most:
            malformed(field, each)
        found.append(value)
    return tuple(found)


def weekdays(text: str) -> tuple[tuple[int, int], ...]:
    """A list of weekdays, such as MO,+1FR,-1SU."""
    found = []
    for each in text.split(",") if text else ():
        match = WEEKDAY.fullmatch(each.strip())
        if match is None or (match[1] and not 1 <= abs(int(match[1])) <= 53):
            malformed("byday", each)
        found.append((int(match[1] or 0), WEEKDAYS.index(match[2].upper())))
    return tuple(found)


def midnight(day: date) -> datetime:
    """When *day* begins."""
    return datetime(day.year, day.month, day.day)


def month_length(day: date) -> int:
    """Days of the month that *day* is in."""
    return calendar.monthrange(day.year, day.month)[1]


def year_length(year: int) -> int:
    """Days of *year*."""
    return 366 if calendar.isleap(year) else 365


def day_of_year(day: date) -> int:
    """The number of *day* in its year, from 1."""
    return day.timetuple().tm_yday


def week(day: date) -> tuple[int, int]:
    """The number of the week that *day* is in (ISO 8601), and how many there are in the year of that week."""
    year, number, _ = day.isocalendar()
    return number, date(year, 12, 28).isocalendar()[1]


def counted(number: int, length: int, wanted: tuple[int, ...]) -> bool:
    """Whether *number* of *length* is one of those wanted, counted from either end."""
    return number in wanted or number - length - 1 in wanted
