"""What the account of a traced call holds: on the real engine, with the network and the clock of a test."""
from __future__ import annotations

import json
import logging

import pytest

from opensips_py.errors import MIError
from opensips_py.module import trace
from opensips_py.module.run import Route
from opensips_py.server import tracing
from opensips_py.testing import Server, request, response

HEAD = """
socket=udp:192.0.2.9:5060
loadmodule "proto_udp.so" loadmodule "signaling.so" loadmodule "sl.so" loadmodule "tm.so" loadmodule "rr.so"
loadmodule "maxfwd.so" loadmodule "sipmsgops.so" loadmodule "usrloc.so" loadmodule "registrar.so"
loadmodule "cfgutils.so"
"""
PROXY = HEAD + """
log_level=2
route {
	if (!mf_process_maxfwd_header(10)) {
		sl_send_reply(483, "Too Many Hops");
		exit;
	}
	$var(who) = $rU;
	$avp(password) = "swordfish";
	if ($rm == "OPTIONS") { xlog("L_DBG", "asked by $fU"); sl_send_reply(200, "Here"); exit; }
	if (has_totag()) { loose_route(); t_relay(); exit; }
	if ($var(who) == "bob" && $fU != "eve")
		record_route();
	local int $n = 2;
	$n += 1;
	t_on_branch("out");
	t_on_reply("back");
	t_on_failure("bad");
	route(relay, $n);
}
route[relay] {
	$du = "sip:192.0.2.5:5060";
	return(t_relay());
}
branch_route[out] { append_hf("X-Branch: $T_branch_idx\\r\\n"); }
onreply_route[back] { append_hf("X-Status: $rs\\r\\n"); }
failure_route[bad] { t_reply(480, "Nobody"); }
"""
PEER = "192.0.2.5"


@pytest.fixture(scope="module")
def running():
    with Server(text=PROXY, dns={"sip.example.net": {"A": ["192.0.2.7"]}}) as server:
        yield server


@pytest.fixture
def server(running):
    yield running
    running.mi("trace_off")
    running.engine.tracing.accounts.clear()
    running.take()


def of(server, call_id):
    """The events of a call."""
    return server.mi("explain", call_id)["events"]


def kinds(events, kind, *names):
    """The events of one kind, without what is the same in all."""
    return [tuple(each.get(name) for name in names) for each in events if each["kind"] == kind]


def called(server, message):
    """Trace a call that *message* begins; the INVITE as it left."""
    server.mi("trace_on", user="alice")
    server.receive(message, "192.0.2.1")
    return next(each for each in server.take() if each.data.startswith(b"INVITE"))


# Lines and values


def test_each_line_is_told_with_what_it_read_and_wrote(server):
    called(server, request("INVITE", "sip:bob@192.0.2.9", call_id="lines"))
    account = server.mi("explain", "lines")
    events = account["events"]
    first = PROXY[:PROXY.index("route {")].count("\n") + 1
    ran = [line - first for (line,) in kinds(events, "line", "line")]
    assert ran == [1, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 19, 20, 22]
    assert kinds(events, "read", "name", "value") == [
        ("$rU", "bob"), ("$rm", "INVITE"), ("$var(who)", "bob"), ("$fU", "alice"), ("$n", 2), ("$n", 3),
        ("$T_branch_idx", 0)]
    assert kinds(events, "write", "name", "value") == [
        ("$var(who)", "bob"), ("$avp(password)", "***"), ("$n", 2), ("$n", 3), ("$du", "sip:192.0.2.5:5060")]
    assert [each for (each,) in kinds(events, "test", "result")] == [False, False, False, True]
    [lines] = account["lines"].values()
    assert lines[str(first + 5)].strip() == "$var(who) = $rU;"
    assert "swordfish" not in json.dumps(account)


def test_functions_are_told_with_arguments_results_and_time(server):
    called(server, request("INVITE", "sip:bob@192.0.2.9", call_id="calls"))
    events = of(server, "calls")
    calls = {each["function"]: each for each in events if each["kind"] == "call"}
    hops = calls["mf_process_maxfwd_header"]
    assert (hops["arguments"], hops["result"], hops["meaning"]) == ([10], 1, "DECREASED")
    assert calls["append_hf"]["arguments"] == ["X-Branch: 0\r\n"]
    assert calls["has_totag"]["result"] == -1 and calls["t_relay"]["waits"]
    assert all(each["took"] >= 0 and each["began"] <= each["t"] for each in calls.values())
    times = [each["t"] for each in events]
    assert times == sorted(times)


def test_routes_are_entered_and_left(server):
    called(server, request("INVITE", "sip:bob@192.0.2.9", call_id="routes"))
    events = of(server, "routes")
    assert kinds(events, "enter", "route", "depth", "run", "type") == [
        ("route", 0, 1, "REQUEST"), ("route[relay]", 1, 1, "REQUEST"), ("branch_route[out]", 0, 2, "BRANCH")]
    assert kinds(events, "leave", "route", "depth", "run", "code") == [
        ("branch_route[out]", 0, 2, 1), ("route[relay]", 1, 1, 1), ("route", 0, 1, 1)]


def test_messages_are_told_with_what_was_changed(server):
    out = called(server, request("INVITE", "sip:bob@192.0.2.9", call_id="messages", max_forwards=9))
    server.receive(response(out.data, 180), PEER)
    sent = [each for each in of(server, "messages") if each["kind"] == "out"]
    assert [each["message"].partition("\r\n")[0] for each in sent] == [
        "SIP/2.0 100 Trying", "INVITE sip:bob@192.0.2.9 SIP/2.0", "SIP/2.0 180 Ringing"]
    assert sent[0]["own"] and sent[0]["target"] == "udp:192.0.2.1:5060"
    added = [line for sign, line in sent[1]["changes"] if sign == "+"]
    assert ["-", "Max-Forwards: 9"] in sent[1]["changes"] and "Max-Forwards: 8" in added
    assert any(each.startswith("Record-Route: <sip:192.0.2.9") for each in added) and "X-Branch: 0" in added
    assert [line[:4] for sign, line in sent[2]["changes"] if sign == "-"] == ["Via:"]
    assert ["+", "X-Status: 180"] in sent[2]["changes"]


def test_the_whole_call_is_one_account(server):
    invite = request("INVITE", "sip:bob@192.0.2.9", call_id="whole", contact="sip:alice@192.0.2.1")
    out = called(server, invite)
    answer = response(out.data, 200, contact="sip:bob@192.0.2.5")
    server.receive(answer, PEER)
    for method, cseq in (("ACK", 1), ("BYE", 2)):
        bye = request(method, "sip:bob@192.0.2.5", call_id="whole", cseq=cseq, to="sip:bob@192.0.2.9", to_tag="b",
                      headers={"Route": "<sip:192.0.2.9;lr;ftag=a>"})
        server.receive(bye, "192.0.2.1")
    events = of(server, "whole")
    came = [each["message"].split(" ")[0] for each in events if each["kind"] == "in"]
    assert came == ["INVITE", "SIP/2.0", "ACK", "BYE"]
    assert [route for (route,) in kinds(events, "enter", "route")] == [
        "route", "route[relay]", "branch_route[out]", "onreply_route[back]", "route", "route"]
    assert [each["function"] for each in events if each["kind"] == "call"].count("loose_route") == 2


def test_failure_cancel_and_repetition_are_told(server):
    invite = request("INVITE", "sip:bob@192.0.2.9", call_id="failed")
    out = called(server, invite)
    server.advance(0.6)
    server.receive(invite, "192.0.2.1")
    server.receive(response(out.data, 486), PEER)
    events = of(server, "failed")
    repeated = [(each["kind"], each["message"].split(" ")[0]) for each in events if each.get("repeated")]
    assert repeated == [("out", "INVITE"), ("in", "INVITE"), ("out", "SIP/2.0")]
    assert ("transaction", "all branches failed; the best is branch 0: 486") in kinds(events, "note", "about", "text")
    assert kinds(events, "enter", "route")[-1] == ("failure_route[bad]",)
    assert [each["arguments"] for each in events if each.get("function") == "t_reply"] == [[480, "Nobody"]]


def test_silence_is_told(server):
    called(server, request("INVITE", "sip:bob@192.0.2.9", call_id="silent"))
    server.advance(40)
    texts = [text for (text,) in kinds(of(server, "silent"), "note", "text")]
    assert "all branches failed; the best is branch 0: no answer in time (408)" in texts


def test_what_is_secret_is_masked(server):
    digest = 'Digest username="alice", realm="x", nonce="n", uri="sip:x", response="0123456789abcdef", cnonce="abc"'
    headers = {"Proxy-Authorization": digest, "Authorization": "Basic YWxpY2U6c3dvcmQ="}
    body = "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20\r\n"
    called(server, request("INVITE", "sip:bob@192.0.2.9", call_id="secret", headers=headers, body=body))
    kept = json.dumps(server.mi("explain", "secret"))
    for secret in ("0123456789abcdef", '"abc"', "YWxpY2U6c3dvcmQ", "WVNfX19z"):
        assert secret not in kept
    assert "username" in kept and "response=***" in kept and "inline:***" in kept


# Failures


def fails(run):
    raise RuntimeError("the disk is full")


def test_a_function_that_fails_appears(monkeypatch):
    text = HEAD + "route { script_trace(3, \"x\"); sl_send_reply(200, \"OK\"); }"
    with Server(text=text) as server:
        bound = server.engine.generation.registry.functions["script_trace"]
        object.__setattr__(bound, "call", lambda *given: fails(given))
        server.mi("trace_on", method="OPTIONS")
        server.receive(request("OPTIONS", "sip:x@192.0.2.9", call_id="bad"), "192.0.2.1")
        events = of(server, "bad")
    [broken] = [each for each in events if each.get("function") == "script_trace"]
    assert broken["error"] == "RuntimeError: the disk is full" and "result" not in broken
    logged, *_ = [each for each in events if each.get("about") == "log" and "error" in each["data"]]
    assert logged["data"]["error"] == "RuntimeError: the disk is full" and logged["data"]["level"] == "ERROR"
    assert [each["result"] for each in events if each.get("function") == "sl_send_reply"] == [1]


def test_what_cannot_be_assigned_appears():
    text = HEAD + 'route { $ru = NULL; $var(x) = $var(none) + 1; sl_send_reply(200, "OK"); }'
    with Server(text=text) as server:
        server.mi("trace_on", method="OPTIONS")
        server.receive(request("OPTIONS", "sip:x@192.0.2.9", call_id="bad"), "192.0.2.1")
        events = of(server, "bad")
    assert kinds(events, "error", "text") == [
        ("the assignment to $ru: ValueError: a request cannot be without its URI",)]
    assert ("script", "$var(x) keeps its value: what is assigned cannot be computed") in kinds(
        events, "note", "about", "text")


# Who is traced


def options(server, call_id, host="192.0.2.1", **more):
    server.receive(request("OPTIONS", "sip:x@192.0.2.9", call_id=call_id, **more), host)


def traced(server):
    return {each["call_id"] for each in server.mi("trace_status")["calls"]}


@pytest.mark.parametrize(("selector", "picked"), [
    ({"call_id": "one"}, {"one"}), ({"ip": "192.0.2.2"}, {"two"}), ({"ip": "192.0.2.0/30"}, {"one", "two"}),
    ({"user": "carol"}, {"three"}), ({"method": "options"}, {"one", "two", "three"}), ({"method": "INVITE"}, set()),
    ({"user": "carol", "ip": "192.0.2.2"}, set()), ({"user": "x"}, {"one", "two", "three"})])
def test_selectors(server, selector, picked):
    server.mi("trace_on", **selector)
    options(server, "one")
    options(server, "two", "192.0.2.2")
    options(server, "three", "192.0.2.77", sender="sip:carol@example.org")
    assert traced(server) == picked


def test_a_selector_picks_no_more_than_it_may(server):
    server.mi("trace_on", method="OPTIONS", calls=2)
    for each in "abc":
        options(server, each)
    options(server, "a", headers={"X": "again"})
    assert traced(server) == {"a", "b"}
    [row] = server.mi("trace_status")["selectors"]
    assert (row["picked"], row["calls_left"]) == (2, 0)
    assert len([each for each in of(server, "a") if each["kind"] == "in"]) == 2


def test_a_selector_ends_by_itself(server):
    server.mi("trace_on", method="OPTIONS", seconds=5)
    server.advance(3)
    options(server, "in time")
    server.advance(4)
    options(server, "late")
    assert traced(server) == {"in time"}
    assert server.mi("trace_status")["selectors"] == [] and not server.engine.tracing.active


def test_nothing_is_in_the_way_of_messages_while_nothing_is_traced(server):
    reception, generation = server.engine.reception, server.engine.generation

    def untouched():
        return (reception.entry == reception.receive and reception.main is generation.main
                and reception.on_reply is generation.on_reply and server.engine.transports.on_sent is None
                and server.engine.resolver.records.used is None
                and reception.route_begins is generation.registry.hooks.request_route_begins)
    assert untouched()
    server.mi("trace_on", user="nobody")
    assert not untouched()
    assert server.mi("trace_off")["ended"] == ["1"]
    assert untouched()


def test_a_wrong_selector_is_refused(server):
    for wrong in ({}, {"ip": "here"}, {"user": "x", "level": 9}, {"user": "x", "seconds": -1}):
        with pytest.raises(MIError):
            server.mi("trace_on", **wrong)
    with pytest.raises(MIError):
        server.mi("trace_off", name="7")
    with pytest.raises(MIError, match="there is no account of nobody"):
        server.mi("explain", "nobody")


# Bounds


def test_old_accounts_make_room(server, monkeypatch):
    monkeypatch.setattr(tracing, "RING", 3)
    server.mi("trace_on", method="OPTIONS")
    for each in "abcde":
        options(server, each)
    assert traced(server) == {"c", "d", "e"}


def test_an_account_does_not_grow_without_end(server, monkeypatch):
    monkeypatch.setattr(trace, "EVENTS", 10)
    monkeypatch.setattr(trace, "ROOM", 400)
    server.mi("trace_on", method="OPTIONS")
    options(server, "long", headers={"X": "y" * 1000})
    found = server.mi("explain", "long")
    assert len(found["events"]) == 10 and found["dropped"] > 5
    assert found["events"][0]["message"] == "OPTIONS sip:x@192.0.2.9 SIP/2.0"


# What modules report


def test_dns_answers_are_told(server):
    server.mi("trace_on", method="INVITE")
    text = PROXY.replace("sip:192.0.2.5:5060", "sip:sip.example.net:5070")
    server.reload(text)
    try:
        for call_id in ("first", "second"):
            server.receive(request("INVITE", "sip:bob@192.0.2.9", call_id=call_id), "192.0.2.1")
        told = [each for call_id in ("first", "second") for each in of(server, call_id) if each.get("about") == "dns"]
        assert [(each["text"], each["data"]["cached"]) for each in told] == [
            ("sip.example.net A: 192.0.2.7", False), ("sip.example.net A: 192.0.2.7", True)]
    finally:
        server.reload(PROXY)


USRLOC = HEAD + """
modparam("usrloc", "working_mode_preset", "single-instance-no-db")
route {
	if ($rm == "REGISTER") { save("location"); exit; }
	if (!lookup("location")) { sl_send_reply(404, "Not Found"); exit; }
	t_relay();
}
"""


def test_the_contacts_found_are_told():
    with Server(text=USRLOC) as server:
        server.mi("trace_on", method="INVITE")
        server.receive(request("REGISTER", "sip:192.0.2.9", sender="sip:bob@192.0.2.9", to="sip:bob@192.0.2.9",
                               contact="sip:bob@192.0.2.6", headers={"Expires": "60"}), "192.0.2.6")
        for call_id, user in (("found", "bob"), ("missing", "carl")):
            server.receive(request("INVITE", f"sip:{user}@192.0.2.9", call_id=call_id), "192.0.2.1")
        [found] = [each for each in of(server, "found") if each.get("about") == "usrloc"]
        [missing] = [each for each in of(server, "missing") if each.get("about") == "usrloc"]
    assert found["text"].endswith(" has 1 contact") and missing["text"].endswith(" has nothing")
    [row] = found["data"]["rows"]
    assert row["contact"] == "sip:bob@192.0.2.6" and 0 < row["expires"] <= 60


HELPER = HEAD + 'loadmodule "script_helper.so"\nroute { $du = "sip:192.0.2.5"; t_relay(); }'


def test_what_modules_do_by_themselves_is_told():
    with Server(text=HELPER) as server:
        server.mi("trace_on", user="alice")
        server.receive(request("INVITE", "sip:bob@192.0.2.9", call_id="auto"), "192.0.2.1")
        server.receive(request("BYE", "sip:bob@192.0.2.5", call_id="auto", cseq=2, to_tag="b",
                               headers={"Route": "<sip:192.0.2.9;lr;ftag=a>"}), "192.0.2.1")
        events = of(server, "auto")
    told = [text for about, text in kinds(events, "note", "about", "text") if about == "script_helper"]
    assert told == ["record-routes a request outside of a dialog",
                    "a request within a dialog follows its Route to sip:bob@192.0.2.5",
                    "has done all that there was to do: the request route does not run"]
    assert len(kinds(events, "enter", "route")) == 1
    assert [each["message"].split()[0] for each in events if each["kind"] == "out"].count("BYE") == 1


# Log levels


@pytest.mark.parametrize(("command", "recorded"), [("trace_log", False), ("trace_on", True)])
def test_the_log_level_of_one_call(server, command, recorded):
    lines = []

    class Kept(logging.Handler):
        def emit(self, record):
            lines.append(record.getMessage())
    kept = Kept()
    logging.getLogger().addHandler(kept)
    try:
        server.mi(command, user="carol", level=4)
        options(server, "quiet")
        options(server, "loud", sender="sip:carol@example.org")
        logging.getLogger("opensips_py.anything").debug("of nobody")
        assert lines == ["asked by carol"]
        assert ("loud" in traced(server)) is recorded
        server.mi("trace_off")
        options(server, "over", sender="sip:carol@example.org")
        assert lines == ["asked by carol"]
        assert logging.getLogger("opensips_py").level == 25
    finally:
        logging.getLogger().removeHandler(kept)


def test_log_levels_and_accounts_outlive_a_reload(server):
    server.mi("trace_on", user="carol", level=4)
    server.reload(PROXY)
    options(server, "after", sender="sip:carol@example.org")
    events = of(server, "after")
    assert ("log", "asked by carol") in kinds(events, "note", "about", "text")
    assert ("sl_send_reply",) in kinds(events, "call", "function")


def test_a_call_goes_on_with_the_script_that_it_began_with(server):
    out = called(server, request("INVITE", "sip:bob@192.0.2.9", call_id="pinned"))
    server.reload(PROXY.replace("X-Status: $rs", "X-New: $rs"))
    try:
        server.receive(response(out.data, 180), PEER)
        [forwarded] = server.take()
        assert b"X-Status: 180" in forwarded.data
        assert any(each.get("arguments") == ["X-Status: 180\r\n"] for each in of(server, "pinned"))
    finally:
        server.reload(PROXY)


def test_routes_that_an_event_sets_off_belong_to_the_call():
    text = HEAD + 'route { raise_event("E_SCRIPT_EVENT"); exit; }\nevent_route[E_SCRIPT_EVENT] { $var(x) = 5; }'
    with Server(text=text) as server:
        server.mi("trace_on", method="OPTIONS")
        options(server, "event")
        entered = kinds(of(server, "event"), "enter", "route", "type")
    assert entered == [("route", "REQUEST"), ("event_route[E_SCRIPT_EVENT]", "EVENT")]


def test_another_worker_follows_a_call_that_one_has_picked(server):
    server.mi("trace_on", user="alice")
    server.engine.tracing.follow_call(1, "elsewhere", None, True)
    options(server, "elsewhere", sender="sip:other@example.org")
    assert "elsewhere" in traced(server)
    assert Route.REQUEST.name in [each[0] for each in kinds(of(server, "elsewhere"), "enter", "type")]
