"""$T_…, $bavp and $tm.branch.… through scripts."""
from __future__ import annotations

import pytest

from tests.modules.tm.test_relaying import stage
from tests.transaction.world import request, response


def transaction_of(s):
    return next(iter(s.layer.servers.values()))


def in_onreply(body, status=180, route="", dialect="4.0"):
    s = stage(f"""
        modparam("tm", "onreply_avp_mode", 1)
        route {{ {route} t_on_reply("r"); append_branch("sip:bob@10.0.0.2"); t_relay(); }}
        onreply_route[r] {{ {body} }}""", dialect)
    s.receive(request(world=s))
    s.receive(response(s.take()[-1], status))
    return {name: values[0] for name, values in transaction_of(s).avps.items()}


@pytest.mark.parametrize(("expression", "value"), [
    ("$T_branch_idx", 1), ("$T_reply_code", 180), ("$T_ruri", "sip:bob@10.0.0.2"), ("$T_fr_timeout", 30),
    ("$T_fr_inv_timeout", 120), ("$(T_branch_last_reply_code)", 180), ("$(T_branch_last_reply_code[0])", "none"),
    ("$(tm.branch.uri)", "sip:bob@10.0.0.2"), ("$(tm.branch.uri[0])", "sip:bob@192.0.2.2"),
    ("$(tm.branch.uri[-1])", "sip:bob@10.0.0.2"), ("$(tm.branch.uri[7])", "none"), ("$(tm.branch.duri)", "none"),
    ("$(tm.branch.path)", "none"), ("$(tm.branch.q)", "none"), ("$(tm.branch.socket)", "udp:192.0.2.9:5060"),
    ("$(tm.branch.last_received)", 180), ("$(tm.branch.last_received[0])", "none"), ("$(tm.branch.type)", "sip")])
def test_values_in_an_onreply_route(expression, value):
    found = in_onreply(f'if ({expression} == NULL) $avp(x) = "none"; else $avp(x) = {expression};')
    assert found == {"x": value}


@pytest.mark.parametrize(("variable", "given", "value"), [
    ("duri", '$du = "sip:10.0.0.9:5070"', "sip:10.0.0.9:5070"), ("q", "$ru_q = \"0.5\"", 500),
    ("path", '$msg.branch.path = "<sip:10.0.0.8;lr>"', "<sip:10.0.0.8;lr>")])
def test_what_a_branch_was_sent_with(variable, given, value):
    assert in_onreply(f"$avp(x) = $(tm.branch.{variable}[0]);", route=f"{given};") == {"x": value}


def test_values_of_2_1():
    found = in_onreply("$avp(a) = $T_branch_idx; $avp(b) = $T_reply_code; $avp(c) = $T_ruri;", dialect="2.1")
    assert found == {"a": 1, "b": 180, "c": "sip:bob@10.0.0.2"}


def test_outside_of_a_transaction():
    s = stage('route { if ($T_branch_idx == NULL && $T_reply_code == 0 && $T_ruri == NULL && $T_id == NULL '
              "&& $(bavp(x)) == NULL) $var(ok) = 1; }")
    s.receive(request("ACK", world=s))
    assert s.runs[0].variables == {"ok": 1}


def test_status_in_request_and_failure_routes():
    s = stage("""
        route { t_on_failure("f"); t_newtran(); $avp(sent) = $T_reply_code; t_relay(); }
        failure_route[f] { $avp(failed) = $T_reply_code; $avp(index) = $T_branch_idx; }""")
    s.receive(request(world=s))
    s.receive(response(s.take()[-1], 486))
    assert transaction_of(s).avps == {"sent": [100], "failed": [486], "index": [0]}


def test_timeouts_set_before_the_transaction_count_for_it():
    s = stage("route { $T_fr_timeout = 3; $T_fr_inv_timeout = 7; t_relay(); }")
    s.receive(request(world=s))
    s.pass_time(3.1)
    assert s.lines()[-1] == "408 192.0.2.1"
    s.receive(request(world=s, branch="z9hG4bK2", call_id="2"))
    s.receive(response(s.take()[-1], 180))
    s.pass_time(6.8)
    s.take()
    s.pass_time(0.3)
    assert "408 192.0.2.1" in s.lines()


def test_timeouts_can_be_reset():
    s = stage("route { $T_fr_timeout = 3; $T_fr_timeout = NULL; $T_fr_inv_timeout = 3; $T_fr_inv_timeout = NULL; "
              "$avp(x) = $T_fr_timeout + $T_fr_inv_timeout; t_relay(); }")
    s.receive(request(world=s))
    assert transaction_of(s).avps == {"x": [150]}


def test_timeout_set_while_it_rings_begins_anew():
    s = stage('route { t_on_reply("r"); t_relay(); } onreply_route[r] { if ($rs == 180) $T_fr_inv_timeout = 5; }')
    s.receive(request(world=s))
    s.receive(response(s.take()[-1], 180))
    s.take()
    s.pass_time(5.1)
    assert s.lines() == ["CANCEL 192.0.2.2", "408 192.0.2.1"]


def test_values_of_one_branch_stay_with_it():
    s = stage("""
        modparam("tm", "onreply_avp_mode", 1)
        route { t_on_branch("b"); t_on_reply("r"); append_branch("sip:bob@10.0.0.2"); t_relay(); }
        branch_route[b] { $bavp(host) = "x"; $bavp(host) = $rd; $(bavp(host)[1]) = "old"; setbflag("MARK"); }
        onreply_route[r] { $avp(h) = $bavp(host) + "," + $(bavp(host)[1]) + "," + $(bavp(host)[*]);
                           $bavp(host) = NULL; $avp(left) = $bavp(host); }""")
    s.receive(request(world=s))
    s.receive(response(s.take()[1], 180))
    assert transaction_of(s).avps == {"h": ["192.0.2.2,old,192.0.2.2,old"], "left": ["old"]}


def test_flags_of_branches():
    assert in_onreply(
        '$avp(before) = $tm.branch.flag(NAT); $tm.branch.flag(NAT) = 1; $avp(after) = $tm.branch.flag(NAT); '
        "$avp(names) = $tm.branch.flags; $avp(other) = $(tm.branch.flag(NAT)[0]); $tm.branch.flag(NAT) = 0; "
        "$avp(last) = $tm.branch.flag(NAT);") == {"before": 0, "after": 1, "names": "NAT", "other": 0, "last": 0}


def test_attributes_of_branches():
    assert in_onreply('$tm.branch.attr(a) = "text"; $(tm.branch.attr(a)[0]) = 5; $avp(x) = $tm.branch.attr(a); '
                      "$avp(y) = $(tm.branch.attr(a)[0]); $tm.branch.attr(a) = NULL; "
                      'if ($tm.branch.attr(a) == NULL) $avp(z) = "gone";') == {"x": "text", "y": 5, "z": "gone"}


def test_branch_routes_see_only_flags_and_attributes_of_the_branch_at_hand():
    s = stage("""
        route { t_on_branch("b"); t_relay(); }
        branch_route[b] { $tm.branch.flag(F) = 1; $avp(flag) = $tm.branch.flag(F);
                          if ($tm.branch.uri == NULL) $avp(uri) = "null"; }""")
    s.receive(request(world=s))
    assert transaction_of(s).avps == {"flag": [1], "uri": ["null"]} and transaction_of(s).branches[0].flags


def test_identifier_leads_to_the_transaction():
    s = stage("route { t_newtran(); $avp(id) = $T_id; t_relay(); }")
    s.receive(request(world=s))
    transaction = transaction_of(s)
    assert s.layer.ids[transaction.avps["id"][0]] is transaction


def test_active_branches_are_those_of_the_newest_set():
    s = stage("""
        route { t_on_failure("f"); t_relay(); }
        failure_route[f] { $ru = "sip:bob@10.0.0.4"; t_relay(); $avp(a) = $(tm.branch.uri[0/active]);
                           $avp(b) = $(tm.branch.uri[0/all]); $avp(c) = $(tm.branch.uri[1]); }""")
    s.receive(request(world=s))
    s.receive(response(s.take()[-1], 486))
    assert transaction_of(s).avps == {"a": ["sip:bob@10.0.0.4"], "b": ["sip:bob@192.0.2.2"], "c": ["sip:bob@10.0.0.4"]}
