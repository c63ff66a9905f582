"""What tm counts."""
from __future__ import annotations

from tests.modules.tm.test_relaying import stage
from tests.transaction.world import request, response


def test_a_call_is_counted():
    s = stage("route { t_relay(); }")
    s.receive(request(world=s))
    invite = s.take()[-1]
    assert s.counted("tm") == {"UAS_transactions": 1, "inuse_transactions": 1}
    s.receive(response(invite, 180))
    s.receive(response(invite, 200))
    assert s.counted("tm") == {"UAS_transactions": 1, "inuse_transactions": 1, "received_replies": 2,
                               "relayed_replies": 2, "2xx_transactions": 1}
    s.pass_time(10)
    assert s.counted("tm").get("inuse_transactions") is None


def test_failures_are_counted_by_class():
    s = stage("route { t_relay(); }")
    for number, status in enumerate((302, 404, 500, 603)):
        s.receive(request("OPTIONS", world=s, branch=f"z9hG4bK{number}"))
        s.receive(response(s.take()[-1], status))
    found = s.counted("tm")
    assert [found[f"{family}xx_transactions"] for family in (3, 4, 5, 6)] == [1, 1, 1, 1]


def test_own_requests_and_responses_are_counted():
    s = stage('route { t_new_request("INFO", "sip:a@10.0.0.5", "sip:us@h", "sip:a@h"); t_reply(404, "No"); }')
    s.receive(request("OPTIONS", world=s))
    found = s.counted("tm")
    assert (found["UAC_transactions"], found["local_replies"], found["4xx_transactions"]) == (1, 1, 1)


def test_retransmissions_and_silence_are_counted():
    s = stage("route { t_relay(); }")
    s.receive(request(world=s))
    s.pass_time(8)
    found = s.counted("tm")
    assert [found[f"retransmission_req_{name}"] for name in ("T1_1", "T1_2", "T1_3", "T2")] == [1, 1, 1, 1]
    s.pass_time(24)
    found = s.counted("tm")
    assert found["timeout_finalresponse"] == 1 and found["retransmission_rpl_T2"] > 0


def test_ringing_for_ever_is_counted():
    s = stage("route { t_relay(); }")
    s.receive(request(world=s))
    s.receive(response(s.take()[-1], 180))
    s.pass_time(121)
    assert s.counted("tm")["timeout_finalresponse_inv"] == 1


def test_counting_can_be_turned_off():
    s = stage('modparam("tm", "enable_stats", 0)\nroute { t_relay(); }')
    s.receive(request(world=s))
    assert s.counted("tm") == {}
