"""Spellings of other languages: each is one error, in its place, and following its fix gives a right script."""
import pathlib

import pytest

from opensips_py.script.preprocessor import read_text
from opensips_py.script.remedies import Edit, applied
from tests.script.test_slips import findings

PATH = pathlib.Path(__file__).with_name("foreign.cfg")
HEAD = """socket=udp:127.0.0.1:5060
loadmodule "proto_udp.so"
loadmodule "sl.so"
loadmodule "sipmsgops.so"
loadmodule "tm.so"
"""
SCRIPT = HEAD + """
route {
	%s
	sl_send_reply(200, "OK");
}
"""

MENDED = {  # what is written: the column of the error (of line 8), and what it becomes
    'if ($rU == "a" AND $rd == "b") exit;': (17, 'if ($rU == "a" and $rd == "b") exit;'),
    'if ($rU == "a" OR !has_totag()) exit;': (17, 'if ($rU == "a" or !has_totag()) exit;'),
    "if (NOT has_totag()) exit;": (6, "if (not has_totag()) exit;"),
    'if ($rU <> "a") exit;': (10, 'if ($rU != "a") exit;'),
    'if ($rU ~= "a") exit;': (10, 'if ($rU =~ "a") exit;'),
    "if ($rU =~ /abc/) exit;": (13, 'if ($rU =~ "abc") exit;'),
    '$rU => "a";': (6, '$rU = "a";'),
    "$avp(i) = 1; $avp(i)++;": (15, "$avp(i) = 1; $avp(i) = $avp(i) + 1;"),
    "$avp(i) = 1; $avp(i)--;": (15, "$avp(i) = 1; $avp(i) = $avp(i) - 1;"),
    '$ru = "sip:" . $rU;': (15, '$ru = "sip:" + $rU;'),
    '$ru = "sip:" $rU;': (15, '$ru = "sip:" + $rU;'),
    'xlog("x" . $rU);': (11, 'xlog("x" + $rU);'),
    "$avp(x) = $hdr(Via)[0];": (12, "$avp(x) = $(hdr(Via)[0]);"),
    "$avp(x)[0] = 1;": (2, "$(avp(x)[0]) = 1;"),
    "if ($rU{s.len} > 3) exit;": (6, "if ($(rU{s.len}) > 3) exit;"),
    "if ($rU{s.substr,0,3}{s.int} > 3) exit;": (6, "if ($(rU{s.substr,0,3}{s.int}) > 3) exit;"),
    'for ($avp(e) in $avp(x)[*]) xlog("$avp(e)");': (18, 'for ($avp(e) in $(avp(x)[*])) xlog("$avp(e)");'),
    'exit("x");': (6, "exit;"),
    'if ($rU == "a") return 1 2;': (27, 'if ($rU == "a") return 1 ;'),
    'setflag(SEEN);': (10, 'setflag("SEEN");'),
    '$avp(d) = "d=" + $fd + "&c=" + $hdr(Contact + "&e=" + $hdr(Expires);':
        (45, '$avp(d) = "d=" + $fd + "&c=" + $hdr(Contact) + "&e=" + $hdr(Expires);'),
}
TOLD = {  # what no edit can mend: message and help
    "$avp(x) = $rU ? 1 : 2;": ("'?' is no operator", "write if (condition) ...; else ...;"),
    'while { xlog("x"); }': ("a condition in parentheses expected behind while", "write while (condition) { ... }"),
    "continue;": ("'continue' is no statement", "put what is left of the loop into an if"),
    "switch ($rU) { case $rd: exit; }": ("a case is a number or a text", "write if ($x == ...)"),
}


def errors(text):
    return [each for each in findings(text, PATH) if each["severity"] == "error"]


def only(text):
    (found,) = errors(text)
    return found


@pytest.mark.parametrize("written", MENDED)
def test_a_foreign_spelling_is_mended(written):
    column, right = MENDED[written]
    found = only(SCRIPT % written)
    assert (found["line"], found["column"]) == (8, column), found["message"]
    after = applied(SCRIPT % written, [Edit(**each) for each in found["edits"]])
    assert after == SCRIPT % right
    assert not errors(after)


@pytest.mark.parametrize("written", TOLD)
def test_a_foreign_spelling_is_told(written):
    found = only(SCRIPT % written)
    assert (found["message"], found["line"]) == (TOLD[written][0], 8)
    assert found["fix"].startswith(TOLD[written][1])


@pytest.mark.parametrize(("right", "wrong", "after"), [
    ("route[more] {", "route[more] (", None), ("route[more] {", "route[mo re] {", "route[mo_re] {"),
    ("route(more, 1);", "route(more 1);", None), ("timer_route[tick, 60]", "timer_route[tick]", None),
    ("timer_route[tick, 60]", 'timer_route[tick, "60s"]', None)])
def test_heads_of_routes(right, wrong, after):
    more = 'route[more] {\n\txlog("$param(1)");\n}\ntimer_route[tick, 60] {\n\txlog("x");\n}\n'
    good = SCRIPT % "route(more, 1);" + more
    assert not findings(good, PATH)
    found = next(each for each in findings(good.replace(right, wrong), PATH) if each["severity"] == "error"
                 and each["code"] != "E0207")
    mended = applied(good.replace(right, wrong), [Edit(**each) for each in found["edits"]])
    assert mended == good.replace(right, after or right)


@pytest.mark.parametrize(("before", "behind"), [
    ("#!ifdef A\nlog_level=3\n\n", "#!ifdef A\nlog_level=3\n#!endif\n\n"),
    ("#!ifdef A\n\nlog_level=3\n\n", "#!ifdef A\n\nlog_level=3\n#!endif\n\n")])
def test_the_end_of_a_condition_is_put_behind_what_belongs_together(before, behind):
    rest = SCRIPT % "exit;"
    found = only(before + rest)
    assert found["message"] == "#!ifdef without #!endif"
    assert applied(before + rest, [Edit(**each) for each in found["edits"]]) == behind + rest
    inside = SCRIPT % 'exit;\n#!ifdef A\n\txlog("x");'
    found = only(inside)
    after = applied(inside, [Edit(**each) for each in found["edits"]])
    assert after.endswith('OK");\n#!endif\n}\n')


@pytest.mark.parametrize(("lines", "line", "told", "fix"), [
    ('modparam("tm", "fr_timeout")', 7, "the value of the parameter is missing", 'write the value behind a comma'),
    ('loadmodule "usrloc.so"\nmodparam("usrloc", "working_mode_preset", "single-instance-nodb")', 8,
     "working_mode_preset is one of", "did you mean 'single-instance-no-db'?"),
    ('loadmodule "usrloc.so"\nmodparam("usrloc", "working_mode_preset", "single-instance-sql-write-back")', 7,
     "parameter db_url of module usrloc names no database", "give it a URL")])
def test_parameters(lines, line, told, fix):
    found = only(HEAD + "\n" + lines + SCRIPT[len(HEAD):] % "exit;")
    assert found["line"] == line and found["message"].startswith(told) and found["fix"].startswith(fix), found


def test_a_cache_whose_module_is_not_loaded():
    text = SCRIPT % 'cache_store("local", "a", "b");'
    found = only(text)
    assert found["applicability"] == "sure" and found["fix"] == 'add loadmodule "cachedb_local.so"'
    assert not findings(applied(text, [Edit(**each) for each in found["edits"]]), PATH)


@pytest.mark.parametrize(("variable", "message"), [
    ("$(branch(url)[0])", "$branch: one of uri, duri, path, q, flags, socket is needed, not \"url\""),
    ("$ct.fields(expire)", "$ct.fields: one of name, uri"), ("$socket_in(host)", "$socket_in: one of ip, port, proto"),
    ("$socket_out(forcd)", "$socket_out: one of forced, ip"), ("$return(first)", "$return: a number is needed"),
    ("$cfg_line(x)", "$cfg_line takes no name")])
def test_parts_that_a_variable_does_not_have(variable, message):
    assert only(SCRIPT % f'xlog("{variable}");')["message"].startswith(message)


def test_routes_that_parameters_name():
    for name in ("local_request_route", "local_reply_route"):
        text = HEAD + f'modparam("tm", "{name}", "shown")\n' + SCRIPT[len(HEAD):] % "exit;"
        assert only(text)["message"] == f"parameter {name} of tm: there is no route[shown]"
        assert not errors(text + 'route[shown] { xlog("$rm"); }\n')


def test_what_never_happens():
    cases = 'switch ($rm) { case "A": xlog("a"); break; case 1: break; case "A": xlog("b"); break; }'
    found = findings(SCRIPT % cases + 'event_route[E_PIKE_BLOCKED] { xlog("x"); }\nevent_route[E_MINE] { xlog("y"); }\n'
                     'event_route[E_CORE_LOG] { xlog("z"); }\n', PATH)
    assert [(each["code"], each["message"], each["fix"]) for each in found] == [
        ("W0116", "this case is never reached", "remove it"),
        ("W0117", "nothing raises E_PIKE_BLOCKED", 'add loadmodule "pike.so"'), ("W0117", "nothing raises E_MINE", "")]
    for raising in ('raise_event("E_MINE");', 'raise_event("E_$rU");'):
        assert not findings(SCRIPT % raising + 'event_route[E_MINE] { xlog("y"); }\n', PATH)


def test_flags_without_quotes_are_of_2_1():
    old = (SCRIPT % "setflag(SEEN);").replace("socket=", "children=2\nlisten=")
    assert not [each for each in findings(old, PATH) if each["severity"] == "error"]
    assert read_text(str(PATH.parents[2] / "cfg/nat.cfg")).count('flag("') > 5


def test_a_brace_that_is_missing_before_else_is_one_error():
    text = SCRIPT % 'if ($rU == "a") {\n\t\txlog("a");\n\telse {\n\t\txlog("b");\n\t}'
    found = only(text)
    assert found["message"] == "the block of if is not closed"
    assert not errors(applied(text, [Edit(**each) for each in found["edits"]]))
    twice = SCRIPT % 'if ($rU == "a") {\n\t\tif ($rd == "b") exit; else exit;\n\t\telse exit;\n\t}'
    assert only(twice)["message"] == "'else' without an if before it"


def test_the_name_of_a_route_without_quotes_is_blamed_once():
    assert only(SCRIPT % "t_on_failure(busy);")["message"].endswith("there is no failure_route[busy]")
    text = SCRIPT % "t_on_failure(busy);" + "failure_route[busy] { exit; }\n"
    found = only(text)
    assert found["message"] == "'busy' is no value"
    assert applied(text, [Edit(**each) for each in found["edits"]]) == text.replace("(busy)", '("busy")')


def test_arguments_that_are_too_few_are_not_blamed_for_what_they_are():
    assert only(SCRIPT % 'sl_send_reply("404,Not Found");')["message"] == "sl_send_reply takes 2 arguments, not 1"
    assert len(errors(SCRIPT % "sl_send_reply($ruu);")) == 2


def test_sockets_are_looked_at_beside_other_mistakes():
    text = SCRIPT.replace("udp:127.0.0.1:5060", "udp:127.0.0.1.5060") % "$null = $ruu;"
    assert [each["message"] for each in errors(text)] == [
        "udp:127.0.0.1.5060: no address, interface or name of this machine", "$null is unknown"]
    assert errors(text)[1]["fix"] == "write NULL instead of $null"
