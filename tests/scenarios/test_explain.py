"""A call through two workers, explained: what the operator sees from the first line to the last."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.live import ROOT, SIPP, Server, Sipp, bound, free_ports
from tests.scenarios.flows import mi, until

CONFIG = """
log_level=2
stderror_enabled=yes
syslog_enabled=no
workers=2
socket=udp:127.0.0.1:@PORT@
loadmodule "proto_udp.so"
loadmodule "signaling.so"
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "sipmsgops.so"
loadmodule "maxfwd.so"
loadmodule "mi_fifo.so"
modparam("mi_fifo", "fifo_name", "@RUN@/fifo")
modparam("mi_fifo", "reply_dir", "@RUN@")

route {
	if ($rm == "OPTIONS") {
		sl_send_reply(200, "Here");
		exit;
	}
	if (has_totag()) {
		loose_route();
		t_relay();
		exit;
	}
	$var(port) = $(rU{s.select,1,-});
	xlog("L_DBG", "a call to $var(port)\\n");
	record_route();
	t_on_reply("answered");
	route(out, $var(port));
}

route[out] {
	$du = "sip:127.0.0.1:" + $param(1);
	t_relay();
}

onreply_route[answered] {
	append_hf("X-Seen: $rs\\r\\n");
}
"""
pytestmark = pytest.mark.skipif(SIPP is None, reason="sipp is not installed")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(CONFIG) as running:
        yield running


def tool(server: Server, *arguments: str) -> str:
    ran = subprocess.run([sys.executable, "-m", "opensips_py", *arguments, "-f", str(server.config)], cwd=ROOT,
                         capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


CALLS = 20  # so many that chance gives no worker all of them


def play(server: Server, calls: int) -> None:
    target, own = free_ports(2)
    answering = Sipp("answer.xml", target, calls=calls, folder=server.folder)
    until(lambda: bound(target), 30)
    calling = Sipp("call.xml", own, "-d", "0", target=server.port, calls=calls, folder=server.folder,
                   keys={"user": f"to-{target}"})
    assert calling.finish()["failed"] == 0 and answering.finish()["failed"] == 0


def test_a_call_is_explained_whole(server: Server) -> None:
    assert "selector 1 traces calls for 600 s" in tool(server, "trace", "on", "--method", "INVITE", "--level", "4")
    play(server, CALLS)
    status = json.loads(tool(server, "trace", "status", "--json"))
    assert len(status["calls"]) == CALLS
    assert {each["worker"] for each in status["calls"]} == {0, 1}, "one worker has seen all calls"
    assert sum(each["picked"] for each in status["selectors"]) == CALLS
    for each in status["calls"]:
        check(mi(server, "explain", each["call_id"]))
    text = tool(server, "explain", status["calls"][0]["call_id"])
    for part in ("▶ INVITE sip:to-", "┌ route  ", "$var(port) ←", "record_route() → 1", "│ ┌ route[out]",
                 "t_relay() → 1", "+ Record-Route: <sip:127.0.0.1",
                 "┌ onreply_route[answered]", 'append_hf("X-Seen: 200\\r\\n") → 1',
                 "▶ BYE ", "loose_route() → 1", "• log: a call to "):
        assert part in text, f"{part} is not in\n{text}"
    assert server.log.count("a call to ") == CALLS
    assert tool(server, "trace", "off") == "ended: 1\n"
    play(server, 1)
    assert len(mi(server, "trace_status")["calls"]) == CALLS
    assert server.log.count("a call to ") == CALLS, "logged though nothing is traced"


def check(account: dict) -> None:
    """An account of one call, from INVITE to BYE."""
    came = [each["message"].split(" ")[0] for each in account["events"] if each["kind"] == "in"]
    assert [each for each in came if each != "SIP/2.0"] == ["INVITE", "ACK", "BYE"]
    entered = [each["route"] for each in account["events"] if each["kind"] == "enter"]
    assert entered.count("route") == 3 and "route[out]" in entered and "onreply_route[answered]" in entered
    assert all(each["worker"] == account["workers"][0] for each in account["events"])
    relayed = [each for each in account["events"] if each["kind"] == "out" and each["message"].startswith("INVITE")]
    assert [sign for sign, _ in relayed[0]["changes"]] == ["+", "+"], "a Via and a Record-Route"
    lines = {line.strip() for numbered in account["lines"].values() for line in numbered.values()}
    assert {"record_route();", "loose_route();", 'append_hf("X-Seen: $rs\\r\\n");'} <= lines


def test_a_worker_that_is_replaced_goes_on_tracing(server: Server) -> None:
    mi(server, "trace_on", "", "", "", "INVITE")
    before = server.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
        until(lambda gone=pid: len(server.workers()) == 2 and gone not in server.workers(), 20)
    server.wait_until_up()
    until(lambda: [each["workers"] for each in mi(server, "trace_status")["selectors"]] == [[0, 1]], 20)
    play(server, 4)
    assert len(mi(server, "trace_status")["calls"]) == 4
    mi(server, "trace_off")


def test_follow_prints_as_it_happens(server: Server) -> None:
    mi(server, "trace_on", "", "", "", "INVITE")
    play(server, 1)
    call_id = mi(server, "trace_status")["calls"][-1]["call_id"]
    with subprocess.Popen([sys.executable, "-m", "opensips_py", "explain", call_id, "--follow", "-f",
                           str(server.config)], cwd=ROOT, stdout=subprocess.PIPE,
                          text=True) as following:
        assert following.stdout is not None
        assert following.stdout.readline().startswith(f"Call {call_id}")
        assert "▶ INVITE" in following.stdout.readline()
        following.send_signal(signal.SIGINT)
    mi(server, "trace_off")
