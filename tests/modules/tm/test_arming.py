"""Headers that a transaction carries, through scripts."""
from __future__ import annotations

from tests.modules.tm.test_relaying import stage
from tests.transaction.world import request, response


def test_headers_go_into_all_requests_of_the_transaction():
    s = stage('route { t_add_hdrs("X-Origin: 1.1.1.1\\r\\n"); t_relay(); }')
    s.receive(request(world=s))
    invite = s.take()[-1]
    assert invite.header("X-Origin") == "1.1.1.1"
    s.receive(response(invite, 180))
    s.take()
    s.receive(request("CANCEL", world=s))
    cancel = s.take()[-1]
    assert cancel.method == "CANCEL" and cancel.header("X-Origin") == "1.1.1.1"
    s.receive(response(invite, 487))
    ack = s.take()[0]
    assert ack.method == "ACK" and ack.header("X-Origin") == "1.1.1.1"


def test_headers_added_later_count_from_then_on():
    s = stage('route { t_newtran(); t_add_hdrs("X-Late: 1\\r\\n"); t_relay(); }')
    s.receive(request(world=s))
    assert s.take()[-1].header("X-Late") == "1"


def test_reason_of_the_script_goes_into_the_cancel():
    s = stage("""route {
        if ($rm == "CANCEL") $var(ok) = t_add_cancel_reason("Reason: SIP ;cause=200 ;text=\\"elsewhere\\"\\r\\n");
        t_relay(); }""".replace("$var(ok) = ", ""))
    s.receive(request(world=s))
    s.receive(response(s.take()[-1], 180))
    s.take()
    s.receive(request("CANCEL", world=s))
    assert s.take()[-1].header("Reason") == 'SIP ;cause=200 ;text="elsewhere"'
