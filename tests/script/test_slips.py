"""Slips of a new user in good scripts: each is reported once, where it was made, and what is proposed mends it."""
import pathlib

import pytest

from opensips_py.script.analysis import fixes
from opensips_py.script.preprocessor import read_text
from opensips_py.script.remedies import Edit, applied
from opensips_py.server.verdict import overlaid, verdict

CFG = pathlib.Path(__file__).resolve().parents[2] / "cfg"
RESIDENTIAL, TYPED = CFG / "residential.cfg", CFG / "typed.cfg"
OLD = """debug=3
children=4
log_facility=LOG_LOCAL0
listen=udp:127.0.0.1:5060
loadmodule "proto_udp.so"
loadmodule "sl.so"
route {
	$var(gw) = "10.0.0.1";
	sl_send_reply("200", "$var(gw)");
}
"""
SAME, RIGHT, NONE = "the script as it was", "a right one", "no edit"

SLIPS = {
    # name: script, what stands there, what is written instead, the one message, what its edits make
    "text of several words without quotes": (
        RESIDENTIAL, '"Preload Route Denied"', "Preload Route Denied", "'Preload Route Denied' is no value", SAME),
    "name of a route in parentheses": (
        RESIDENTIAL, "route[relay] {", "route(relay) {", "the name of a route stands in brackets", SAME),
    "module of a modparam and of functions": (
        RESIDENTIAL, 'loadmodule "registrar.so"\n', "", "module registrar is not loaded; loadmodule stands", SAME),
    "module of a protocol": (
        RESIDENTIAL, 'loadmodule "proto_udp.so"\n', "", "no loaded module speaks udp", RIGHT),
    "colon before a port": (
        RESIDENTIAL, "socket=udp:127.0.0.1:5060", "socket=udp:127.0.0.1.5060",
        "udp:127.0.0.1.5060: no address, interface or name", SAME),
    "parameter of 2.1 in a script of 4.0": (
        RESIDENTIAL, "log_level=3", "debug=3", "debug= is of the 2.1 dialect", SAME),
    "parameter of 4.0 in a script of 2.1": (
        OLD, "children=4", "udp_workers=4", "udp_workers= is of the 4.0 dialect, and debug= of the 2.1 dialect", SAME),
    "facility": (OLD, "LOG_LOCAL0", "LOG_LOCAL9", "log_facility is a facility of syslog", NONE),
    "dollar of a variable": (OLD, "$var(gw) =", "var(gw) =", "a variable starts with $", SAME),
    "dollar of a local": (
        TYPED, "local int $tried = 0;", "local int tried = 0;", "the name of a local is $ and a word", SAME),
    "dollar of a local without a type": (
        TYPED, "local int $tried = 0;", "local tried = 0;", "the name of a local is $ and a word", RIGHT),
    "dollar of a parameter": (
        TYPED, "(str $fallback)", "(str fallback)", "the name of a local is $ and a word, found 'fallback'", SAME),
    "type of another language": (TYPED, "local int $tried", "local integer $tried", "'integer' is no type", SAME),
    "word of another language": (TYPED, "local int $price", "let int $price", "'let' is no statement", SAME),
    "word of another language without a type": (
        TYPED, "local list $gateways =", "let $gateways =", "'let' is no statement", RIGHT),
    "type without local": (TYPED, "local int $price", "int $price", "'int' is no statement", SAME),
    "file of Python routes": (
        TYPED, '"typed_routing.py"', '"typed_rooting.py"', "cannot find the file typed_rooting.py", NONE),
    "local behind its block": (
        TYPED, '\n\t\treturn "+" + $abroad;\n\t}', '\n\t}\n\treturn "+" + $abroad;', "$abroad is unknown", NONE),
    "one & where two are meant": (
        RESIDENTIAL, 'is_method("ACK") && t_check_trans()', 'is_method("ACK") & t_check_trans()',
        "'&' joins bits, not conditions", SAME),
    "one & between comparisons": (

        OLD, '\tsl_send', '\tif ($rm == "INVITE" & $rU == "x")\n\t\txlog("x");\n\tsl_send',
        "'&' joins bits, not conditions",
        RIGHT),
    "list of codes without quotes": (
        TYPED, '"5[0-9][0-9]|408"', "503|408", "t_check_status, argument 're': a text is needed", RIGHT),
    "flag with an underscore": (

        RESIDENTIAL, '"method-filtering"', '"method_filtering"',
        "lookup, argument 'flags': \"method_filtering\" is no flag",
        SAME),
    "misspelt method": (

        RESIDENTIAL, '"PUBLISH|SUBSCRIBE"', '"PUBLISH|SUBSCRIB"',
        "is_method, argument 'name': \"SUBSCRIB\" is no method",
        SAME),
    "loop over a name that is not declared": (
        TYPED, "for (local $gateway in", "for ($gateway in", "$gateway is unknown", SAME),
    "call without its word": (
        TYPED, 'route[to_user]("voicemail");', '[to_user] "voicemail";', "a statement expected, found '['", SAME),
    "argument without quotes": (
        RESIDENTIAL, 'is_method("BYE")', "is_method(BYE)", "'BYE' is no value", SAME),
    "table without quotes": (RESIDENTIAL, 'save("location")', "save(location)", "'location' is no value", SAME),
    "condition without parentheses": (
        RESIDENTIAL, "if (!loose_route()) {", "if !loose_route() {", "a condition stands in parentheses", SAME),
    "conditions each in parentheses": (
        RESIDENTIAL, 'if (is_method("ACK") && t_check_trans()) {', 'if (is_method("ACK")) && (t_check_trans()) {',
        "a condition stands in parentheses", RIGHT),
    "switch without parentheses": (
        OLD, '\tsl_send', '\tswitch $rm { case "INVITE": xlog("x"); break; }\n\tsl_send',
        "the value of a switch stands in parentheses", RIGHT),
    "call in brackets": (

        RESIDENTIAL, 'if (is_method("BYE"))', 'if (is_method["BYE"])',
        "arguments stand in parentheses behind is_method", SAME),
    "call without parentheses": (
        RESIDENTIAL, 'if (is_method("BYE"))', 'if (is_method "BYE")', "the argument of is_method stands in", SAME),
    "semicolon between arguments": (

        RESIDENTIAL, 'send_reply(404, "Not Found");', 'send_reply(404; "Not Found");',
        "';' stands between arguments", SAME),
    "text with a variable, without quotes": (
        RESIDENTIAL, 'xlog("L_ERR", "cannot register $tu\\n");', 'xlog("L_ERR", cannot register $tu);',
        "'cannot register $tu' is no value", RIGHT),
    "turned operator": (RESIDENTIAL, "$hdr(Proxy-Require) != NULL", "$hdr(Proxy-Require) =! NULL",
    "'=!' is no operator", SAME),
    "word for an operator": (RESIDENTIAL, "if ($rU == NULL) {", "if ($rU is NULL) {", "'is' is no operator", SAME),
    "misspelt loadmodule": (
        RESIDENTIAL, 'loadmodule "rr.so"', 'loadmodul "rr.so"', "'=' expected behind 'loadmodul'", SAME),
    "name of a route without brackets": (
        RESIDENTIAL, "failure_route[missed_call] {", "failure_route missed_call {",
        "the name of a failure_route stands in brackets",
        SAME),
    "route that has lost its name": (RESIDENTIAL, "failure_route[missed_call] {", "failure_route {",
    "a failure_route needs", NONE),
    "main route of another language": (RESIDENTIAL, "\nroute {", "\nmain {", "'main' is no kind of route", SAME),
    "value of a parameter": (RESIDENTIAL, "log_level=3\n", "log_level=\n", "a value expected for log_level", NONE),
    "quote of a socket": (
        RESIDENTIAL, "socket=udp:127.0.0.1:5060\n",
        'socket="udp:127.0.0.1:5060  # here\n', "text without closing quote", NONE),
    "parenthesis of a variable": (
        TYPED, "$avp(number) = $number;", "$avp(number = $number;", "missing ) behind $avp(number", SAME),
    "route to resume in": (
        OLD, '\tsl_send', '\tasync(xlog("x"));\n\tsl_send', "async needs the name of a route", NONE),
    "number with dots": (
        OLD, '\tsl_send', '\tif ($si == 10.0.0)\n\t\txlog("x");\n\tsl_send', "'10.0.0' is no value", RIGHT),
    "comma with nothing behind it": (
        RESIDENTIAL, '"cannot register $tu\\n");', '"cannot register $tu\\n",);',
        "nothing stands behind the last comma", SAME),
    "comma behind the only text": (
        OLD, "\tsl_send", '\txlog("x",);\n\tsl_send', "nothing stands behind the last comma in the call of xlog",
        RIGHT),
    "letter of the other dialect that is none": (
        RESIDENTIAL, 'save("location")', 'save("location", "x")',
        "save, argument 'flags': \"x\" is no flag here: there are memory-only, no-reply", NONE),
    "parenthesis that stands twice": (
        RESIDENTIAL, 'do_accounting("log", "failed")', 'do_accounting(("log", "failed")', "'(' stands twice", SAME),
    "parentheses around an argument": (
        RESIDENTIAL, 'do_accounting("log", "failed")', 'do_accounting(("log"), "failed")', "'(' stands twice", SAME),
    "semicolon before the parenthesis": (
        RESIDENTIAL, 'do_accounting("log", "failed");', 'do_accounting("log", "failed";)', "missing ')' in the call",
        SAME),
    "brace that stands twice": (RESIDENTIAL, "if (has_totag()) {", "if (has_totag()) {{", "'{' stands twice", SAME),
    "brace of the end that stands twice": (
        RESIDENTIAL, "\t\t\tt_relay();\n\t\t\texit;\n\t\t}", "\t\t\tt_relay();\n\t\t\texit;\n\t\t}}",
        "'}' without a block to close", SAME),
    "semicolon before else": (
        RESIDENTIAL, "\tif (!is_myself(\"$rd\"))\n\t\troute(relay);\n",
        "\tif (!is_myself(\"$rd\")) {\n\t\troute(relay);\n"
        "\t}; else {\n\t\tforce_rport();\n\t}\n", "'else' without an if before it", RIGHT),
    "colon for an equals sign": (
        RESIDENTIAL, "log_level=3", "log_level:3", "'=' expected behind 'log_level', found ':'", SAME),
    "word that stands twice": (
        RESIDENTIAL, 'modparam("tm", "fr_timeout"', 'modparam modparam("tm", "fr_timeout"',
        "'modparam' is there twice", SAME),
    "loadmodule that stands twice": (
        RESIDENTIAL, 'loadmodule "rr.so"', 'loadmodule loadmodule "rr.so"', "loadmodule needs a name in quotes", SAME),
    "module that is not named": (RESIDENTIAL, 'loadmodule "maxfwd.so"', "loadmodule 7", "loadmodule needs a name",
        NONE),
    "address with a dot too few": (
        RESIDENTIAL, "socket=udp:127.0.0.1:5060", "socket=udp:127.0.01:5060", "127.0.01 is no IP address", NONE),
    "semicolon in the name of a route": (
        RESIDENTIAL, "failure_route[missed_call]", "failure_route[missed_call;]", "';' cannot stand in the name", SAME),
    "word of a loop": (TYPED, "$gateway in $gateways", "$gateway on $gateways", "'in' expected behind", SAME),
    "definition that is misspelt": (
        OLD.replace("debug=3", "#!define LEVEL 3\ndebug=LEVEL") + '#!define WAIT 5\nloadmodule "tm.so"\n', '"sl.so"\n',
        '"sl.so"\nloadmodule "rr.so"\nmodparam("rr", "append_fromtag", LEVLE)\n', "'LEVLE' is no value", RIGHT),
    "directive that is misspelt": (
        "#!define X\n" + OLD.replace("debug=3\n", "debug=3\n#!ifdef X\nfork=yes\n#!endif\n"), "#!ifdef", "#!iffdef",
        "'#!iffdef' is no directive", SAME),
    "database of all modules": (
        CFG / "provider.cfg", "\ndb_default_url=", "\ndb_defalt_url=", "there is no core parameter db_defalt_url",
        SAME),
    "parameter that others rely on": (
        CFG / "provider.cfg", '"acc", "extra_fields"', '"acc", "extra_field"',
        "module acc has no parameter extra_field", SAME),
    "quote of the only argument": (
        CFG / "provider.cfg", 'options-ping-callee");', "options-ping-callee);", "text without closing quote", NONE),
    "arguments of a transformation": (
        TYPED, "{s.substr,1,0}", "{s.substr,1}", "{s.substr} takes 2 arguments", NONE),
    "argument of a transformation that takes none": (
        CFG / "provider.cfg", "$ci: $fu called", "$ci: $(fu{s.len,3}) called", "{s.len} takes no argument", RIGHT),
    "negated text": (
        RESIDENTIAL, "if (!loose_route()) {", 'if (!("loose_route")) {', "a text is no condition", NONE),
    "number for a text": (RESIDENTIAL, '"cannot register $tu\\n"', "404", "xlog, argument 'text': a text is needed",
        RIGHT),
    "number for a set of words": (
        CFG / "nat.cfg", 'nat_uac_test("private-contact,diff-ip-src-contact")', "nat_uac_test(19)",
        "nat_uac_test, argument 'flags': a text is needed", RIGHT),
    "number for a table": (
        RESIDENTIAL, 'save("location")', "save(7)", "save, argument 'domain': a text is needed", RIGHT),
    "socket in quotes": (
        RESIDENTIAL, "socket=tcp:127.0.0.1:5060", 'socket="tcp:127.0.0.1:5060"',
        '"tcp:127.0.0.1:5060" stands in quotes', SAME),
    "address of IPv6 without brackets": (
        RESIDENTIAL, "socket=tcp:127.0.0.1:5060", "socket=tcp:::1:5060", "'tcp:::1:5060' is no address", NONE),
    "slash behind a protocol": (
        RESIDENTIAL, "socket=tcp:127.0.0.1:5060", "socket=tcp/127.0.0.1:5060", "tcp/127.0.0.1:5060 names no", SAME),
    "equals sign that stands twice": (RESIDENTIAL, "alias=localhost", "alias= =localhost", "an address expected", NONE),
    "operator between values": (
        RESIDENTIAL, "if ($rU == NULL) {", "if ($rU NULL) {", "an operator is missing between two values", NONE),
    "operator between conditions": (
        RESIDENTIAL, 'is_method("ACK") && t_check_trans()', 'is_method("ACK") t_check_trans()',
        "an operator is missing between two conditions", NONE),
    "braces of a variable": (
        TYPED, "$avp(number) = $number;", "$avp{number} = $number;", "the name of $avp stands in parentheses", SAME),
    "other kind of route": (
        RESIDENTIAL, 'if (is_method("PUBLISH|SUBSCRIBE")) {',
        'branch_route(relay);\n\tif (is_method("PUBLISH|SUBSCRIBE")) {',
        "function branch_route is unknown", NONE),
    "word for a number": (
        RESIDENTIAL, '"max_contacts", 10)', '"max_contacts", ten)', "parameter max_contacts of registrar: a number",
        NONE),
    "condition without a name": (OLD, "debug=3\n", "#!ifdef\ndebug=3\n#!endif\n", "#!ifdef needs a name", NONE),
    "end of a condition that is misspelt": (
        "#!ifndef X\n" + OLD.replace("children=4\n", "#!endif\nchildren=4\n"), "#!endif", "#!endfi",
        "'#!endfi' is no directive", SAME),
    "else of a condition that is misspelt": (
        OLD.replace("children=4\n", "children=4\n#!ifdef X\nfork=no\n#!else\nfork=yes\n#!endif\n"), "#!else", "#!esle",
        "'#!esle' is no directive", SAME),
    "parentheses of a call, with a local that would be read": (
        TYPED, "\t\troute[to_network]($number, 2);", "\t\troute[to_network];", "missing '(' behind route[...]", NONE),
}


def findings(text, path):
    """Errors and warnings of a script that stands beside those of cfg/."""
    return verdict(str(path), overlaid({str(path): text}), notes=False).as_data()["findings"]


@pytest.mark.parametrize("name", SLIPS)
def test_a_slip(name):
    script, right, wrong, message, outcome = SLIPS[name]
    path, good = (script, read_text(str(script))) if isinstance(script, pathlib.Path) else (CFG / "old.cfg", script)
    assert right in good and not findings(good, path)
    bad, first = good.replace(right, wrong, 1), good[:good.index(right)].count("\n") + 1
    (found,) = findings(bad, path)
    assert found["severity"] == "error" and found["message"].startswith(message), found["message"]
    edits = [Edit(**each) for each in found["edits"]]
    if outcome == NONE:
        return
    after = applied(bad, edits)
    assert after == good if outcome == SAME else not findings(after, path)
    if "module of" not in name:
        assert first <= found["line"] <= first + wrong.count("\n"), found["line"]


def test_other_mistakes_are_told_beside_a_python_file_that_is_missing():
    text = read_text(str(TYPED)).replace("typed_routing.py", "no.py").replace("t_was_cancelled()", "t_was_canceled()")
    assert [each["message"] for each in findings(text, TYPED)] == [
        "cannot find the file no.py", "function t_was_canceled is unknown"]


def test_what_nothing_reads_is_told_where_all_could_be_compiled():
    text = "route { local $a = 1; local $b = 2; xlog(\"$b\"); %s }"
    head = 'socket=udp:127.0.0.1:5060\nloadmodule "proto_udp.so"\n'
    for rest, told in (("exit;", ["nothing reads $a"]), ("nonsense($a); exit;", ["function nonsense is unknown"])):
        assert [each["message"] for each in findings(head + text % rest, CFG / "x.cfg")
                if each["code"] in ("W0110", "E0202")] == told


@pytest.mark.parametrize(("statement", "meant"), [
    ('set_advertised_port(5060);', 'set_advertised_port("5060");'),
    ('set_advertised_address(10.0.0.1);', 'set_advertised_address("10.0.0.1");')])
def test_what_4_0_has_in_quotes_and_2_1_without(statement, meant):
    new = read_text(str(RESIDENTIAL)).replace("\tt_check_trans();\n", f"\t{statement}\n", 1)
    assert [each["severity"] for each in findings(new, RESIDENTIAL)] == ["error"]
    assert not findings(new.replace(statement, meant), RESIDENTIAL)
    assert not findings(OLD.replace("\tsl_send", f"\t{statement}\n\tsl_send"), CFG / "old.cfg")


def test_numbers_of_2_1_without_quotes():
    for call, told in (('sl_send_reply(404, "x");', "warning"), ('sl_send_reply("404", 7);', "error")):
        text = OLD.replace('sl_send_reply("200", "$var(gw)");', f'xlog("$var(gw)");\n\t{call}')
        (found,) = findings(text, CFG / "old.cfg")
        assert found["severity"] == told and "a text is needed, not the number" in found["message"]


def test_a_fix_that_makes_another_mistake_is_not_written():
    before = {"a.cfg": OLD.replace('"200", "$var(gw)"', '"200" 5 "$var(gw)"')}
    check = lambda texts: verdict("a.cfg", overlaid(texts), notes=False).configuration.diagnostics  # noqa: E731
    assert [each.message for each in check(before).errors] == [
        "',' or ')' expected in the call of sl_send_reply, found '5'"]
    assert fixes.fixed(before, check) == before


def test_a_route_whose_head_never_ends_is_not_missed_as_well():
    text = read_text(str(RESIDENTIAL))
    cut = text[:text.index("issed_call] {")]
    assert [each["message"] for each in findings(cut, RESIDENTIAL)] == [
        "']' expected behind the name of the route, found the end of the file"]
