"""cfg/dialog.cfg: played by SIPp scenarios, and on real workers that are killed with their calls."""
from __future__ import annotations

import os
import signal
import time

import pytest

from opensips_py.mi import client
from opensips_py.testing import Phone as Handset
from opensips_py.testing import Scenario, play
from tests.live import ROOT, Server
from tests.scenarios.phone import Phone, calls_to

CONFIG = ROOT / "cfg" / "dialog.cfg"
SIPP = ROOT / "tests" / "scenarios" / "sipp"


@pytest.fixture
def proxy(opensips):
    server = opensips(CONFIG)
    server.alice, server.bob = Handset(server, "alice", "192.0.2.1"), Handset(server, "bob", "192.0.2.2")
    assert server.bob.register().status == 200
    return server


@pytest.mark.parametrize(("caller", "callee", "reason"), [
    ("call_user", "answer", "Downstream BYE"), ("call_reinvite", "answer_reinvite", "Downstream BYE"),
    ("call_hangup_by_callee", "answer_hangup", "Upstream BYE"), ("call_refused_486", "refuse_486", "")])
def test_calls_of_sipp(proxy, caller, callee, reason):
    keys = {"remote_ip": "127.0.0.1", "user": "bob"}
    play(Scenario(proxy, SIPP / f"{caller}.xml", "192.0.2.1", fields=["bob"], service="bob", keys=keys),
         Scenario(proxy, SIPP / f"{callee}.xml", "192.0.2.2"))
    assert proxy.counted("processed_dialogs") == 1 and proxy.counted("active_dialogs") == 0
    assert len(proxy.log.matching(f"talked with sip:bob.* s: {reason}")) == bool(reason)


def test_two_calls_at_a_time(proxy):
    calls = [proxy.alice.call("bob") for _ in range(3)]
    assert calls[2].final().message.reason == "Too Many Calls" and proxy.counted("processed_dialogs") == 3
    assert proxy.mi("dialog:profile_get_values", "caller") == [{"value": "sip:alice@127.0.0.1", "count": 2}]


def test_the_time_of_a_call_is_over(proxy):
    call = proxy.alice.call("bob")
    proxy.bob.answer()
    call.ack()
    for _ in range(7200 // 30 + 1):
        proxy.advance(30)
        for phone in (proxy.alice, proxy.bob):
            for each in [each for each in phone.inbox if each.method == "OPTIONS" and not each.status]:
                phone.answer(each)
            phone.inbox[:] = [each for each in phone.inbox if each.method != "OPTIONS"]
    assert proxy.alice.last("BYE").header("Reason").startswith("Q.850;cause=102") and proxy.bob.last("BYE")


# --- on real workers ------------------------------------------------------------------------------------------------

LIVE = """log_level=3
stderror_enabled=yes
syslog_enabled=no
workers=2
socket=udp:127.0.0.1:@PORT@
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sipmsgops.so"
loadmodule "mi_fifo.so"
modparam("mi_fifo", "fifo_name", "@RUN@/fifo")
modparam("mi_fifo", "reply_dir", "@RUN@/")
loadmodule "dialog.so"
modparam("dialog", "profiles_with_value", "user")

route {
	if (has_totag()) {
		loose_route();
		t_relay();
		exit;
	}
	if (is_method("OPTIONS")) {
		sl_send_reply(200, "OK");
		exit;
	}
	if (is_method("INVITE")) {
		create_dialog("bye-on-timeout");
		if ($rU =~ "^short")
			$DLG_timeout = 3;
		set_dlg_profile("user", $rU);
		$dlg_val(user) = $rU;
		record_route();
		$du = "sip:127.0.0.1:@CALLEE@";
	}
	t_relay();
}
"""
LONG, SHORT = [f"long{number}" for number in range(4)], [f"short{number}" for number in range(4)]


def listed(server: Server) -> dict[str, dict[str, object]]:
    """The dialogs of all workers by Call-ID."""
    answer = client.ask(str(server.folder / "fifo"), "dialog:list_ctx", [], str(server.folder))
    return {each["callid"]: each for each in answer["Dialogs"]}


def sizes(server: Server) -> dict[str, int]:
    """How many calls each user has."""
    answer = client.ask(str(server.folder / "fifo"), "dialog:profile_get_values", ["user"], str(server.folder))
    return {each["value"]: each["count"] for each in answer}


def byes_of(phone: Phone, calls, seconds: float = 40.0):
    """The BYEs that *phone* gets for *calls*: each is answered, and comes once, sent again at most."""
    heard = phone.take("BYE", [each.id for each in calls], seconds)
    for each in heard.values():
        phone.send(each.answer(200))
    return heard


def test_calls_outlive_their_workers():
    callee = Phone(0)
    with Server(LIVE, CALLEE=callee.port) as server:
        caller = Phone(server.port)
        callee.server = caller.server
        long, short = calls_to(caller, callee, LONG, answer=True), calls_to(caller, callee, SHORT, answer=True)
        for victim in server.workers():
            os.kill(victim, signal.SIGKILL)
        server.wait_until_up()
        assert {each.id for each in long} <= set(listed(server)) <= {each.id for each in long + short}
        for phone in (caller, callee):
            byes_of(phone, short)
        wait_for(lambda: set(listed(server)) == {each.id for each in long})
        assert sizes(server) == dict.fromkeys(LONG, 1)
        again = calls_to(caller, callee, SHORT, answer=True)
        server.kill_all()
        time.sleep(3.2)  # their time is over while nobody is there: only waiting makes that happen
        server.start()
        heard = [byes_of(phone, again) for phone in (caller, callee)]
        assert all(each.get("CSeq") in ("1 BYE", "2 BYE") for some in heard for each in some.values())
        wait_for(lambda: set(listed(server)) == {each.id for each in long})
        assert sizes(server) == dict.fromkeys(LONG, 1)
        found = listed(server)
        assert all({"user": each.user} in found[each.id]["context"]["values"] for each in long)
        for each in long:
            caller.send(caller.within(each, "BYE"))
        for bye in callee.take("BYE", [each.id for each in long]).values():
            callee.send(bye.answer(200))
        caller.take("200 BYE", [each.id for each in long])
        assert listed(server) == {} and sizes(server) == {}
        for phone in (caller, callee):
            phone.close()


def wait_for(condition, seconds: float = 10.0) -> None:
    """Until *condition* holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
