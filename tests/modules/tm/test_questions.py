"""t_check_trans, t_check_status, t_local_replied, t_was_cancelled, through scripts."""
from __future__ import annotations

from tests.modules.tm.test_relaying import stage
from tests.transaction.world import request, response


def test_cancel_knows_its_invite():
    s = stage('route { if ($rm == "CANCEL" && !t_check_trans()) { t_reply(481, "Unknown"); exit; } t_relay(); }')
    s.receive(request("CANCEL", world=s))
    assert s.lines() == ["481 192.0.2.1"]
    s.receive(request(world=s, branch="z9hG4bK5"))
    s.take()
    s.receive(request("CANCEL", world=s, branch="z9hG4bK5"))
    assert s.lines() == ["200 192.0.2.1"]


def test_ack_of_our_own_answer_is_known_and_others_are_end_to_end():
    s = stage('route { if ($rm == "INVITE") t_reply(200, "OK"); else { t_check_trans(); $avp(code) = $rc; } }')
    s.receive(request(world=s))
    ok = s.take()[-1]
    s.receive(request("ACK", world=s, branch="z9hG4bKa", to_tag=ok.to_tag))
    assert s.runs[-1].avps == {"code": [1]}
    s.receive(request("ACK", world=s, branch="z9hG4bKb", to_tag="other", call_id="other"))
    assert s.runs[-1].avps == {"code": [-2]}


def test_new_request_is_unknown():
    s = stage("route { if (!t_check_trans()) $var(new) = 1; }")
    s.receive(request("OPTIONS", world=s))
    assert s.runs[0].variables == {"new": 1}


def test_status_of_the_last_response_sent():
    s = stage('route { t_reply(183, "Progress"); if (t_check_status("18[0-9]") && !t_check_status(200)) $var(y) = 1; }')
    s.receive(request(world=s))
    assert s.runs[0].variables == {"y": 1}


def fail(script, *statuses):
    s = stage('route { t_on_failure("f"); t_relay(); } failure_route[f] { ' + script + " }")
    s.receive(request(world=s))
    invite = s.take()[-1]
    for status in statuses:
        s.receive(response(invite, status))
    if not statuses or statuses[-1] < 200:
        s.pass_time(200)
    return [line for line in s.lines() if line.endswith("192.0.2.1")][-1]


def test_silence_is_a_local_reply():
    all_local = 'if (t_local_replied("all")) t_reply(480, "Silence"); else t_reply(481, "Heard");'
    assert fail(all_local) == "480 192.0.2.1"
    assert fail(all_local, 486) == "481 192.0.2.1"
    last_local = 'if (t_local_replied("last")) t_reply(480, "Silence"); else t_reply(481, "Heard");'
    assert fail(last_local, 180) == "480 192.0.2.1"
    assert fail(last_local, 180, 486) == "481 192.0.2.1"


def test_cancelled_calls_are_told_from_failed_ones():
    s = stage('route { t_on_failure("f"); t_relay(); } '
              'failure_route[f] { if (t_was_cancelled()) exit; t_reply(480, "Failed"); }')
    s.receive(request(world=s))
    invite = s.take()[-1]
    s.receive(response(invite, 180))
    s.receive(request("CANCEL", world=s))
    s.take()
    s.receive(response(invite, 487))
    assert s.lines() == ["ACK 192.0.2.2", "487 192.0.2.1"]
    s.receive(request(world=s, branch="z9hG4bKother", call_id="other"))
    s.receive(response(s.take()[-1], 487))
    assert s.lines() == ["ACK 192.0.2.2", "480 192.0.2.1"]
