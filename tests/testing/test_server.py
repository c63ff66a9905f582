"""The server under test: time, network, what is known of it, and what it refuses."""
import time

import pytest

from opensips_py.errors import ConfigError
from opensips_py.testing import Phone, Scenario, play, request, response

RELAY = """
socket=udp:192.0.2.9:5060
socket=tcp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "proto_tcp.so" loadmodule "signaling.so" loadmodule "sl.so" loadmodule "tm.so"
loadmodule "cfgutils.so"
startup_route { xlog("L_NOTICE", "begun"); }
timer_route[often, 5] { xlog("L_NOTICE", "tick"); }
route {
	$var(user) = $rU;
	if ($rU == "sleepy") sleep(3);
	if ($rU == "event") raise_event("E_TEST", $avp(none));
	if ($rm == "MESSAGE") { send_reply(202, "Later"); exit; }
	t_relay();
}
"""


@pytest.fixture
def relay(opensips):
    return opensips(text=RELAY, dns={"far.example": {"SRV": ["10 0 5070 one.far.example."], "A": ["192.0.2.66"]},
                                     "_sip._udp.far.example": {"SRV": ["1 0 5070 one.far.example.",
                                                                       "2 0 5080 two.far.example."]},
                                     "one.far.example": {"A": ["192.0.2.7"]}, "two.far.example": {"A": ["192.0.2.8"]}})


def test_time_stands_still_and_passes_at_once(relay):
    began, real = time.time(), time.perf_counter()
    relay.receive(request("INVITE", "sip:bob@192.0.2.5"), "192.0.2.1")
    sent = relay.advance(40)
    assert time.time() - began == pytest.approx(40) and time.perf_counter() - real < 5
    # Timer A of RFC 3261, and the 408 once timer B has fired
    assert [round(each.at - began, 1) for each in sent if each.method == "INVITE" and not each.status][:3] == [
        pytest.approx(0.5, abs=0.11), pytest.approx(1.5, abs=0.21), pytest.approx(3.5, abs=0.31)]
    assert 408 in [each.status for each in sent]


def test_the_clock_is_real_again_afterwards(relay):
    relay.close()
    assert time.time() > 1_750_000_000


def test_startup_and_timer_routes(relay):
    relay.advance(11)
    assert relay.log == ["NOTICE begun", "NOTICE tick", "NOTICE tick"]


def test_a_route_that_sleeps_waits_for_the_clock(relay):
    assert relay.receive(request("MESSAGE", "sip:sleepy@192.0.2.5"), "192.0.2.1") == []
    assert [each.status for each in relay.receive(request("MESSAGE", "sip:x@192.0.2.5"), "192.0.2.1")] == [202]
    assert [each.status for each in relay.advance(3.2)] == [202]


def test_variables_statistics_events_and_management(relay):
    relay.receive(request("MESSAGE", "sip:event@192.0.2.5"), "192.0.2.1")
    assert relay.variables == {"user": "event"}
    assert [name for name, _ in relay.events] == ["E_TEST"]
    assert relay.counted("sl:2xx_replies") == 1
    assert relay.mi("get_statistics", ["sl:2xx_replies"]) == {"sl:2xx_replies": 1}
    with pytest.raises(KeyError):
        relay.counted("sl:nothing")


def test_names_come_from_the_table_and_fail_over(relay):
    relay.network.unreachable.add(("192.0.2.7", 5070))
    relay.receive(request("INVITE", "sip:bob@far.example"), "192.0.2.1")
    relay.advance(0.3)
    assert [(each.host, each.port) for each in relay.take() if not each.status] == [("192.0.2.8", 5080)]
    assert ("_sip._udp.far.example", "SRV") in relay.zone.asked


def test_tcp_answers_on_its_connection(relay):
    sent = relay.receive(request("MESSAGE", "sip:x@192.0.2.5", protocol="tcp"), "192.0.2.1", 40000, "tcp")
    assert [(each.protocol, each.port, each.status) for each in sent] == [("tcp", 40000, 202)]
    assert len(list(relay.network.connections())) == 1


def test_responses_travel_back(relay):
    (trying, invite) = relay.receive(request("INVITE", "sip:bob@192.0.2.5"), "192.0.2.1")
    assert (trying.status, invite.host) == (100, "192.0.2.5")
    (ok,) = relay.receive(response(invite.message, 200, headers={"X-Test": "1"}), "192.0.2.5")
    assert (ok.host, ok.header("X-Test")) == ("192.0.2.1", "1")


def test_a_reload_keeps_what_is_on_its_way(relay):
    relay.receive(request("INVITE", "sip:bob@192.0.2.5"), "192.0.2.1")
    invite = relay.take()[1]
    relay.reload(RELAY.replace("202", "299"))
    assert [each.status for each in relay.receive(request("MESSAGE", "sip:x@192.0.2.5"), "192.0.2.1")] == [299]
    assert [each.status for each in relay.receive(response(invite.message, 486), "192.0.2.5")][-1] == 486
    with pytest.raises(ConfigError, match="t_rely"):
        relay.reload(RELAY.replace("t_relay", "t_rely"))
    assert [each.status for each in relay.receive(request("MESSAGE", "sip:y@192.0.2.5"), "192.0.2.1")] == [299]


def test_every_error_of_a_configuration_is_told(opensips):
    with pytest.raises(ConfigError) as refused:
        opensips(text='route { t_rely(); xlogg("x"); }')
    assert "t_rely" in str(refused.value) and "xlogg" in str(refused.value)


def test_more_than_one_message_is_not_the_one(relay):
    relay.receive(request("INVITE", "sip:bob@192.0.2.5"), "192.0.2.1")
    with pytest.raises(AssertionError, match=r"2 messages left: 100 to INVITE to udp:192.0.2.1:5060, INVITE"):
        relay.take_one()


def test_a_scenario_that_gets_stuck_says_where(relay, tmp_path):
    path = tmp_path / "x.xml"
    path.write_text('<scenario><send><![CDATA[\nMESSAGE sip:x@1.2.3.4 SIP/2.0\nVia: SIP/2.0/UDP [local_ip];branch='
                    '[branch]\nFrom: <sip:a@b>;tag=1\nTo: <sip:a@b>\nCall-ID: [call_id]\nCSeq: 1 MESSAGE\n'
                    'Max-Forwards: 9\nContent-Length: 0\n]]></send><recv response="200"/></scenario>')
    with pytest.raises(AssertionError, match=r"step 2, <recv 200>.*202 to MESSAGE"):
        play(Scenario(relay, path, "192.0.2.1"))
    path.write_text("<scenario><exec/></scenario>")
    with pytest.raises(ConfigError, match="<exec> is not understood"):
        Scenario(relay, path, "192.0.2.1")


def test_a_phone_that_received_nothing_says_what_it_has(relay):
    phone = Phone(relay, "x", "192.0.2.40")
    with pytest.raises(AssertionError, match="x has not received INVITE; it has: nothing"):
        phone.last("INVITE")


def test_phones_hear_what_leaves_after_the_test_has_taken_the_rest(relay):
    bob = Phone(relay, "bob", "192.0.2.5")
    for number in (1, 2):
        relay.receive(request("OPTIONS", "sip:bob@192.0.2.5", call_id=f"c{number}"), "192.0.2.1")
        relay.take()
        assert bob.last("OPTIONS").message.call_id == f"c{number}"
