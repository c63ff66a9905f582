"""Which transactions are accounted, when, and as what."""
from __future__ import annotations

import gc
from typing import Any

import pytest

from tests.modules.books import START, Books, fields

FLAGS = """
    modparam("acc", "log_flag", "LOG")
    modparam("acc", "log_missed_flag", "MISSED")
    modparam("acc", "failed_transaction_flag", "FAILED")
"""
INVITED = f"timestamp={START};method=INVITE;from_tag=a1;to_tag=b1;call_id=call-1"


def books_21(flags: str, settings: str = "", **how: Any) -> Books:
    sets = " ".join(f"setflag({each});" for each in flags.split())
    return Books(f"{sets} t_relay();", FLAGS + settings, dialect="2.1", **how)


def whats(lines: list[str]) -> list[str]:
    return [f"{found['what']} {found['method']} {found['code']}" for found in map(fields, lines)]


@pytest.mark.parametrize(("books", "times"), [
    (books_21("LOG"), ""), (Books('do_accounting("log"); t_relay();'), f"created={START};setuptime=0;")])
def test_an_answered_call_is_one_line(books, times):
    told = INVITED.replace("method", f"{times}method")
    assert books.call(180, 200) == [f"ACC: transaction answered: {told};code=200;reason=Whatever"]


@pytest.mark.parametrize("books", [books_21(""), books_21("MISSED FAILED"), Books("t_relay();"),
                                   Books('$acc_extra(x) = 1; t_relay();', 'modparam("acc", "extra_fields", "log:x")')])
def test_what_nobody_asked_for_is_not_accounted(books):
    assert books.call(180, 200) == []


def test_flags_may_be_numbers():
    books = Books("setflag(3); t_relay();", 'modparam("acc", "log_flag", 3)', dialect="2.1")
    assert whats(books.call(200, method="OPTIONS")) == ["transaction answered OPTIONS 200"]


@pytest.mark.parametrize(("flags", "words", "lines"), [
    ("LOG", "", []), ("LOG FAILED", "failed", ["transaction answered INVITE 486"]),
    ("LOG MISSED", "missed", ["call missed INVITE 486"]),
    ("LOG MISSED FAILED", "missed | failed", ["call missed INVITE 486", "transaction answered INVITE 486"])])
def test_failures_are_accounted_where_wanted(flags, words, lines):
    assert whats(books_21(flags).call(180, 486)) == lines
    assert whats(Books(f'do_accounting("log", "{words}"); t_relay();').call(180, 486)) == lines


def test_missed_flag_counts_without_the_other():
    assert whats(books_21("MISSED").call(404)) == ["call missed INVITE 404"]


def test_only_calls_are_missed():
    assert books_21("LOG MISSED").call(404, method="OPTIONS") == []


def test_a_missed_call_tells_how_long_it_took():
    books = books_21("MISSED")
    books.call(180)
    books.wall += 7.5
    books.answer(480)
    assert books.lines == [f"ACC: call missed: timestamp={START + 7};created={START};setuptime=7;method=INVITE;"
                           "from_tag=a1;to_tag=b1;call_id=call-1;code=480;reason=Whatever"]


def test_the_time_of_creation_is_an_avp():
    settings = FLAGS + 'modparam("acc", "acc_created_avp_name", "begun")'
    books = Books('setflag(MISSED); t_on_failure("f"); t_relay();', settings, dialect="2.1", routes="""
        failure_route[f] { $avp(begun) := $avp(begun) - 100; setflag(MISSED); $ru = "sip:v@10.0.0.9"; t_relay(); }""")
    books.call(486)
    books.answer(486)
    assert [fields(each)["created"] for each in books.lines] == [str(START), str(START - 100)]


def test_silence_is_a_408_of_our_own():
    books = books_21("LOG MISSED FAILED")
    books.call(180)
    books.pass_time(200)
    missed, answered = map(fields, books.lines)
    assert (missed["code"], missed["reason"], missed["to_tag"]) == ("408", "Request Timeout", "")
    assert (answered["code"], answered["reason"]) == ("408", "Request Timeout")
    assert answered["to_tag"] == books.take()[-1].to_tag


@pytest.mark.parametrize("again", [True, False])
def test_serial_forking_tells_each_missed_target_that_is_asked_for(again):
    ask = 'do_accounting("log", "missed");' if again else ""
    books = Books('do_accounting("log", "missed"); t_on_failure("f"); t_relay();',
                  routes=f"""failure_route[f] {{
                      if ($T_branch_idx == 0) {{ {ask} t_on_failure("f"); $ru = "sip:v@10.0.0.9"; t_relay(); }}
                  }}""")
    books.call(486)
    books.answer(603)
    assert [each["code"] for each in map(fields, books.lines)] == (["486", "603"] if again else ["486"])


def test_a_flag_set_again_in_the_failure_route_counts():
    books = Books('setflag(MISSED); t_on_failure("f"); t_relay();', FLAGS, dialect="2.1", routes="""
        failure_route[f] { setflag(MISSED); $ru = "sip:v@10.0.0.9"; t_relay(); }""")
    books.call(486)
    books.answer(603)
    assert [each["code"] for each in map(fields, books.lines)] == ["486", "603"]


def test_our_own_answer_is_accounted_as_it_was_sent():
    books = Books('do_accounting("log", "failed"); t_newtran(); t_reply(404, "No such user");')
    found = fields(books.call()[0])
    assert (found["code"], found["reason"], found["to_tag"]) == ("404", "No such user", books.sent[-1].to_tag)


def test_accounting_may_be_asked_for_once_there_is_a_transaction():
    books = Books('t_newtran(); do_accounting("log"); t_relay();')
    assert whats(books.call(200)) == ["transaction answered INVITE 200"]
    books = Books('t_on_failure("f"); t_relay();', routes='failure_route[f] { do_accounting("log", "failed"); }')
    assert whats(books.call(486)) == ["transaction answered INVITE 486"]


def test_a_2xx_sent_again_counts_once_but_one_of_another_branch_counts():
    books = Books('do_accounting("log"); append_branch("sip:bob@10.0.0.2"); t_relay();')
    books.call()
    for number, tag in ((0, "b1"), (0, "b1"), (1, "b2")):
        books.answer(200, number, tag=tag)
    assert [fields(each)["to_tag"] for each in books.lines] == ["b1", "b2"]


@pytest.mark.parametrize(("setting", "expected"), [("", ["200"]),
                                                   ('modparam("acc", "early_media", 1)', ["183", "200"])])
def test_early_media_is_accounted_on_request(setting, expected):
    books = Books('do_accounting("log"); t_reply_with_body(183, "Progress", "v=0"); t_relay();', setting)
    assert [fields(each)["code"] for each in books.call(180, 200)] == expected


@pytest.mark.parametrize(("setting", "cancels"), [("", []), ('modparam("acc", "report_cancels", 1)', ["CANCEL 200"])])
def test_cancel_is_accounted_on_request(setting, cancels):
    for books in (Books('do_accounting("log", "missed"); t_relay();', setting), books_21("LOG MISSED", setting)):
        books.call(180)
        books.cancel()
        books.answer(487)
        assert whats(books.lines) == [*(f"transaction answered {each}" for each in cancels), "call missed INVITE 487"]


def test_a_call_cancelled_before_it_went_anywhere_was_missed():
    books = Books("""if ($rm == "CANCEL") t_relay();
                     else { do_accounting("log", "missed"); t_newtran(); t_reply(180, "R"); }""")
    books.call()
    books.cancel()
    assert whats(books.lines) == ["call missed INVITE 487"]


LOCAL = 'local_route { do_accounting("log", "failed"); }'


@pytest.mark.parametrize(("status", "code"), [(200, "200"), (404, "404"), (None, "408")])
def test_requests_of_our_own_are_accounted(status, code):
    books = Books("exit;", routes=LOCAL)
    heard = []
    books.layer.originate("MESSAGE", "sip:bob@192.0.2.2", from_="<sip:us@x>;tag=u1", to="<sip:bob@x>", call_id="own",
                          report=lambda transaction, branch, response, status: heard.append(status), generation=books)
    if status is None:
        books.pass_time(40)
    else:
        books.answer(status)
    assert [(found["method"], found["from_tag"], found["code"]) for found in map(fields, books.lines)] == \
        [("MESSAGE", "u1", code)]
    assert heard == [int(code)]


@pytest.mark.parametrize(("drop", "lines"), [
    ("drop_accounting()", []), ('drop_accounting("log")', []),
    ('drop_accounting("evi")', ["call missed", "transaction answered"]),
    ('drop_accounting("log", "missed")', ["transaction answered"]),
    ('drop_accounting("log", "failed")', ["call missed"]),
    ('drop_accounting(,"missed|failed")', [])])
def test_what_was_asked_for_can_be_taken_back(drop, lines):
    books = Books(f'do_accounting("log|evi", "missed|failed"); {drop}; t_relay();')
    assert [fields(each)["what"] for each in books.call(486)] == lines


def test_there_is_nothing_to_take_back():
    books = Books("drop_accounting(); $var(rc) = $rc;")
    books.call(method="OPTIONS")
    assert books.runs[-1].variables["rc"] == -1


def test_transactions_leave_no_garbage():
    books = Books('do_accounting("log"); t_relay();', routes=LOCAL)
    gc.collect()
    gc.disable()
    try:
        books.call(180, 200)
        books.layer.originate("MESSAGE", "sip:bob@192.0.2.2", from_="<sip:us@x>;tag=u1", to="<sip:bob@x>",
                              call_id="own", generation=books)
        books.pass_time(100)
        books.runs.clear()
        assert not books.layer.servers and len(books.lines) == 2
        assert gc.collect() == 0
    finally:
        gc.enable()
