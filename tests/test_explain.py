"""Accounts of calls in the terminal, and the sub-commands that ask for them."""
import json
import re

import pytest
from typer.testing import CliRunner

from opensips_py import cli_calls
from opensips_py.cli import app
from opensips_py.errors import MIError
from opensips_py.explain import Account, clock, heading, value
from opensips_py.mi import client

LINES = {"a.cfg": {"3": "\tif ($rU == \"bob\")", "4": "\t\tt_relay();", "9": "append_hf(\"X: y\");"}}
INVITE = "INVITE sip:bob@b SIP/2.0\r\nVia: SIP/2.0/UDP c\r\nCSeq: 1 INVITE\r\n\r\n"
EVENTS = [
    {"t": 10, "kind": "in", "source": "udp:192.0.2.1:5060", "listener": "x", "message": INVITE},
    {"t": 11, "kind": "enter", "run": 1, "depth": 0, "route": "route", "file": "a.cfg", "line": 2, "type": "REQUEST"},
    {"t": 12, "kind": "line", "run": 1, "depth": 1, "file": "a.cfg", "line": 3},
    {"t": 13, "kind": "read", "run": 1, "depth": 1, "name": "$rU", "value": "bob"},
    {"t": 14, "kind": "test", "run": 1, "depth": 1, "result": True},
    {"t": 15, "kind": "line", "run": 1, "depth": 1, "file": "a.cfg", "line": 4},
    {"t": 15, "kind": "line", "run": 1, "depth": 1, "file": "a.cfg", "line": 4},
    {"t": 20, "kind": "enter", "run": 2, "depth": 0, "route": "branch_route[x]", "file": "a.cfg", "line": 8,
     "type": "BRANCH"},
    {"t": 21, "kind": "line", "run": 2, "depth": 1, "file": "a.cfg", "line": 9},
    {"t": 22, "kind": "leave", "run": 2, "depth": 0, "route": "branch_route[x]", "code": 1, "dropped": True},
    {"t": 23, "kind": "note", "about": "dns", "text": "b A: 192.0.2.7", "data": {"cached": True, "rows": [{"q": 1}]}},
    {"t": 30, "kind": "out", "target": "udp:192.0.2.7:5060", "message": INVITE,
     "changes": [["-", "A: 1"], ["+", "B: 2"]]},
    {"t": 31, "kind": "out", "target": "udp:192.0.2.7:5060", "message": INVITE, "repeated": True},
    {"t": 2040, "kind": "call", "run": 1, "depth": 1, "function": "t_relay", "arguments": ["0x01", None, 7],
     "began": 16, "took": 2024, "result": -2, "meaning": "BAD", "waits": True},
    {"t": 2041, "kind": "write", "run": 1, "depth": 1, "name": "$var(x)", "value": None},
    {"t": 2042, "kind": "error", "run": 1, "depth": 1, "text": "ValueError: no"},
    {"t": 2043, "kind": "leave", "run": 1, "depth": 0, "route": "route", "error": "KeyError: 'x'"},
    {"t": 2044, "kind": "of a later version"},
]
ACCOUNT = {"call_id": "c@d", "began": 1e9, "workers": [0, 1], "dropped": 3, "lines": LINES, "events": EVENTS}
SHOWN = """\
     10µs ▶ INVITE sip:bob@b SIP/2.0  from udp:192.0.2.1:5060
     11µs ┌ route  a.cfg:2
     12µs │    3 if ($rU == "bob")
     13µs │        $rU is "bob"
     14µs │        the condition holds
     15µs │    4 t_relay();
     20µs ┌ branch_route[x]
     21µs │    9 append_hf("X: y");
     22µs └ branch_route[x] → 1, dropped
     23µs • dns: b A: 192.0.2.7  (known)
              q=1
     30µs ◀ INVITE sip:bob@b SIP/2.0  to udp:192.0.2.7:5060
             - A: 1
             + B: 2
     31µs ◀ INVITE sip:bob@b SIP/2.0  to udp:192.0.2.7:5060  again
   2.04ms run 1 goes on
   2.04ms │        t_relay("0x01", NULL, 7) → -2 (BAD)  waited 2.02ms
   2.04ms │        $var(x) ← NULL
   2.04ms │        ValueError: no
   2.04ms └ route → KeyError: 'x'
"""


def test_an_account_is_a_tree_of_routes_and_lines():
    assert "".join(f"{each.plain}\n" for each in Account(LINES).texts(EVENTS)) == SHOWN
    assert heading(ACCOUNT).plain == "Call c@d  worker 0, 1, 18 events, 3 more did not fit"


def test_messages_whole():
    shown = [each.plain.strip() for each in Account(LINES, whole=True).texts(EVENTS[:1])]
    assert shown[1:] == ["Via: SIP/2.0/UDP c", "CSeq: 1 INVITE"]


def test_what_failed_is_coloured():
    [bad] = Account(LINES).texts([EVENTS[15] | {"run": None}])
    assert any("red" in str(span.style) for span in bad.spans)


@pytest.mark.parametrize(("given", "text"), [(999, "999µs"), (1500, "1.50ms"), (2_500_000, "2.500s")])
def test_times(given, text):
    assert clock(given) == text


def test_values():
    assert [value(each) for each in (None, 5, 'a"b\n')] == ["NULL", "5", r'"a\"b\n"']


@pytest.fixture
def server(monkeypatch):
    """A server that answers what it is told to, and keeps what it was asked."""
    asked = []
    answers = {"trace_on": {"name": "1"}, "trace_log": {"name": "2"}, "trace_off": {"ended": ["1"]}, "explain": ACCOUNT,
               "trace_status": {"selectors": [{"name": "1", "user": "bob", "records": True, "picked": 2,
                                               "calls_left": 8, "seconds_left": 9, "level": 4}],
                                "calls": [{"call_id": "c@d", "worker": 0, "began": 0.0, "events": 5, "dropped": 0,
                                           "first": "INVITE x"}]}}

    def ask(fifo, method, params=None, reply_dir="", patience=0):
        asked.append((method, params))
        return answers[method]
    monkeypatch.setattr(client, "ask", ask)
    return asked


def tool(*arguments):
    return CliRunner().invoke(app, [*arguments, "--fifo", "/x"])


def test_trace_asks_for_what_is_given(server):
    result = tool("trace", "on", "--user", "bob", "--ip", "10.0.0.0/8", "--for", "30", "--max", "5", "--level", "4")
    assert "selector 1 traces calls for 30 s" in result.output
    assert "until `opensips-py trace off`" in tool("trace", "on", "--method", "INVITE", "--for", "0").output
    assert tool("trace", "log", "--call-id", "x", "--level", "4").output == "selector 2 logs up to level 4\n"
    assert tool("trace", "off").output == "ended: 1\n" and tool("trace", "off", "1").exit_code == 0
    assert server == [
        ("trace_on", {"user": "bob", "ip": "10.0.0.0/8", "seconds": 30, "calls": 5, "level": 4}),
        ("trace_on", {"method": "INVITE", "seconds": 0, "calls": 100}),
        ("trace_log", {"call_id": "x", "seconds": 600, "calls": 100, "level": 4}),
        ("trace_off", None), ("trace_off", {"name": "1"})]


def test_trace_without_a_selector(server):
    result = tool("trace", "on")
    assert result.exit_code == 1 and "say which calls" in result.stderr and not server
    assert tool("trace", "on", "--user", "x", "--level", "7").exit_code == 2


def test_trace_status(server):
    first, second = tool("trace", "status").output.splitlines()
    assert first == "selector 1: user bob, logged up to level 4, 2 calls so far, 9 s left"
    assert re.fullmatch(r"\d\d:\d\d:\d\d c@d  worker 0, 5 events: INVITE x", second)
    assert json.loads(tool("trace", "status", "--json").output)["calls"][0]["call_id"] == "c@d"


def test_explain(server):
    shown = tool("explain", "c@d")
    assert shown.output.partition("\n")[2] == SHOWN
    assert json.loads(tool("explain", "c@d", "--json").output) == ACCOUNT


@pytest.mark.parametrize("as_json", [False, True])
def test_follow_prints_each_event_once(server, monkeypatch, as_json):
    versions = iter([None, ACCOUNT | {"events": EVENTS[:5]}, ACCOUNT | {"events": EVENTS[:5]}, ACCOUNT])

    def ask(*_, **__):
        found = next(versions, "over")
        if found == "over":
            raise KeyboardInterrupt
        if found is None:
            raise MIError(404, "there is no account yet")
        return found
    monkeypatch.setattr(client, "ask", ask)
    monkeypatch.setattr(cli_calls, "PAUSE", 0)
    output = tool("explain", "c@d", "--follow", *(["--json"] if as_json else [])).output
    if as_json:
        assert [json.loads(line) for line in output.splitlines()] == EVENTS
    else:
        assert output.partition("\n")[2] == SHOWN


def test_a_server_that_refuses(monkeypatch):
    def ask(*_, **__):
        raise MIError(404, "there is no account of x")
    monkeypatch.setattr(client, "ask", ask)
    result = tool("explain", "x")
    assert result.exit_code == 1 and "404 there is no account of x" in result.stderr
