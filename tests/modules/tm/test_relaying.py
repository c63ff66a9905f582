"""t_relay, t_replicate, t_newtran through scripts."""
from __future__ import annotations

import pytest

from opensips_py.sip import address_key
from tests.transaction.stage import Stage
from tests.transaction.world import Target, request, response

LOAD = 'loadmodule "tm.so"\n'


def stage(script, dialect="4.0"):
    return Stage(LOAD + script, dialect)


def test_request_is_relayed_and_its_response_comes_back():
    s = stage("route { t_relay(); }")
    s.receive(request(world=s))
    _, invite = s.take()
    s.receive(response(invite, 200))
    assert s.lines() == ["200 192.0.2.1"]


def test_outbound_proxy_takes_what_has_no_destination():
    s = stage('route { if ($rm == "MESSAGE") $du = "sip:10.0.0.2"; t_relay(,"udp:10.0.0.1:5070"); }')
    s.receive(request("OPTIONS", world=s))
    s.take()
    assert s.places == [("10.0.0.1", 5070)]
    s.receive(request("MESSAGE", world=s, branch="z9hG4bK2"))
    s.take()
    assert s.places == [("10.0.0.2", 5060)]


@pytest.mark.parametrize(("call", "place", "trying"), [
    ('t_relay("tcp:10.0.0.1:5070")', ("10.0.0.1", 5070), True), ('t_relay("0x01")', ("192.0.2.2", 5060), False),
    ('t_relay("10.0.0.3","1")', ("10.0.0.3", 5060), False), ("t_relay()", ("192.0.2.2", 5060), True)])
def test_arguments_of_2_1(call, place, trying):
    s = stage(f"route {{ {call}; }}", "2.1")
    s.receive(request(world=s))
    sent = s.take()
    assert s.places[-1] == place and len(sent) == 1 + trying


def test_failure_is_answered_and_ends_the_script():
    s = stage('route { $ru = "sip:nowhere.example"; t_relay(); $avp(after) = 1; }')
    s.receive(request("OPTIONS", world=s))
    assert s.lines() == ["478 192.0.2.1"] and s.runs[0].avps == {}


def test_failure_can_be_left_to_the_script():
    s = stage('route { $ru = "sip:nowhere.example"; t_relay("no-auto-477"); $avp(code) = $rc; '
              '$ru = "sip:bob@10.0.0.1"; t_relay(); }')
    s.receive(request("OPTIONS", world=s))
    assert s.lines() == ["OPTIONS 10.0.0.1"] and s.runs[0].avps == {"code": [-4]}


def test_transaction_opened_by_the_script_is_answered_by_the_script():
    s = stage('route { t_newtran(); $ru = "sip:nowhere.example"; if (!t_relay()) t_reply(480, "Away"); }')
    s.receive(request("OPTIONS", world=s))
    assert s.lines() == ["480 192.0.2.1"]


def test_newtran_absorbs_retransmissions_from_then_on():
    s = stage("route { t_newtran(); $avp(n) = 1; t_relay(); }")
    s.receive(request(world=s))
    assert s.lines() == ["100 192.0.2.1", "INVITE 192.0.2.2"]
    assert s.receive(request(world=s)) and len(s.runs) == 1
    assert s.lines() == ["100 192.0.2.1"]


def test_newtran_fails_for_an_ack():
    s = stage("route { if (!t_newtran()) $var(no) = 1; }")
    s.receive(request("ACK", world=s))
    assert s.runs[0].variables == {"no": 1} and s.take() == []


def test_auto_100trying_can_be_turned_off():
    s = stage('modparam("tm", "auto_100trying", 0)\nroute { t_relay(); }')
    s.receive(request(world=s))
    assert s.lines() == ["INVITE 192.0.2.2"]


def test_dns_failover_can_be_forbidden():
    script = 'route {{ $ru = "sip:bob.example"; t_relay({}); }}'
    for flags, last in (("", "INVITE 10.0.0.2"), ('"no-dns-failover"', "500 192.0.2.1"), ('"0x04"', "500 192.0.2.1")):
        s = stage(script.format(flags))
        s.network.hosts["bob.example"] = [Target("udp", address_key(f"10.0.0.{n}", 5060)) for n in (1, 2)]
        s.receive(request(world=s))
        s.receive(response(s.take()[-1], 503))
        assert s.lines()[-1] == last


def test_copy_is_sent_and_its_answers_stay_here():
    s = stage('route { t_replicate("sip:10.0.0.1"); sl_send(); }'.replace(" sl_send();", ""))
    s.receive(request("REGISTER", world=s))
    copy = s.only()
    assert s.places == [("10.0.0.1", 5060)] and copy.uri == "sip:10.0.0.1"
    s.receive(response(copy, 200))
    assert s.take() == []
    s.pass_time(20)
    assert len(s.layer) == 0


def test_copy_needs_a_uri():
    s = stage('route { t_replicate("nonsense"); $var(code) = $rc; }')
    s.receive(request("REGISTER", world=s))
    assert s.runs[0].variables == {"code": -4} and s.take() == []


def test_no_cancel_is_followed_when_allowed():
    for flags, cancels in (("", 1), ('"allow-no-cancel"', 0)):
        s = stage(f'route {{ append_branch("sip:bob@10.0.0.2"); t_relay({flags}); }}')
        s.receive(request(world=s, headers="Request-Disposition: no-cancel\r\n"))
        _, one, two = s.take()
        s.receive(response(two, 180))
        s.receive(response(one, 200))
        assert sum(line.startswith("CANCEL") for line in s.lines()) == cancels


def test_reason_of_a_cancel_is_passed_on_when_asked():
    for flags, reason in (("", 'SIP;cause=487;text="ORIGINATOR_CANCEL"'), ('"pass-reason-hdr"', "SIP;cause=200")):
        s = stage(f"route {{ t_relay({flags}); }}")
        s.receive(request(world=s))
        s.receive(response(s.take()[-1], 180))
        s.take()
        s.receive(request("CANCEL", world=s, headers="Reason: SIP;cause=200\r\n"))
        assert s.take()[-1].header("Reason") == reason
