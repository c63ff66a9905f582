"""Accounting by events."""
from __future__ import annotations

import pytest

from tests.modules.books import START, Books

EVI = """
    modparam("acc", "evi_flag", "EVI") modparam("acc", "evi_missed_flag", "MISSED")
    modparam("acc", "failed_transaction_flag", "FAILED") modparam("acc", "evi_extra", "ua=$hdr(User-Agent);n=$cs")
    modparam("acc", "multi_leg_info", "leg=$avp(leg)")
"""
HEAD = {"method": "INVITE", "from_tag": "a1", "to_tag": "b1", "callid": "call-1", "sip_code": "200",
        "sip_reason": "Whatever", "time": START}


def names(books: Books) -> list[str]:
    return [name for name, _ in books.told]


def test_an_event_for_each_leg():
    books = Books('setflag(EVI); $avp(leg) = "a"; $avp(leg) = "b"; t_relay();', EVI, dialect="2.1")
    books.call(200)
    assert books.told == [("E_ACC_EVENT", {**HEAD, "ua": "", "n": "1", "leg": leg}) for leg in ("b", "a")]
    assert books.lines == []


def test_a_missed_call_by_flag_tells_its_times_last():
    books = Books("setflag(MISSED); t_relay();", EVI, dialect="2.1")
    books.call(180)
    books.wall += 3
    books.answer(480)
    assert [(name, list(values.items())[-5:]) for name, values in books.told] == [("E_ACC_MISSED_EVENT", [
        ("ua", ""), ("n", "1"), ("leg", ""), ("setuptime", 3), ("created", START)])]


@pytest.mark.parametrize(("flags", "status", "events"), [
    ("", 200, ["E_ACC_EVENT"]), ("", 404, []), ("failed", 404, ["E_ACC_EVENT"]),
    ("missed", 404, ["E_ACC_MISSED_EVENT"]), ("missed|failed", 404, ["E_ACC_MISSED_EVENT", "E_ACC_EVENT"])])
def test_events_by_function(flags, status, events):
    books = Books(f'do_accounting("evi", "{flags}"); t_relay();')
    books.call(status)
    assert names(books) == events


def test_both_back_ends_with_fields_of_their_own():
    books = Books('do_accounting("log|evi"); $acc_extra(a) = 1; $acc_extra(b) = "2"; $acc_leg(l) = "x"; t_relay();', """
        modparam("acc", "extra_fields", "a->A;b") modparam("acc", "extra_fields", "log: b->B")
        modparam("acc", "leg_fields", "evi: l")""")
    books.call(200)
    assert books.told == [("E_ACC_EVENT", {**HEAD, "A": 1, "b": "2", "l": "x"})]
    assert books.lines[0].endswith(";reason=Whatever;B=2")


@pytest.mark.parametrize(("comment", "event"), [
    ("200 Fine", "E_ACC_EVENT"), ("404 Nobody", "E_ACC_MISSED_EVENT"), ("Nobody", "E_ACC_MISSED_EVENT")])
def test_a_request_is_told_at_once(comment, event):
    books = Books(f'acc_evi_request("{comment}"); $var(rc) = $rc;')
    books.call(method="OPTIONS")
    assert names(books) == [event] and books.runs[0].variables == {"rc": 1}
    assert books.told[0][1]["sip_reason"] == comment.rpartition(" ")[2] and books.lines == []


def test_events_nobody_hears_are_not_made():
    books = Books('do_accounting("evi"); t_relay();')
    books.events._routed = lambda name: False
    books.call(200)
    assert books.told == []
