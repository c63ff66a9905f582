"""Times: recurrences, differences, the exact time."""
from __future__ import annotations

import time

import pytest

from tests.modules.bench import Bench, options, variables

NOW = 1591357895  # Friday, 5 June 2020, 11:51:35 UTC


@pytest.fixture(autouse=True)
def june(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: NOW + 0.5)
    monkeypatch.setattr(time, "time_ns", lambda: NOW * 10**9 + 45_678)


def code(call, dialect="4.0", before=""):
    found = variables(f"{before} {call}; $var(rc) = $rc;", "cfgutils", dialect=dialect)
    return found["rc"]


@pytest.mark.parametrize(("text", "expected"), [
    ("UTC|20200605T115135|20200605T115136", 1), ("UTC|20200605T115136", -1), ("UTC|2020", -2), ("Mars|20200101", -2),
    ("Europe/Bucharest|20190723T070000||PT8H|WEEKLY|||MO,TU,WE,TH,FR", 1),
    ("!Europe/Bucharest|20190723T070000||PT8H|WEEKLY|||MO,TU,WE,TH,FR", -1), ("", -1), ("(", -2)])
def test_recurrences(text, expected):
    assert code(f'check_time_rec("{text}")') == expected
    assert code("check_time_rec($var(t))", before=f'$var(t) = "{text}";') == expected


@pytest.mark.parametrize(("text", "expected"), [
    ("20200101T000000|20200701T000000", 1), ("20200101T000000|20200201T000000", -1), ("20200501T000000||p60d", 1),
    ("20200501T000000||p3d", -1), ("20190101T000000||P1D|WEEKLY|||FR", None), ("UTC|20200101T000000", -2), ("x", -2)])
def test_old_recurrences_have_no_zone(text, expected):
    found = code(f'check_time_rec("{text}")', "2.1")
    assert found == expected or (expected is None and found in (1, -1))


@pytest.mark.parametrize(("at", "expected"), [(1577836800, 1), (1577836799, -1), (10**18, -3)])
def test_another_time_than_now(at, expected):
    assert code(f'$var(at) = "{at}"; check_time_rec("UTC|20200101T000000", $var(at))') == expected


def test_difference_as_text_and_number():
    body = ('ts_usec_delta($var(s), 300, 10, $var(u), $var(text), $var(number)); ts_usec_delta(10, 0, 12, 1, $var(b)); '
            'ts_usec_delta(1, 2, 1, 5, , $var(c));')
    found = variables(f"$var(s) = 12; $var(u) = 200; {body}", "cfgutils")
    assert (found["text"], found["number"], found["b"], found["c"]) == ("2000100", 2000100, "2000001", 3)


def test_a_difference_that_is_no_number_of_scripts():
    found = variables('if (!ts_usec_delta(0, 0, 2148, 0, $var(text), $var(number))) $var(no) = 1; '
                      'if (ts_usec_delta(0, 0, 2148, 0, $var(again))) $var(yes) = 1;', "cfgutils")
    assert found == {"text": "2148000000", "no": 1, "again": "2148000000", "yes": 1}


def test_difference_as_old_scripts_ask_for_it():
    body = '$avp(a) = 10; $avp(b) = "300"; ts_usec_delta("$avp(a)", "$avp(b)", "11", "100", "$avp(r)");'
    bench = Bench("cfgutils", f"{body} $var(r) = $avp(r);", dialect="2.1")
    assert bench.run_on(bench.message(options())).variables == {"r": 999_800}


def test_exact_time():
    found = variables("get_accurate_time($var(s), $var(u)); get_accurate_time($var(a), $var(b), $var(t));", "cfgutils")
    assert found == {"s": NOW, "u": 45, "a": NOW, "b": 45, "t": f"{NOW}.000045"}
