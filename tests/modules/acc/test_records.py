"""What a record says: further values, legs, directions; how the log has it."""
from __future__ import annotations

import pytest

from opensips_py.errors import ConfigError
from opensips_py.module.registry import Registry
from opensips_py.modules.acc.records import swapped
from opensips_py.sip import Response, address_key, parse, scan
from tests.modules.books import Books, fields

LOG = 'modparam("acc", "log_flag", "LOG") modparam("acc", "log_missed_flag", "MISSED")'


def books_21(extra: str, body: str = "setflag(LOG); t_relay();", parameter: str = "log_extra", **how) -> Books:
    return Books(body, f'{LOG} modparam("acc", "{parameter}", "{extra}")', dialect="2.1", **how)


def extras(line: str) -> str:
    return line.partition(";reason=Whatever")[2]


def test_extra_values_of_request_and_response_in_order():
    books = books_21("ua=$hdr(User-Agent); srv=$hdr(Server)/reply;code=$rs/reply;ft=$ft ;none=$hdr(X);"
                     "x=$(fu{uri.host})")
    books.call(headers="User-Agent: Phone; 1.0\r\n")
    books.answer(200, headers="Server: B2B\r\n")
    assert extras(books.lines[0]) == ";ua=Phone; 1.0;srv=B2B;code=200;ft=a1;none=;x=example.com"


def test_extra_values_may_hold_semicolons_of_their_own():
    books = books_21("p=$(hdr(X){s.select,0,;});q=$(hdr(X){param.value,b})")
    books.call(200, headers="X: a;b=2\r\n")
    assert extras(books.lines[0]) == ";p=a;q=2"


def test_extra_values_are_read_when_the_answer_leaves():
    books = books_21("a=$avp(a);u=$ru;c=$T_reply_code;r=$(<reply>hdr(Server))",
                     'setflag(LOG); $avp(a) = "early"; t_on_reply("r"); append_branch("sip:bob@10.0.0.2"); t_relay();',
                     routes='onreply_route[r] { if ($rs == 200) $avp(a) := "late"; }')
    books.acc.services.module("tm").onreply_avp_mode = 1
    books.call()
    books.answer(200, 1, headers="Server: B2B\r\n")
    assert extras(books.lines[0]) == ";a=late;u=sip:bob@10.0.0.2;c=200;r=B2B"
    assert books.runs[0].message.uri == "sip:bob@192.0.2.2"


def test_missed_call_shows_the_target_that_failed():
    books = books_21("u=$ru;c=$T_reply_code;r=$rs/reply",
                     'setflag(MISSED); append_branch("sip:bob@10.0.0.2"); t_relay();')
    books.call()
    books.answer(500, 0)
    books.answer(486, 1)
    assert extras(books.lines[0]) == ";u=sip:bob@10.0.0.2;c=486;r=486"


def test_extras_of_our_own_answer():
    books = books_21("t=$tt/reply;b=$rb/reply",
                     'setflag(LOG); t_newtran(); t_reply_with_body("200", "Whatever", "v=0");')
    books.call(method="OPTIONS")
    assert extras(books.lines[0]) == f";t={books.sent[-1].to_tag};b=v=0"


@pytest.mark.parametrize(("avps", "expected"), [
    ("", ";src=;dst="), ('$avp(s) = "a"; $avp(d) = "b"; $avp(s) = "b"; $avp(d) = "c";', ";src=b;dst=c;src=a;dst=b"),
    ('$avp(s) = "a"; $avp(s) = "b"; $avp(d) = 7;', ";src=b;dst=7;src=a;dst=")])
def test_legs_are_the_values_of_avps(avps, expected):
    books = books_21("src=$avp(s:s);dst=$avp(d)", f"setflag(LOG); {avps} t_relay();", "multi_leg_info")
    books.call(200)
    assert extras(books.lines[0]) == expected


FIELDS = ('modparam("acc", "extra_fields", "log: a -> My_a ; b") modparam("acc", "extra_fields", "evi: a->A")'
          'modparam("acc", "extra_fields", "log:c") modparam("acc", "leg_fields", "log: caller; callee->to")')


def test_fields_are_assigned_along_the_transaction():
    books = Books('do_accounting("log"); $acc_extra(a) = $si; t_on_reply("r"); t_relay();', FIELDS, routes="""
        onreply_route[r] { if ($rs == 200) { $acc_extra(c) = $rs; $acc_leg(callee) = $acc_extra(a) + "!"; } }""")
    books.call(180, 200)
    assert extras(books.lines[0]) == ";My_a=192.0.2.1;b=;c=200;caller=;to=192.0.2.1!"


def test_fields_before_and_without_accounting():
    books = Books('$acc_extra(b) = "x"; acc_log_request("404 Whatever"); do_accounting("log"); t_relay();', FIELDS)
    books.call(200)
    assert [extras(each) for each in books.lines] == [";My_a=;b=x;c=", ";My_a=;b=x;c=;caller=;to="]


def test_each_leg_has_its_values():
    books = Books("""
        do_accounting("log"); $acc_leg(caller) = "A"; $acc_leg(callee) = "B"; $var(first) = $acc_current_leg;
        acc_new_leg(); $var(new) = $rc; $var(fresh) = $acc_leg(caller);
        $acc_leg(caller) = $(acc_leg(callee)[-2]); $acc_leg(callee) = "C"; $var(second) = $acc_current_leg;
        $(acc_leg(caller)[0]) = "AA"; $(acc_leg(caller)[5]) = "lost"; $var(zero) = $(acc_leg(caller)[0]); t_relay();""",
                  FIELDS)
    books.call(200)
    assert books.runs[0].variables == {"first": 0, "new": 1, "fresh": None, "second": 1, "zero": "AA"}
    assert books.lines[0] == "$acc_leg(caller) cannot be assigned: there is no such leg"
    assert extras(books.lines[1]).endswith(";c=;caller=AA;to=B;caller=B;to=C")


def test_legs_need_accounting_and_fields():
    books = Books("acc_new_leg(); $var(rc) = $rc; $acc_leg(caller) = 1; $var(leg) = $acc_current_leg; "
                  "$var(value) = $acc_leg(caller);", FIELDS)
    books.call(method="OPTIONS")
    assert books.runs[0].variables == {"rc": -1, "leg": None, "value": None}
    books = Books('do_accounting("log"); acc_new_leg(); $var(rc) = $rc;')
    books.call(method="OPTIONS")
    assert books.runs[0].variables == {"rc": -1}


@pytest.mark.parametrize(("variable", "complaint"), [
    ("$acc_extra(z)", 'no extra_fields of module acc define "z"'),
    ("$acc_extra($var(x))", 'no extra_fields of module acc define "\\$var'),
    ("$(acc_leg(caler)[0])", 'no leg_fields of module acc define "caler", did you mean caller')])
def test_unknown_fields_are_refused(variable, complaint):
    with pytest.raises(AssertionError, match=complaint.partition(", did")[0]):
        Books(f'do_accounting("log"); $var(z) = {variable};', FIELDS)


@pytest.mark.parametrize(("comment", "code", "reason"), [
    ("404 Nobody home", "404", "Nobody home"), ("Nobody", "", "Nobody"), ("480", "480", ""),
    ("$rm x", "", "OPTIONS x")])
def test_a_request_is_accounted_at_once(comment, code, reason):
    books = Books(f'acc_log_request("{comment}"); $var(rc) = $rc;')
    found = fields(books.call(method="OPTIONS", to_tag="b9")[0])
    assert (found["what"], found["method"], found["to_tag"], found["code"], found["reason"]) == \
        ("request accounted", "OPTIONS", "b9", code, reason)


def test_a_request_is_accounted_in_a_failure_route():
    books = Books('t_on_failure("f"); t_relay();',
                  'modparam("acc", "log_extra", "s=$hdr(Server)/reply;c=$T_reply_code")',
                  routes='failure_route[f] { acc_log_request("486 Whatever"); }')
    books.call()
    books.answer(486, headers="Server: B2B\r\n")
    assert extras(books.lines[0]) == ";s=B2B;c=486"


DIRECTION = ('modparam("acc", "detect_direction", 1) modparam("acc", "log_flag", "LOG")'
             'modparam("acc", "log_extra", "f=$fu;t=$tt;u=$ru;rf=$fu/reply;du=$du")')


@pytest.mark.parametrize(("tag", "expected"), [
    ("b1", "a1;b1;sip:bob@example.com;a1"), ("a1", "b1;a1;sip:alice@example.com;a1")])
def test_direction_is_that_of_the_first_request(tag, expected):
    """The callee's BYE has the callee in From; *tag* is the one in our Record-Route, that of the caller."""
    books = Books("setflag(LOG); loose_route(); t_relay();", DIRECTION, dialect="2.1")
    books.call(200, method="BYE", to_tag="a1", from_tag="b1", headers=f"Route: <sip:192.0.2.9;ftag={tag};lr>\r\n")
    found = fields(books.lines[0])
    upstream = tag == "a1"
    assert (found["from_tag"], found["to_tag"]) == (("a1", "b1") if upstream else ("b1", "a1"))
    assert found["f"] == ("sip:bob@example.com" if upstream else "sip:alice@example.com")
    assert found["t"] == ("b1" if upstream else "a1") and found["rf"] == found["f"]
    assert found["u"] == "sip:bob@192.0.2.2"


def test_requests_accounted_at_once_have_their_direction_too():
    books = Books('loose_route(); $var(v) = "kept"; acc_log_request("200 OK");',
                  DIRECTION.replace("du=$du", "v=$var(v)"), dialect="2.1")
    found = fields(books.call(method="BYE", to_tag="a1", from_tag="b1",
                              headers="Route: <sip:192.0.2.9;ftag=a1;lr>\r\n")[0])
    assert (found["from_tag"], found["f"], found["v"]) == ("a1", "sip:bob@example.com", "kept")


def test_a_folded_header_makes_no_second_line():
    books = books_21("s=$hdr(Subject)")
    books.call(200, headers="Subject: a\r\n ACC: forged\r\n")
    assert len(books.lines[0].splitlines()) == 1


@pytest.mark.parametrize(("settings", "level", "facility"), [
    ("", 25, 3), ('modparam("acc", "log_level", 1) modparam("acc", "log_facility", "LOG_LOCAL3")', 30, 19),
    ('modparam("acc", "log_level", 4)', 10, 3)])
def test_level_and_facility(settings, level, facility):
    books = Books('do_accounting("log"); t_relay();', settings)
    books.call(200)
    record = books.records[0]
    assert (record.levelno, record.facility) == (level, facility)


@pytest.mark.parametrize(("name", "value", "error"), [
    ("log_facility", "LOG_NOWHERE", "no facility"), ("log_level", 9, "-3 to 4"), ("db_url", "x", "looks like"),
    ("extra_fields", "aaa: a", "waits for"), ("extra_fields", "sms: a", "no back end"),
    ("leg_fields", "log: a->", "should be")])
def test_wrong_parameters_are_refused(name, value, error):
    with pytest.raises(ConfigError, match=error):
        Registry.load(["acc"]).set_parameter("acc", name, value)


@pytest.mark.parametrize(("name", "value", "error"), [
    ("log_extra", "a", "should be name"), ("multi_leg_info", "a=$ru", "no AVP"),
    ("detect_direction", 1, "needs module rr")])
def test_parameters_are_checked_together(name, value, error):
    with pytest.raises(AssertionError, match=error):
        shown = f'"{value}"' if isinstance(value, str) else value
        BooksWithoutRr("exit;", f'modparam("acc", "{name}", {shown})')


@pytest.mark.parametrize("call", ['do_accounting("aaa")',
                                  'do_accounting("log", "often")'])
def test_what_waits_or_is_unknown_is_refused_when_the_script_is_read(call):
    with pytest.raises(AssertionError, match=r"waits for|is not one of"):
        Books(f"{call};")


class BooksWithoutRr(Books):
    """Without rr."""

    loads = ("tm", "acc")


def test_a_response_is_swapped_as_well():
    text = (b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>;tag=2\r\n"
            b"Call-ID: c\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n")
    made = swapped(scan(text, None, address_key("192.0.2.1", 5060)))
    assert isinstance(made, Response) and (made.from_tag, made.to_tag) == ("2", "1")
    assert parse(made.data).from_.uri == "sip:b@h"
