"""Requests that end unanswered or are answered twice, and statements that never run."""
import pathlib

import pytest

from opensips_py.server import verdict
from tests.script.analysis.found import warnings

ROOT = pathlib.Path(__file__).resolve().parents[3]
TWICE = "the request is {}, though it has been {} already"


def flow(statements, more=""):
    return warnings(f"route {{\n{statements}\n}}\n{more}", "W0102", "W0103", "W0104")


@pytest.mark.parametrize("statements", [
    'sl_send_reply(200, "OK");',
    'if (!t_relay()) sl_reply_error();',
    't_relay();',
    'if ($rU == NULL) { sl_send_reply(484, "x"); exit; }\nt_relay();',
    'if ($rU == NULL) sl_send_reply(484, "x"); else t_relay();',
    'if (is_method("ACK")) exit;\nt_relay();',
    'if ($rm == "ACK" && t_check_trans()) t_relay(); else if ($rm != "ACK") sl_send_reply(404, "x");',
    'if (is_method("CANCEL")) { if (t_check_trans()) t_relay(); exit; }\nt_relay();',
    'switch ($rm) { case "ACK": exit; case "INVITE": t_relay(); break; default: sl_send_reply(405, "x"); }',
    'if ($si == 10.0.0.1) { drop; }\nt_relay();',
    'route(relay);',
    'if (route(relay)) exit;\nsl_send_reply(500, "x");',
    'if (!save("location")) sl_reply_error();',
    'if ($rU == NULL) sl_send_reply(484, "x");\nif ($rU != NULL) t_relay();',  # the same condition, decided once
    'if (isflagset("A")) sl_send_reply(484, "x");\nif (!isflagset("A")) t_relay();',
    '$var(done) = 0;\nif ($si == "x") { sl_send_reply(404, "x"); $var(done) = 1; }\nif ($var(done) == 0) t_relay();',
    'sl_send_reply(100, "Trying");\nt_relay();',
    't_newtran();\nt_reply(180, "Ringing");\nt_reply(200, "OK");',
    '$var(code) = 500;\nt_newtran();\nt_reply($var(code), "x");',
    't_relay();\nif ($rc < 0) sl_reply_error();',
    '$var(r) = t_relay();\nif ($var(r) < 0) sl_reply_error();',
    'route($var(name));',  # it may do anything
    'while ($rU == NULL) { $rU = "x"; break; }\nt_relay();',
])
def test_nothing_to_say(statements):
    relay = 'route[relay] { if (!t_relay()) { sl_send_reply(500, "x"); return(1); } return(2); }\n'
    relay = relay if "route(relay)" in statements and "if (route" not in statements else \
        'route[relay] { if ($rU == NULL) return(-1); t_relay(); return(1); }\n'
    assert flow(statements, relay if "relay)" in statements else "") == []


@pytest.mark.parametrize(("statements", "line"), [
    ("exit;", 2), ('xlog("x");', 2), ("if ($rU == NULL) exit;\nt_relay();", 2),
    ('if (is_method("INVITE")) t_relay();\nexit;', 3),
    ('if ($rm == "REGISTER") {\nsave("location", "no-reply");\nexit;\n}\nt_relay();', 4),
    ("t_newtran();\nif (!is_myself(\"$rd\"))\nreturn;\nt_relay();", 4),
    ('switch ($rm) {\ncase "INVITE": t_relay(); break;\ncase "BYE":\nexit;\ndefault: sl_send_reply(405, "x");\n}', 5)])
def test_a_request_that_ends_unanswered(statements, line):
    (found,) = flow(statements)
    assert (found["code"], found["line"]) == ("W0103", line)


def test_the_way_is_told():
    (found,) = flow('if ($rm == "INVITE") {\nif ($rU == NULL)\nexit;\n}\nt_relay();')
    assert [(each["message"], each["line"]) for each in found["related"]] == [
        ('on the way: $rm == "INVITE" holds', 2), ("on the way: $rU == NULL holds", 3)]
    assert found["label"] == "INVITE comes here"


def test_the_end_of_a_route_that_is_called():
    (found,) = flow("route(sub);\nt_relay();", "route[sub] {\nif ($rU == NULL)\nexit;\n}\n")
    assert (found["code"], found["line"]) == ("W0103", 7)


def test_a_route_that_goes_on_behind_a_wait():
    (found,) = flow("async(usleep(5), later);", "route[later] {\nif ($rU == NULL)\nexit;\nt_relay();\n}\n")
    assert (found["code"], found["line"]) == ("W0103", 6)


@pytest.mark.parametrize(("statements", "line", "what"), [
    ('sl_send_reply(404, "x");\nt_relay();', 3, ("relayed", "answered")),
    ('t_relay();\nsl_send_reply(500, "x");', 3, ("answered", "relayed")),
    ('if ($rU == NULL) {\nsl_send_reply(484, "x");\n}\nsl_send_reply(404, "x");', 5, ("answered", "answered")),
    ("t_relay();\nroute(relay);", 6, ("relayed", "relayed")),
    ('if ($rU == NULL) sl_send_reply(484, "x");\n$rU = "x";\nif ($rU != NULL) t_relay();', 4, ("relayed", "answered")),
])
def test_a_second_answer(statements, line, what):
    found = [each for each in flow(statements, "route[relay] {\nt_relay();\n}\n" if "relay)" in statements else "")
             if each["code"] != "W0103"]
    assert [(each["code"], each["line"], each["message"]) for each in found] == [("W0104", line, TWICE.format(*what))]
    assert found[0]["related"][0]["message"] == "this was done before"


def test_a_second_answer_in_a_failure_route():
    (found,) = flow('t_on_failure("f");\nt_relay();', 'failure_route[f] {\nt_reply(404, "x");\nt_relay();\n}\n')
    assert (found["code"], found["line"]) == ("W0104", 7)


@pytest.mark.parametrize(("statements", "line"), [
    ('t_relay();\nexit;\nxlog("x");', 4), ('if ($rU) { t_relay(); exit; } else { drop; }\n$var(x) = 1;', 3),
    ('route(over);\nxlog("x");', 3), ('t_relay();\nreturn;\nif ($rU) drop;', 4)])
def test_what_never_runs(statements, line):
    found = flow(statements, "route[over] { t_relay(); exit; }\n" if "over" in statements else "")
    assert [(each["code"], each["line"]) for each in found] == [("W0102", line)]


@pytest.mark.parametrize("statements", [
    "if ($rU) { t_relay(); exit; }\nt_relay();", "t_relay();\nexit;\nexit;",
    "switch ($rm) { case \"A\": t_relay(); exit; break; default: t_relay(); }"])
def test_what_may_run(statements):
    assert flow(statements) == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("cfg/*.cfg")), ids=lambda each: each.name)
def test_our_own_scripts_are_not_warned_of(path):
    found = verdict.verdict(str(path), notes=False)
    assert [str(each) for each in found.configuration.diagnostics.found if each.severity != "note"] == []
