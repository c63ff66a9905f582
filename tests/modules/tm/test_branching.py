"""Branches cancelled, injected, awaited and found, through scripts."""
from __future__ import annotations

import pytest

from opensips_py.sip import BranchTarget
from opensips_py.transaction import injecting
from tests.modules.tm.test_relaying import stage
from tests.transaction.world import request, response


@pytest.mark.parametrize(("flags", "cancelled"), [
    ("", ["10.0.0.2"]), ('"o"', ["192.0.2.2"]), ('"a"', ["10.0.0.2", "192.0.2.2"])])
def test_cancel_branch(flags, cancelled):
    s = stage('route { t_on_reply("r"); append_branch("sip:bob@10.0.0.2"); t_relay(); } '
              f"onreply_route[r] {{ if ($rs == 183) t_cancel_branch({flags}); }}")
    s.receive(request(world=s))
    _, one, two = s.take()
    s.receive(response(one, 180))
    s.receive(response(two, 183))
    assert sorted(line.split()[1] for line in s.lines() if line.startswith("CANCEL")) == cancelled


WAITING = """
    route {
        if ($rm == "CANCEL") { t_relay(); exit; }
        t_newtran(); t_wait_for_new_branches(%s); t_relay();
    }"""


def waiting(count=""):
    s = stage(WAITING % count)
    s.receive(request(world=s))
    return s, s.take()[-1], next(iter(s.layer.servers.values()))


def inject(s, transaction, *hosts, **how):
    return injecting.inject(s.layer, transaction, [BranchTarget(f"sip:bob@{host}") for host in hosts], **how)


def test_failures_wait_for_branches_to_come():
    s, invite, transaction = waiting()
    s.receive(response(invite, 404))
    assert s.lines() == ["ACK 192.0.2.2"]
    assert inject(s, transaction, "10.0.0.7") == 1
    added = s.only()
    s.receive(response(added, 486))
    assert s.lines() == ["ACK 10.0.0.7"]
    s.pass_time(121)
    assert "404 192.0.2.1" in s.lines()


def test_as_many_as_were_announced():
    s, invite, transaction = waiting(1)
    s.receive(response(invite, 404))
    s.take()
    assert inject(s, transaction, "10.0.0.7", "10.0.0.8") == 1
    added = s.only()
    s.receive(response(added, 486))
    assert s.lines() == ["ACK 10.0.0.7", "404 192.0.2.1"]


def test_answer_ends_the_waiting():
    s, invite, transaction = waiting()
    s.receive(response(invite, 200))
    assert s.lines() == ["200 192.0.2.1"]
    assert inject(s, transaction, "10.0.0.7") < 0
    s.pass_time(20)
    assert len(s.layer) == 0


def test_cancel_ends_the_waiting():
    s, invite, transaction = waiting()
    s.receive(response(invite, 404))
    s.take()
    s.receive(request("CANCEL", world=s))
    assert s.lines() == ["200 192.0.2.1", "487 192.0.2.1"] and transaction.status == 487


def test_injecting_may_cancel_and_close():
    s, invite, transaction = waiting()
    s.receive(response(invite, 180))
    s.take()
    inject(s, transaction, "10.0.0.7", cancel=True, last=True)
    assert s.lines() == ["CANCEL 192.0.2.2", "INVITE 10.0.0.7"]
    assert transaction.awaited == 0


def test_injecting_the_branches_of_a_message():
    s = stage("""
        route { t_newtran(); t_wait_for_new_branches(); t_on_reply("r"); t_relay();
                $ru = "sip:bob@10.0.0.7"; append_branch("sip:bob@10.0.0.8"); t_inject_branches("msg", "l"); }
        onreply_route[r] { t_wait_no_more_branches(); }""")
    s.receive(request(world=s))
    assert s.lines() == ["100 192.0.2.1", "INVITE 192.0.2.2", "INVITE 10.0.0.7", "INVITE 10.0.0.8"]


def test_injecting_the_contact_of_an_event():
    s = stage("""
        route { t_newtran(); t_wait_for_new_branches(); $avp(uri) = "sip:bob@10.0.0.7"; $avp(received) = "sip:10.0.0.9";
                t_inject_branches("event"); }""")
    s.receive(request(world=s))
    invite = s.take()[-1]
    assert invite.uri == "sip:bob@10.0.0.7" and s.places[-1] == ("10.0.0.9", 5060)


def test_waiting_can_be_called_off():
    s = stage("""
        route { t_newtran(); t_wait_for_new_branches(); t_on_reply("r"); t_relay(); }
        onreply_route[r] { if ($rs == 404) t_wait_no_more_branches(); }""")
    s.receive(request(world=s))
    s.receive(response(s.take()[-1], 404))
    assert s.lines() == ["ACK 192.0.2.2", "404 192.0.2.1"]


def test_waiting_needs_a_transaction():
    s = stage("route { if (!t_wait_for_new_branches()) $var(no) = 1; if (!t_wait_no_more_branches()) $var(no) += 1; "
              'if (!t_inject_branches("msg")) $var(no) += 1; }')
    s.receive(request("ACK", world=s))
    assert s.runs[0].variables == {"no": 3}


def test_branches_are_found_by_attribute():
    s = stage("""
        modparam("tm", "onreply_avp_mode", 1)
        route { t_on_branch("b"); t_on_reply("r"); append_branch("sip:bob@10.0.0.2"); t_relay(); }
        branch_route[b] { $tm.branch.attr(name) = $rd; $tm.branch.attr(place) = $T_branch_idx; }
        onreply_route[r] {
            t_get_branch_idx_by_attr("name", "10.0.0.2", , $avp(found));
            if (!t_get_branch_idx_by_attr("name", "nowhere")) $avp(none) = 1;
            if (t_get_branch_idx_by_attr("place", , 1, $avp(place))) $avp(ok) = 1;
            if (!t_get_branch_idx_by_attr("place", , , $avp(beyond), 2)) $avp(last) = 1;
        }""")
    s.receive(request(world=s))
    s.receive(response(s.take()[1], 180))
    avps = next(iter(s.layer.servers.values())).avps
    assert avps == {"found": [1], "none": [1], "place": [1], "ok": [1], "last": [1]}
