"""Time recurrences, held against the rules of RFC 2445 as python-dateutil knows them."""
from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from dateutil import rrule
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from opensips_py.module.recurrence import WEEKDAYS, Recurrence

NOW = 1591357895  # Friday, 5 June 2020, 11:51:35 UTC
DAYS = 800  # that are compared
ROMANIA, ZEALAND = "Europe/Bucharest", "Pacific/Auckland"  # where it is 14:51:35 and 23:51:35 then


def holds(text: str, timestamp: float = NOW, **options: Any) -> bool:
    return Recurrence.parse(text, **options).holds(timestamp)


@pytest.fixture
def chihuahua(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server where the clock says 05:51:35."""
    monkeypatch.setenv("TZ", "America/Chihuahua")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("text", "expected"), [
    ("UTC|20200605T115135", 1), ("UTC|20200605T115136", 0),
    ("UTC|20200605T115135|20200605T230000", 1), ("UTC|20200605T115136|20200605T230000", 0),
    ("UTC|20200101T000000|20200605T115135", 0), ("UTC|20200101T000000|20200605T115136", 1),
    (f"{ROMANIA}|20200605T145135|20200605T230000", 1), (f"{ROMANIA}|20200605T145136|20200605T230000", 0),
    (f"{ZEALAND}|20200605T235135|20200605T235960", 1), (f"{ZEALAND}|20200101T000000|20200605T235135", 0),
    ("UTC||20200605T115136", 1), ("UTC|20200601T000000||p4dT12h", 1), ("UTC|20200601T000000||P4D", 0),
    ("UTC|20200529T115136||P1W", 1), ("UTC|20200529T115135||P1W", 0), ("UTC|20200605", 1), ("UTC|20200606", 0),
    ("UTC|20200605T115035||PT1M", 0), ("UTC|20200605T115035||PT1M1S", 1),
    (f"{ROMANIA}|20200605T115135Z|20200605T115136Z", 1), (f"{ROMANIA}|20200605T145135Z", 0),
])
def test_without_a_frequency(text: str, expected: int) -> None:
    assert holds(text) is bool(expected)


@pytest.mark.parametrize(("text", "expected"), [
    ("20200605T055135|20200605T230000", 1), ("20200605T055136|20200605T230000", 0),
    ("|20200101T000000|20200605T055135", 0), ("|20200101T000000|20200605T055136", 1),
    ("19990101T055100|19990101T055135||DAILY", 0), ("19990101T055100|19990101T055136||DAILY", 1),
    ("UTC+12|19700101T000000|||YEARLY|||||156", 1), ("UTC+12|19700101T000000|||YEARLY|||||157", 0),
    ("UTC-13|19700101T000000|||YEARLY|||||158", 1), ("CET-1CEST,M3.5.0,M10.5.0/3|20200605T135135", 1),
    ("CET-1CEST,M3.5.0,M10.5.0/3|20200605T135136", 0),
])
def test_clocks(text: str, expected: int, chihuahua: None) -> None:
    assert holds(text) is bool(expected)


@pytest.mark.parametrize(("text", "expected"), [
    # shorter than their day, week, month or year, and longer
    ("19990101T000000|19990101T145135||DAILY", 0), ("19990101T000000|19990101T145136||DAILY", 1),
    ("19981231T145136|19990101T145135||DAILY", 0), ("19981231T145137|19990101T145136||DAILY", 1),
    ("19981230T235959|19990101T145135||DAILY", 1), ("19981220T235959|19990101T145135||WEEKLY", 1),
    ("19981231T235959|19990101T145135||WEEKLY", 0), ("20200111T145134|20200111T145136||WEEKLY", 0),
    ("20200109T145136|20200116T145135||WEEKLY", 1), ("20200110T145136|20200117T145135||WEEKLY", 0),
    ("20200112T235959|20200118T145135||WEEKLY", 1), ("20200112T235959|20200117T145135||WEEKLY", 0),
    ("19981120T235959|19990101T145135||MONTHLY", 1), ("19981210T235959|19990101T145135||MONTHLY", 0),
    ("20200101T235959|20200105T145136||MONTHLY", 1), ("20200101T235959|20200105T145135||MONTHLY", 0),
    ("19971131T235959|19990101T145135||YEARLY", 1), ("19981101T235959|19990101T145135||YEARLY", 0),
    ("19990607T235959|20000605T145136||YEARLY", 1), ("19990607T235959|20000605T145135||YEARLY", 0),
    # over midnight
    ("20200601T220000||PT17H|DAILY", 1), ("20200601T220000||PT16H|DAILY", 0), ("20200604T220000||PT17H|WEEKLY", 1),
    ("20200603T220000||PT17H|WEEKLY", 0), ("20200606T140000||PT2H|DAILY", 0),
    # without an end: the rest of the day
    ("19700101T145135|||YEARLY|||||157", 1), ("19700101T145136|||YEARLY|||||157", 0),
    # the last moment that matches
    ("20200101T000000|||YEARLY|20200605T145134||||157", 0), ("20200101T000000|||YEARLY|20200605T145135||||157", 1),
    # all days of a month
    ("19700101T000000|||YEARLY|||||||5", 0), ("19700101T000000|||YEARLY|||||||6", 1),
    ("20200605T000000|||DAILY||2", 1), ("20200604T000000|||DAILY||2", 0), ("20200602T000000|||WEEKLY||2|FR", 1),
    ("20200526T000000|||WEEKLY||2|FR", 0), ("20200405T000000|||MONTHLY||2", 1), ("20200505T000000|||MONTHLY||2", 0),
    ("20180605T000000|||YEARLY||2", 1), ("20170605T000000|||YEARLY||2", 0),
])
def test_frequencies(text: str, expected: int) -> None:
    assert holds(f"{ROMANIA}|{text}") is bool(expected)


@pytest.mark.parametrize("text", [
    "", "|", "foobar", "UTC|2020", "UTC|20201301T000000", "UTC|20200132T000000", "UTC|20200101T250000",
    "|20200605T115135|p30d", "UTC|20200101T000000||30d", "UTC|20200101T000000||P", "Mars/Olympus|20200101T000000",
    "UTC|20200101T000000|||HOURLY", "UTC|20200101T000000|||DAILY||0", "UTC|20200101T000000|||DAILY||x",
    "UTC|20200101T000000|||WEEKLY|||MX", "UTC|20200101T000000|||MONTHLY|||+0MO", "UTC|20200101T000000|||MONTHLY||||32",
    "UTC|20200101T000000|||YEARLY|||||0", "UTC|20200101T000000|||YEARLY||||||54",
    "UTC|20200101T000000|||YEARLY|||||||13", "UTC|20200101T000000|||YEARLY|||||||1|2",
    "../zone|20200101T000000", "UTC0,M1|20200101T000000",
])
def test_malformed_ones_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Recurrence.parse(text)


def test_old_ones_know_no_zone() -> None:
    assert holds("|20200605T115136", zoned=False)  # a dtend without a dtstart: it always holds
    with pytest.raises(ValueError):
        Recurrence.parse("UTC|20200605T115136", zoned=False)


def lists(*values: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.sampled_from([*values, *(-each for each in values)]), max_size=3, unique=True)


RULES = st.fixed_dictionaries({
    "freq": st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    "start": st.dates(date(2019, 1, 1), date(2021, 12, 31)), "interval": st.sampled_from([1, 1, 1, 2, 3]),
    "plain": st.lists(st.integers(0, 6), max_size=3, unique=True),
    "numbered": st.lists(st.tuples(st.sampled_from([1, 2, 4, 5, -1, -2, -5]), st.integers(0, 6)), max_size=2,
                         unique=True),
    "bymonthday": lists(1, 5, 15, 29, 31), "byyearday": lists(1, 32, 60, 200, 366), "byweekno": lists(1, 5, 30),
    "bymonth": st.lists(st.integers(1, 12), max_size=3, unique=True), "keep": st.integers(0, 31),
})


@pytest.mark.parametrize(("day", "week", "expected"), [
    ("20210101", 53, 1), ("20210101", 1, 0), ("20210101", -1, 1), ("20220101", 52, 1), ("20220101", 53, 0),
    ("20220101", -1, 1), ("20201231", 53, 1), ("20201231", -1, 1), ("20201231", -2, 0), ("20191231", 1, 1),
])
def test_weeks_over_new_year_are_those_of_iso(day: str, week: int, expected: int) -> None:
    """dateutil counts the weeks of the year before by the length of the next one, so it is not asked here."""
    at = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp()
    assert holds(f"UTC|20190101T000000|||YEARLY||||||{week}", at) is bool(expected)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(RULES)
def test_days_are_those_of_the_rfc(rule: dict[str, Any]) -> None:
    fields = chosen(rule)
    ours = Recurrence.parse("|".join([
        "UTC", f"{rule['start']:%Y%m%d}T090000", "", "PT1H", rule["freq"], "", str(rule["interval"]),
        ",".join(f"{number or ''}{WEEKDAYS[day]}" for number, day in fields["byday"]),
        *(",".join(map(str, fields[name])) for name in ("bymonthday", "byyearday", "byweekno", "bymonth"))]))
    begin = datetime.combine(rule["start"], datetime.min.time()).replace(hour=9)
    end = begin + timedelta(days=DAYS - 1)
    days = [each for each in (rule["start"] + timedelta(days=number) for number in range(DAYS)) if ours.occurs(each)]
    assume(days)  # dateutil looks for a rule that fits no day until the year 9999
    theirs = [each.date() for each in rrule_of(rule, fields, begin, end)]
    assert days == theirs
    for each in theirs[:3]:
        at = datetime.combine(each, datetime.min.time(), UTC).timestamp()
        assert [ours.holds(at + offset) for offset in (9 * 3600, 10 * 3600 - 1, 10 * 3600)] == [True, True, False]


def chosen(rule: dict[str, Any]) -> dict[str, Any]:
    """Some of the lists: all at once would leave hardly a day. Numbers of weekdays and plain ones are not mixed, for
    dateutil takes the days that are both."""
    numbered = rule["numbered"] if rule["freq"] in ("MONTHLY", "YEARLY") else []
    byday = numbered if rule["keep"] & 1 else [(0, day) for day in rule["plain"]]
    kept = {"byday": byday if rule["keep"] & 2 else []}
    for bit, name in ((4, "bymonthday"), (8, "byyearday"), (16, "byweekno")):
        kept[name] = rule[name] if rule["keep"] & bit else []
    return {**kept, "bymonth": rule["bymonth"]}


def rrule_of(rule: dict[str, Any], fields: dict[str, Any], begin: datetime, end: datetime) -> rrule.rrule:
    """The same rule as dateutil has it."""
    monthdays = fields["bymonthday"]
    if rule["freq"] == "YEARLY" and fields["bymonth"] and not any(
            fields[name] for name in ("byday", "bymonthday", "byyearday", "byweekno")):
        monthdays = list(range(1, 32))  # as OpenSIPS has it, all days of these months
    days = [rrule.weekday(day, number or None) for number, day in fields["byday"]]
    return rrule.rrule(
        getattr(rrule, rule["freq"]), dtstart=begin, until=end, interval=rule["interval"], byweekday=days or None,
        bymonthday=monthdays or None, byyearday=fields["byyearday"] or None, byweekno=fields["byweekno"] or None,
        bymonth=fields["bymonth"] or None)


@pytest.mark.parametrize("text", [
    "20200101T000000|20300101T000000|WEEKLY|||MO,TU", "20200101T000000||||WEEKLY|||SA", "20200101T000000|||||2"])
def test_what_stands_in_the_wrong_field_is_refused(text):
    with pytest.raises(ValueError, match="cannot be"):
        Recurrence.parse(text)
