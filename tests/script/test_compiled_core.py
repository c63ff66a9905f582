"""Variables, operators and core functions as a compiled script uses them."""
import logging

import pytest


@pytest.mark.parametrize(("expression", "result"), [
    ("1 + 2 * 3", 9), ('"a" + "b" + $sp', "ab5062"), ("5 + $var(none)", 5), ("4 + (7 & (~2))", 9), ("7 / 2", 3),
    ("-7 % 3", -1),
    ("$sp + 1", 5063), ('"sip:" + $fU + "@" + $td', "sip:alice@biloxi.com"), ("1 << 4", 16), ("$rU", "bob"),
    ("$(rU{s.substr,1,0})", "ob"), ("$(ct.fields(uri)[-1])", "sip:x@c"), ("$var(none)", None)])
def test_values(world, expression, result):
    world.execute(f"$var(result) = {expression};")
    assert world.run.variables["result"] == result


@pytest.mark.parametrize(("condition", "holds"), [
    ('$rm == "INVITE"', True), ('$rm == "invite"', True), ('$rU =~ "^BO"', True), ('$rU !~ "^bo"', False),
    ("$sp > 300 && $sp <= 5062", True), ("$cs == 314", False), ('$cs == "314"', True), ("$rU == 5", False),
    ("$tt == NULL", True), ("$tt != NULL", False), ('$tt == ""', False), ('$tt != "x"', True),
    ("$tt == $var(none)", True), ("$rU != $tt", True), ('$tt !~ "x"', True), ("!($tt)", True),
    ("$var(none)", False), ('$si == "192.0.2.7"', True), ('isflagset("X")', False),
    ('$(hdr(Via)[1]{via.host}) == "10.0.0.1" and not $tt', True)])
def test_conditions(world, condition, holds):
    world.execute(f"if ({condition}) $var(held) = 1; else $var(held) = 0;")
    assert world.run.variables["held"] == int(holds)


@pytest.mark.parametrize("condition", ["$rU !~ $tt", '$tt == ""', "$(tt{s.len}) == NULL"])
def test_what_null_is_not_in_21(old_world, condition):
    old_world.execute(f"if ({condition}) $var(held) = 1; else $var(held) = 0;")
    assert old_world.run.variables["held"] == 0


def test_functions_change_the_request(world):
    world.execute("""
        setflag("SEEN"); setbflag("NAT"); prefix("00"); $rd = "example.org"; setdsturi("sip:10.0.0.1");
        append_branch("sip:other@x"); $(branch(q)[0]) = 500; force_rport();
        if (isflagset("SEEN") && isbflagset("NAT") && isdsturiset()) strip_tail(1);""")
    request = world.request
    assert request.uri == "sip:00bo@example.org:5070;transport=tcp"
    assert (request.destination, request.force_rport, request.flags, request.branch_flags) == (
        "sip:10.0.0.1", True, 1 << 31, 1 << 31)
    assert [(each.uri, each.q) for each in request.branches] == [("sip:other@x", 500)]


def test_loops_over_values(world):
    world.execute("""
        $avp(x) = 1; $avp(x) = 2; $avp(x) = 3;
        for ($var(v) in $(avp(x)[*])) $var(all) = $var(all) + $var(v) + ",";
        $var(i) = 0;
        while ($(avp(x)[$var(i)]) != NULL) $var(i) = $var(i) + 1;
        $avp(x) := NULL;""")
    assert (world.run.variables["all"], world.run.variables["i"], world.run.avps) == ("3,2,1,", 3, {})


def test_compound_assignment(world):
    world.execute('$var(a) = 5; $var(a) += 2; $var(a) *= 3; $var(b) = "x"; $var(b) += "y"; $var(a) &= 7;')
    assert (world.run.variables["a"], world.run.variables["b"]) == (21 & 7, "xy")


def test_routes_know_who_calls_them(world, caplog):
    caplog.set_level(logging.INFO, "opensips_py.script")
    world.execute("""route {
            $var(main) = $route;
            route(A, "one", 2);
            $var(code) = $rc;
            xlog("line $cfg_line of $cfg_file\\n");
        }
        route[A] { $var(sum) = $param(1) + $param(2); route(B); return(7); }
        route[B] {
            $var(all) = $(route[*]); $var(first) = $(route[-1]); $var(parent) = $(route.name[1]);
            $var(type) = $route.type; $var(none) = $(route[3]);
        }""")
    assert world.run.variables == {
        "main": "route", "sum": "one2", "code": 7, "all": "route > route[A] > route[B]", "first": "route",
        "parent": "A",
        "type": "route", "none": None}
    assert caplog.messages == ["line 5 of test.cfg"]


def test_xlog_with_levels(world, caplog):
    caplog.set_level(logging.DEBUG, "opensips_py.script")
    world.execute("""
        xlog("plain $rU\\n"); xlog("L_ERR", "error $(rU{s.toupper})\\n"); xlog("L_DBG", "unseen"); xlog(-2,
        "critical $$");
        $xlog_level = 4; xdbg("now seen"); log("L_INFO", "text"); $var(t) = "by variable"; xlog($var(t));""")
    assert [(each.levelname, each.getMessage()) for each in caplog.records] == [
        ("NOTICE", "plain bob"), ("ERROR", "error BOB"), ("CRITICAL", "critical $"), ("DEBUG", "now seen"),
        ("INFO", "text"),
        ("NOTICE", "by variable")]


def test_branch_flags_of_21(old_world):
    old_world.execute("append_branch(); setbflag(1, 6); if (isbflagset(1, 6) && !isbflagset(6)) setflag(2);")
    assert (old_world.request.branches[0].flags, old_world.request.flags) == (64, 4)


def test_serial_forking(world):
    world.execute("""
        append_branch("sip:second@x", "0.5"); $ru_q = "0.9"; serialize_branches(1);
        if (next_branches()) $var(code) = $rc;
        $var(first) = $ru; next_branches(); $var(second) = $ru;
        if (!next_branches()) $var(end) = 1;""")
    assert (world.run.variables["second"], world.run.variables["end"]) == ("sip:second@x", 1)


def test_writable_arguments(world):
    world.execute('get_timestamp($avp(s), $var(us)); pv_printf($var(p), "to $rU"); pv_printf("$var(q)", "quoted");')
    assert world.run.variables["p"] == "to bob" and world.run.variables["q"] == "quoted"
    assert world.run.avps["s"][0] > 1_700_000_000
