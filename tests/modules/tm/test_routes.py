"""Branch, onreply, failure and local routes, armed by scripts."""
from __future__ import annotations

import logging

import pytest

from opensips_py.sip import parse
from tests.modules.tm.test_relaying import stage
from tests.transaction.world import request, response


def ring(s, *statuses, **how):
    """An INVITE, relayed, and the callee's responses to it; what left after each."""
    s.receive(request(world=s, **how))
    invite = s.take()[-1]
    left = []
    for status in statuses:
        s.receive(response(invite, status))
        left.append(s.lines())
    return left


def test_failure_route_goes_on_to_the_next_target():
    s = stage("""
        route { t_on_failure("next"); t_relay(); }
        failure_route[next] {
            if (t_check_status("486|408")) { $ru = "sip:voicemail@10.0.0.9"; t_relay(); }
        }""")
    assert ring(s, 486) == [["ACK 192.0.2.2", "INVITE 10.0.0.9"]]


def test_failure_route_runs_once_unless_armed_again():
    s = stage("""
        route { $avp(n) = 0; t_on_failure("next"); t_relay(); }
        failure_route[next] {
            $avp(n) = $(avp(n)) + 1;
            if ($avp(n) < 3) { t_on_failure("next"); $ru = "sip:v@10.0.0." + $avp(n); t_relay(); }
        }""")
    ring(s, 486)
    transaction = next(iter(s.layer.servers.values()))
    for _ in range(2):
        branch = transaction.branches[-1]
        s.receive(response(parse(branch.data), 480))
    assert len(transaction.branches) == 3 and transaction.avps["n"][0] == 3
    assert s.lines()[-1] == "480 192.0.2.1"


def test_redirection_in_a_failure_route():
    s = stage("""
        route { t_on_failure("f"); t_relay(); }
        failure_route[f] { if ($T_reply_code == 302) { t_reply(404, "Moved away"); } }""")
    s.receive(request(world=s))
    s.receive(response(s.take()[-1], 302))
    _, final = s.take()
    assert (final.status, final.reason) == (404, "Moved away")


def test_onreply_route_of_a_branch_runs_before_that_of_the_transaction():
    s = stage("""
        modparam("tm", "onreply_avp_mode", 1)
        route { t_on_reply("all"); t_on_branch("b"); append_branch("sip:bob@10.0.0.2"); t_relay(); }
        branch_route[b] { if ($rd == "10.0.0.2") t_on_reply("two"); }
        onreply_route[all] { $avp(seen) = "all" + $rs; }
        onreply_route[two] { $avp(seen) = "two" + $rs; }""")
    s.receive(request(world=s))
    _, one, two = s.take()
    s.receive(response(one, 180))
    s.receive(response(two, 183))
    transaction = next(iter(s.layer.servers.values()))
    assert transaction.avps["seen"] == ["all183", "two183", "all180"]


def test_avps_of_an_onreply_route_are_its_own_unless_told_otherwise():
    script = """{}
        route {{ $avp(x) = "request"; t_on_reply("r"); t_relay(); }}
        onreply_route[r] {{ $avp(y) = $avp(x); }}"""
    for parameter, avps in (("", {"x": ["request"]}),
                            ('modparam("tm", "onreply_avp_mode", 1)', {"x": ["request"], "y": ["request"]})):
        s = stage(script.format(parameter))
        ring(s, 180)
        assert next(iter(s.layer.servers.values())).avps == avps


def test_drop_in_an_onreply_route_stops_provisional_responses():
    s = stage('route { t_on_reply("r"); t_relay(); } onreply_route[r] { if (t_check_status("18[0-9]|200")) drop; }')
    assert ring(s, 183, 200) == [[], ["200 192.0.2.1"]]


def test_drop_in_a_branch_route_leaves_the_branch_out():
    s = stage("""
        route { t_on_branch("b"); append_branch("sip:bob@10.0.0.2"); t_relay(); }
        branch_route[b] { if ($rd == "192.0.2.2") drop; }""")
    s.receive(request(world=s))
    assert s.lines() == ["100 192.0.2.1", "INVITE 10.0.0.2"]


def test_unknown_route_cannot_be_armed(caplog):
    caplog.set_level(logging.ERROR)
    s = stage('route { if (!t_on_failure("$var(none)x")) $var(failed) = 1; }')
    s.receive(request("OPTIONS", world=s))
    assert s.runs[0].variables == {"failed": 1}


def test_local_route_sees_requests_of_our_own():
    s = stage("""
        route { t_new_request("MESSAGE", "sip:alice@10.0.0.5", "sip:us@here.example", "Alice sip:alice@there.example",
                              "text/plain Hello Alice!", "context"); }
        local_route { if ($rm == "MESSAGE") { $avp(seen) = $avp(uac_ctx); $ru = "sip:alice@10.0.0.6"; } }""")
    s.receive(request("OPTIONS", world=s))
    sent = s.only()
    assert sent.method == "MESSAGE" and sent.uri == "sip:alice@10.0.0.6" and sent.body == b"Hello Alice!"
    assert sent.header("To") == '"Alice" <sip:alice@there.example>' and sent.content_type == "text/plain"
    transaction = next(each for each in s.layer.servers.values() if each.local)
    assert transaction.avps["seen"] == ["context"]


def test_routes_may_look_at_what_we_send(caplog):
    caplog.set_level(logging.INFO, "opensips_py.script")
    s = stage("""
        modparam("tm", "local_request_route", "own_request")
        modparam("tm", "local_reply_route", "own_reply")
        route { t_new_request("INFO", "sip:alice@10.0.0.5", "sip:us@here.example", "sip:alice@there.example");
                t_reply(404, "Nobody"); }
        route[own_request] { xlog("L_ERR", "request $rm to $ru\\n"); }
        route[own_reply] { xlog("L_ERR", "response $rs\\n"); }""")
    s.receive(request("OPTIONS", world=s))
    assert "request INFO to sip:alice@10.0.0.5" in caplog.text and "response 404" in caplog.text


def test_flags_set_later_reach_other_routes_when_flushed():
    script = """
        route {{ t_newtran(); t_on_failure("f"); t_relay(); setflag("LATE"); {} }}
        failure_route[f] {{ if (isflagset("LATE")) t_reply(480, "Flagged"); }}"""
    for flush, status in (("", 486), ("t_flush_flags();", 480)):
        s = stage(script.format(flush))
        assert ring(s, 486)[0][-1] == f"{status} 192.0.2.1"


@pytest.mark.parametrize(("dialect", "uri", "mark"), [("4.0", "sip:bob@10.0.0.1", -1), ("2.1", "sip:x@192.0.2.2", 1)])
def test_what_a_failure_route_sees(dialect, uri, mark):
    quote = '"' if dialect == "4.0" else ""
    s = stage(f"""
        route {{ $ru = "sip:x@192.0.2.2"; $du = "sip:192.0.2.2;lr"; setbflag({quote}B{quote}); t_on_failure("f");
                t_relay(); }}
        failure_route[f] {{ $avp(uri) = $ru; $avp(none) = $du == NULL; $avp(mark) = isbflagset({quote}B{quote});
                            $ru = "sip:z@10.0.0.9"; t_relay(); }}""", dialect=dialect)
    assert ring(s, 486, uri="sip:bob@10.0.0.1") == [["ACK 192.0.2.2", "INVITE 10.0.0.9"]]
    avps = next(iter(s.layer.servers.values())).avps
    assert (avps["uri"], avps["none"], avps["mark"]) == ([uri], [1], [mark])


@pytest.mark.parametrize(("end", "reason"), [
    ("answer", 'SIP ;cause=200 ;text="Call completed elsewhere"'), ("cancel", 'SIP;cause=487;text="ORIGINATOR_CANCEL"'),
    ("silence", 'SIP;cause=480;text="NO_ANSWER"')])
def test_why_a_branch_is_cancelled(end, reason):
    s = stage("""
        route { if ($rm == "CANCEL") { t_relay(); exit; }
                append_branch("sip:c@10.0.0.3"); t_relay(); }""", dialect="2.1")
    s.receive(request(world=s))
    first, second = s.take()[-2:]
    s.receive(response(first, 180))
    s.receive(response(second, 180))
    s.take()
    if end == "answer":
        s.receive(response(first, 200))
    elif end == "cancel":
        s.receive(request("CANCEL", world=s))
    else:
        s.pass_time(200)
    cancels = [each for each in s.take() if each.is_request and each.method == "CANCEL"]
    assert cancels and all(each.header("Reason") == reason for each in cancels)
