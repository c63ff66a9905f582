"""Accounts of several workers in one, and what was changed of a message."""
from opensips_py.mi import accounts

REQUEST = "INVITE sip:b SIP/2.0\r\nVia: x\r\nTo: <sip:b>\r\nCSeq: 1 INVITE\r\n\r\nbody\r\n"
RINGING = "SIP/2.0 180 Ringing\r\nVia: y\r\nVia: x\r\nt: <sip:b>;tag=1\r\nCSeq: 1 INVITE\r\n\r\n"


def message(t, kind, text):
    return {"t": t, "kind": kind, "message": text}


def account(worker, began, *events):
    return {"call_id": "c", "worker": worker, "began": began, "events": list(events), "dropped": worker,
            "lines": {"a": {str(worker): "x"}}}


def test_events_of_several_workers_stand_in_the_order_of_time():
    found = accounts.joined([account(1, 100.5, {"t": 10, "kind": "call", "began": 3}),
                             account(0, 100.0, {"t": 5, "kind": "line"}, {"t": 900_000, "kind": "line"})])
    assert [(each["t"], each["worker"]) for each in found["events"]] == [(5, 0), (500_010, 1), (900_000, 0)]
    assert found["events"][1]["began"] == 500_003
    assert (found["began"], found["workers"], found["dropped"]) == (100.0, [0, 1], 1)
    assert found["lines"] == {"a": {"0": "x", "1": "x"}}
    assert accounts.joined([]) is None


def changed(*events):
    listed = list(events)
    accounts.compare(listed)
    return listed


def test_a_request_is_compared_with_the_one_that_came():
    sent = REQUEST.replace("Via: x", "Via: y\r\nVia: x").replace("sip:b SIP", "sip:c SIP")
    _, out = changed(message(0, "in", REQUEST), message(1, "out", sent))
    assert out["changes"] == [["-", "INVITE sip:b SIP/2.0"], ["+", "INVITE sip:c SIP/2.0"], ["+", "Via: y"]]


def test_a_response_is_compared_with_the_one_that_has_its_tag():
    other = RINGING.replace("tag=1", "tag=2")
    *_, out = changed(message(0, "in", RINGING), message(1, "in", other),
                      message(2, "out", RINGING.replace("Via: y\r\n", "")))
    assert out["changes"] == [["-", "Via: y"]]


def test_what_we_send_by_ourselves():
    _, answer, bye = changed(message(0, "in", REQUEST), message(1, "out", RINGING),
                             message(2, "out", REQUEST.replace("1 INVITE", "1 CANCEL")))
    assert answer["own"] and bye["own"]


def test_repetitions():
    events = changed(message(0, "in", REQUEST), message(1, "in", REQUEST), message(2, "out", REQUEST),
                     message(3, "out", REQUEST))
    assert [each.get("repeated", False) for each in events] == [False, True, False, True]
    assert events[2]["changes"] == []
