"""Answers without state, through scripts."""
from __future__ import annotations

import pytest

from opensips_py.sip import scan
from tests.transaction.stage import Stage
from tests.transaction.world import request

LOAD = 'loadmodule "sl.so"\nloadmodule "tm.so"\n'


def stage(script, dialect="4.0"):
    return Stage(LOAD + script, dialect)


def test_answer_leaves_no_state():
    s = stage('route { sl_send_reply(404, "Not $rU"); }')
    for _ in range(2):
        assert not s.receive(request("OPTIONS", world=s))
    one, two = s.take()
    assert (one.status, one.reason) == (404, "Not bob") and one.to_tag == two.to_tag != ""
    assert len(s.layer) == 0 and s.counted("sl") == {"4xx_replies": 2, "sent_replies": 2}


@pytest.mark.parametrize("code", [100, 200, 302, 404, 500, 603])
def test_answers_are_counted_by_class(code):
    s = stage(f'route {{ sl_send_reply("{code}", "Whatever"); }}', "2.1")
    s.receive(request("OPTIONS", world=s))
    assert s.counted("sl") == {f"{code // 100}xx_replies": 1, "sent_replies": 1}


def test_counting_can_be_turned_off():
    s = stage('modparam("sl", "enable_stats", 0)\nroute { sl_send_reply(404, "No"); }')
    s.receive(request(world=s))
    s.receive(request("ACK", world=s, to_tag=s.only().to_tag))
    assert s.counted("sl") == {}


def test_ack_of_an_answer_ends_here_for_a_while():
    s = stage('route { if ($rm == "INVITE") sl_send_reply(404, "No"); }')
    s.receive(request(world=s))
    tag = s.only().to_tag
    assert s.receive(request("ACK", world=s, to_tag=tag)) and len(s.runs) == 1
    assert s.counted("sl")["received_ACKs"] == 1
    assert not s.receive(request("ACK", world=s, to_tag="other"))
    s.pass_time(33)
    assert not s.receive(request("ACK", world=s, to_tag=tag))


def test_an_ack_is_not_answered():
    s = stage('route { if (!sl_send_reply(404, "No")) $var(no) = 1; }')
    s.receive(request("ACK", world=s))
    assert s.take() == [] and s.runs[0].variables == {"no": 1}


def test_error_tells_what_went_wrong():
    s = stage('route { $ru = "sip:nowhere.example"; if (!t_relay("no-auto-477")) sl_reply_error(); }')
    s.receive(request("OPTIONS", world=s))
    assert s.lines() == ["478 192.0.2.1"] and s.counted("sl")["sent_err_replies"] == 1


def test_error_without_cause_is_500():
    s = stage("route { sl_reply_error(); }")
    s.receive(request("OPTIONS", world=s))
    assert s.lines() == ["500 192.0.2.1"]


def test_answer_after_waiting_is_kept_for_retransmissions():
    s = stage('route { t_write_unix("x", "/nonexistent"); sl_send_reply(404, "No"); }')
    s.receive(request("OPTIONS", world=s))
    assert s.lines() == ["404 192.0.2.1"]


def test_after_waiting_only_the_same_bytes_are_a_retransmission():
    s = stage('route { t_write_unix("x", "/nonexistent"); sl_send_reply(401, "No"); }')
    old = request("REGISTER", world=s).data.replace(b";branch=z9hG4bK", b";x=")  # a client without branches
    answered = []
    for data in (old, old, old.replace(b"\r\n\r\n", b"\r\nAuthorization: Digest x=y\r\n\r\n")):
        s.receive(scan(data, s.network.udp, request("REGISTER", world=s).source))
        answered.append((s.lines(), s.counted("sl")["4xx_replies"]))
    assert answered == [(["401 192.0.2.1"], 1), (["401 192.0.2.1"], 1), (["401 192.0.2.1"], 2)]


def test_answer_goes_where_the_request_came_from_if_asked():
    s = stage('route { sl_send_reply(404, "No"); }')
    message = request("OPTIONS", world=s).data.replace(b"192.0.2.1:5060;", b"10.1.1.1:5070;rport;")
    s.receive(scan(message, s.network.udp, request("OPTIONS", world=s).source))
    reply = s.only()
    assert s.places == [("192.0.2.1", 5060)]
    assert reply.top_via.received == "192.0.2.1" and reply.top_via.rport == 5060
