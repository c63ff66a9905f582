"""t_reply and its like, through scripts."""
from __future__ import annotations

from tests.modules.tm.test_relaying import stage
from tests.transaction.world import request, response


def test_reply_opens_the_transaction_and_is_repeated():
    s = stage('route { t_reply(404, "Not $rU"); }')
    s.receive(request("OPTIONS", world=s))
    reply = s.only()
    assert (reply.status, reply.reason) == (404, "Not bob") and reply.to_tag
    assert s.receive(request("OPTIONS", world=s)) and s.only().data == reply.data


def test_an_ack_is_not_answered():
    s = stage('route { if (!t_reply(404, "No")) $var(no) = 1; }')
    s.receive(request("ACK", world=s))
    assert s.take() == [] and s.runs[0].variables == {"no": 1}


def test_second_final_response_is_refused():
    s = stage('route { t_reply(404, "No"); if (!t_reply(403, "Never")) $var(refused) = 1; }')
    s.receive(request("OPTIONS", world=s))
    assert s.lines() == ["404 192.0.2.1"] and s.runs[0].variables == {"refused": 1}


def test_reply_with_body():
    s = stage('route { t_newtran(); t_reply_with_body(200, "OK", "v=0\\r\\n"); }')
    s.receive(request("OPTIONS", world=s))
    assert s.only().body == b"v=0\r\n"


def test_final_reply_cancels_what_rings():
    s = stage('route { t_on_reply("r"); t_on_failure("f"); append_branch("sip:bob@10.0.0.2"); t_relay(); } '
              'onreply_route[r] { if ($rs == 183) t_cancel_branch("a"); } failure_route[f] { t_reply(480, "Away"); }')
    s.receive(request(world=s))
    _, one, two = s.take()
    s.receive(response(one, 180))
    s.take()
    s.receive(response(two, 183))
    assert sorted(s.lines())[-2:] == ["CANCEL 10.0.0.2", "CANCEL 192.0.2.2"]
    s.receive(response(one, 487))
    s.receive(response(two, 487))
    assert s.lines()[-1] == "480 192.0.2.1"


def test_parked_call_is_answered_by_its_call_id():
    s = stage("""route {
        if ($rm == "INVITE") { t_reply(180, "Ringing"); t_wait_for_new_branches(); }
        else if ($rm == "BYE") {
            $var(cseq) = $(cs{s.int}) - 1;
            if (!t_reply_by_callid(487, "Request Terminated", , $var(cseq))) t_reply(481, "Unknown");
            else t_reply(200, "OK");
        } }""")
    s.receive(request(world=s))
    assert s.lines()[-1] == "180 192.0.2.1"
    s.receive(request("BYE", world=s, branch="z9hG4bKbye", cseq=2))
    assert s.lines() == ["487 192.0.2.1", "200 192.0.2.1"]
    s.receive(request("BYE", world=s, branch="z9hG4bKbye2", cseq=5))
    assert s.lines() == ["481 192.0.2.1"]
